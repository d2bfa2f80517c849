//! Intake: what a payload holds, each part on its own, told apart by marker fields.

use serde_json::Value;

use super::fields::text;
use super::{Alarm, event_bridge, notification};
use crate::aws::Origin;
use crate::hash::sha256_hex;
use crate::redact::Redactor;

/// What came in: an alarm, or a message that pages as itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Alarm(Box<Alarm>),
    Message(Message),
}

/// A message that is no alarm: a person published it, or the form is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The SNS or SQS message id; empty where there is none.
    pub id: String,
    pub subject: Option<String>,
    pub body: String,
    pub topic: Option<String>,
    pub origin: Origin,
    /// Why it was not read as an alarm, in plain words.
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
    /// Without what must not leave. Names, ARNs and a contributor's id stay: they are
    /// what an alert is known by.
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

/// Reads all notices of a payload, in their order. Never fails: what is no alarm is a
/// message. `home` stands in where nothing says where a notice comes from.
///
/// | marker | form |
/// |---|---|
/// | `Records[].Sns` | SNS event |
/// | `Records[].body` | SQS event: raw delivery, or the SNS notification around it |
/// | `Message` and `TopicArn` | SNS notification, as it is posted over HTTPS |
/// | `alarmData` | direct alarm action |
/// | `detail` | EventBridge event |
/// | `AlarmName` | the alarm's SNS message itself |
#[must_use]
pub fn read(payload: &Value, home: &Origin) -> Vec<Notice> {
    match payload["Records"].as_array() {
        Some(records) if !records.is_empty() => {
            records.iter().map(|record| read_record(record, home)).collect()
        }
        _ => vec![read_record(payload, home)],
    }
}

fn read_record(record: &Value, home: &Origin) -> Notice {
    if let Some(body) = record["Sns"]["Message"].as_str() {
        return Envelope::of(&record["Sns"], home).open(body);
    }
    if let Some(body) = record["body"].as_str() {
        let notification: Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(notice) = read_notification(&notification, home) {
            return notice;
        }
        let queue = text(record, "eventSourceARN");
        let envelope = Envelope {
            id: text(record, "messageId").unwrap_or_default(),
            subject: None,
            origin: queue.as_deref().and_then(Origin::from_arn).unwrap_or_else(|| home.clone()),
            topic: queue,
        };
        return envelope.open(body);
    }
    if let Some(notice) = read_notification(record, home) {
        return notice;
    }
    match alarm(record, home) {
        Some(alarm) => Notice::Alarm(Box::new(alarm)),
        None => Notice::Message(Message {
            id: text(record, "id").unwrap_or_default(),
            subject: text(record, "detail-type"),
            body: record.to_string(),
            topic: text(record, "source"),
            origin: home.clone(),
            why: "This event is no state change of a CloudWatch alarm".to_owned(),
        }),
    }
}

fn read_notification(notification: &Value, home: &Origin) -> Option<Notice> {
    let message = notification["Message"].as_str()?;
    notification.get("TopicArn")?;
    Some(Envelope::of(notification, home).open(message))
}

/// What stands around a message.
struct Envelope {
    id: String,
    subject: Option<String>,
    topic: Option<String>,
    origin: Origin,
}

impl Envelope {
    fn of(notification: &Value, home: &Origin) -> Self {
        let topic = text(notification, "TopicArn");
        Self {
            id: text(notification, "MessageId").unwrap_or_default(),
            subject: text(notification, "Subject"),
            origin: topic.as_deref().and_then(Origin::from_arn).unwrap_or_else(|| home.clone()),
            topic,
        }
    }

    fn open(self, body: &str) -> Notice {
        let why = match serde_json::from_str::<Value>(body) {
            Err(_) => "This is no CloudWatch alarm: the message is no JSON",
            Ok(parsed) => match alarm(&parsed, &self.origin) {
                Some(alarm) => return Notice::Alarm(Box::new(alarm)),
                None => "This message is no CloudWatch alarm",
            },
        };
        Notice::Message(Message {
            id: self.id,
            subject: self.subject,
            body: body.to_owned(),
            topic: self.topic,
            origin: self.origin,
            why: why.to_owned(),
        })
    }
}

fn alarm(value: &Value, fallback: &Origin) -> Option<Alarm> {
    if value.get("AlarmName").is_some() {
        notification::read(value, fallback)
    } else {
        event_bridge::read(value, fallback)
    }
}

#[cfg(test)]
mod tests;
