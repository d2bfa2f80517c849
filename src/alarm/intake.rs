//! Intake: splits a payload into its notices, and recognises each by its marker fields.

use serde_json::Value;

use super::fields::text;
use super::{Alarm, event_bridge, notification};
use crate::aws::{Origin, home, region_named};
use crate::hash::sha256_hex;
use crate::redact::Redactor;

/// The most levels of envelopes, arrays and JSON in strings that are opened; real payloads have
/// about six.
const DEEPEST: usize = 12;

/// SNS's names for the protocols for which a message can have separate texts (SNS developer guide,
/// "Publishing"). A message published without `MessageStructure` arrives with all of them.
const PROTOCOLS: [&str; 5] = ["default", "lambda", "sqs", "https", "http"];

const NO_JSON: &str = "This is not a CloudWatch alarm: the message is not JSON";
const NO_ALARM: &str = "This message is not a CloudWatch alarm";
const NO_CHANGE: &str = "This event is not a state change of a CloudWatch alarm";

/// What came in: an alarm, or a message that pages with its own text.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Alarm(Box<Alarm>),
    Message(Message),
}

/// A message that is not an alarm: a person published it, or its form is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The SNS or SQS message id; empty if there is none.
    pub id: String,
    pub subject: Option<String>,
    pub body: String,
    pub topic: Option<String>,
    pub origin: Origin,
    /// Why it was not read as an alarm, for the incident's note.
    pub why: String,
}

impl Message {
    /// The same for every delivery of the same message, and for no other.
    #[must_use]
    pub fn deduplication_id(&self) -> String {
        let identity = if self.id.is_empty() { &self.body } else { &self.id };
        sha256_hex(&["message", identity])
    }
}

impl Notice {
    /// Redacts what must not be sent. Names, ARNs and a contributor's id stay: they identify
    /// the alert.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        match &mut self {
            Self::Alarm(alarm) => {
                redactor.replace(&mut alarm.reason);
                alarm.description.iter_mut().for_each(|text| redactor.replace(text));
                alarm.carried.iter_mut().for_each(|line| redactor.replace(&mut line.text));
                let contributor = alarm.contributor.iter_mut().map(|it| &mut it.attributes);
                let dimensions = alarm.metrics.iter_mut().map(|metric| &mut metric.dimensions);
                let values = contributor.chain(dimensions).flat_map(|pairs| pairs.values_mut());
                values.for_each(|value| redactor.replace(value));
            }
            Self::Message(message) => {
                redactor.replace(&mut message.body);
                message.subject.iter_mut().for_each(|text| redactor.replace(text));
            }
        }
        self
    }
}

/// Reads all notices of a payload, in their order. Never fails: anything that is not an alarm is
/// a message. `home` is used if nothing says where a notice comes from.
///
/// | marker | form |
/// |---|---|
/// | `Records[].Sns` | SNS event |
/// | `Records[].body` | SQS event: raw delivery, or the SNS notification around it |
/// | `Message` and `TopicArn` | SNS notification, as it is posted over HTTPS |
/// | `alarmData` | direct alarm action |
/// | `detail` | EventBridge event |
/// | `alarmName` and `state` | the `detail` of such an event alone |
/// | `AlarmName` | the alarm's SNS message itself |
/// | `default` | a message for several protocols, published as it is |
/// | an array | several of these, from an EventBridge pipe or a batch |
///
/// Each form can be inside another, also as JSON in a string.
#[must_use]
pub fn read(payload: &Value, home: &Origin) -> Vec<Notice> {
    let outside = Envelope::outside(home);
    match payload["Records"].as_array() {
        Some(records) if !records.is_empty() => {
            records.iter().flat_map(|record| read_record(record, &outside)).collect()
        }
        _ => read_record(payload, &outside),
    }
}

fn read_record(record: &Value, outside: &Envelope) -> Vec<Notice> {
    if let Some(notices) = known(record, outside, DEEPEST) {
        return notices;
    }
    match record["body"].as_str() {
        Some(body) => {
            let envelope = Envelope::of_queue(record, outside);
            envelope.as_ref().unwrap_or(outside).open(body, DEEPEST)
        }
        None => vec![outside.element(record)],
    }
}

/// The notices in a value of a known form, `depth` levels deep; None for other values.
fn known(value: &Value, around: &Envelope, depth: usize) -> Option<Vec<Notice>> {
    let depth = depth.checked_sub(1)?;
    if let Some(text) = value.as_str() {
        return known(&serde_json::from_str(text).ok()?, around, depth);
    }
    if let Some(items) = value.as_array().or_else(|| value["Records"].as_array()) {
        return apart(items, around, depth);
    }
    if let Some(message) = value["Sns"]["Message"].as_str() {
        return Some(Envelope::of_notification(&value["Sns"], around).open(message, depth));
    }
    if let Some(envelope) = Envelope::of_queue(value, around) {
        let body = &value["body"];
        let notices = match body.as_str() {
            Some(body) => envelope.open(body, depth),
            None => envelope.open(&body.to_string(), depth),
        };
        return surely(&value["eventSourceARN"], notices);
    }
    let is_notification = value.get("TopicArn").is_some() || value["Type"] == "Notification";
    if let Some(message) = value["Message"].as_str().filter(|_| is_notification) {
        let notices = Envelope::of_notification(value, around).open(message, depth);
        return surely(&value["TopicArn"], notices);
    }
    if let Some(alarm) = alarm(value, &around.origin_of(value)) {
        return Some(vec![Notice::Alarm(Box::new(alarm))]);
    }
    value.get("default")?;
    PROTOCOLS.iter().find_map(|protocol| known(value.get(protocol)?, around, depth))
}

/// The content of what may be an envelope. If it does not say which topic or queue it is from, it
/// may as well be somebody's own message with the same field names: only an alarm inside proves it.
fn surely(source: &Value, notices: Vec<Notice>) -> Option<Vec<Notice>> {
    let known_source = source.as_str().and_then(Origin::from_arn).is_some();
    let has_alarm = notices.iter().any(|notice| matches!(notice, Notice::Alarm(_)));
    (known_source || has_alarm).then_some(notices)
}

/// Reads each item separately, if at least one of them has a known form.
fn apart(items: &[Value], around: &Envelope, depth: usize) -> Option<Vec<Notice>> {
    let parts = items.iter().zip(1..).map(|(item, number)| (item, around.part(number)));
    let read: Vec<_> = parts.map(|(item, part)| (item, known(item, &part, depth), part)).collect();
    if read.iter().all(|(_, notices, _)| notices.is_none()) {
        return None;
    }
    let notices = read
        .into_iter()
        .flat_map(|(item, notices, part)| notices.unwrap_or_else(|| vec![part.element(item)]));
    Some(notices.collect())
}

/// What surrounds a message.
#[derive(Clone)]
struct Envelope {
    id: String,
    subject: Option<String>,
    topic: Option<String>,
    origin: Origin,
}

impl Envelope {
    /// The outermost envelope: nothing surrounds a payload.
    fn outside(home: &Origin) -> Self {
        Self { id: String::new(), subject: None, topic: None, origin: home.clone() }
    }

    /// An SNS notification, in the spelling of Lambda events or of HTTPS.
    fn of_notification(notification: &Value, around: &Self) -> Self {
        let topic = text(notification, "TopicArn");
        let origin = topic.as_deref().and_then(Origin::from_arn);
        Self {
            id: text(notification, "MessageId").unwrap_or_else(|| around.id.clone()),
            subject: text(notification, "Subject").or_else(|| around.subject.clone()),
            origin: origin.unwrap_or_else(|| around.origin.clone()),
            topic: topic.or_else(|| around.topic.clone()),
        }
    }

    /// Where an alarm without an ARN comes from: its topic's Region, else the one that its message
    /// names.
    fn origin_of(&self, alarm: &Value) -> Origin {
        let named = || region_named(alarm["Region"].as_str()?);
        match named() {
            Some(region) if self.topic.is_none() => home(region, &self.origin.account),
            _ => self.origin.clone(),
        }
    }

    /// The envelope of one of several items. Each needs an id of its own, or all but one would be
    /// dropped as duplicates.
    fn part(&self, number: usize) -> Self {
        let id = if self.id.is_empty() { String::new() } else { format!("{}/{number}", self.id) };
        Self { id, ..self.clone() }
    }

    /// A message of an SQS queue; None for anything else.
    fn of_queue(record: &Value, around: &Self) -> Option<Self> {
        record.get("body")?;
        let (id, queue) = (text(record, "messageId"), text(record, "eventSourceARN"));
        if id.is_none() && queue.is_none() {
            return None;
        }
        let origin = queue.as_deref().and_then(Origin::from_arn);
        Some(Self {
            id: id.unwrap_or_else(|| around.id.clone()),
            subject: None,
            origin: origin.unwrap_or_else(|| around.origin.clone()),
            topic: queue.or_else(|| around.topic.clone()),
        })
    }

    fn open(&self, body: &str, depth: usize) -> Vec<Notice> {
        let why = match serde_json::from_str::<Value>(body) {
            Err(_) => NO_JSON,
            Ok(parsed) => match known(&parsed, self, depth) {
                Some(notices) => return notices,
                None => NO_ALARM,
            },
        };
        vec![self.message(body.to_owned(), why)]
    }

    fn message(&self, body: String, why: &str) -> Notice {
        Notice::Message(Message {
            id: self.id.clone(),
            subject: self.subject.clone(),
            body,
            topic: self.topic.clone(),
            origin: self.origin.clone(),
            why: why.to_owned(),
        })
    }

    /// Something that is not an alarm: alone in a payload, or one of several items.
    fn element(&self, value: &Value) -> Notice {
        let body = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if self.id.is_empty() && self.topic.is_none() {
            return Notice::Message(Message {
                id: text(value, "id").unwrap_or_default(),
                subject: text(value, "detail-type"),
                body,
                topic: text(value, "source"),
                origin: self.origin.clone(),
                why: NO_CHANGE.to_owned(),
            });
        }
        self.message(body, NO_ALARM)
    }
}

fn alarm(value: &Value, fallback: &Origin) -> Option<Alarm> {
    if value.get("AlarmName").is_some() {
        notification::read(value, fallback)
    } else if value.get("alarmName").is_some() && value["state"]["value"].is_string() {
        // A rule's target can have `$.detail` as its input.
        event_bridge::read(&serde_json::json!({"detail": value}), fallback)
    } else {
        event_bridge::read(value, fallback)
    }
}

#[cfg(test)]
mod tests;
