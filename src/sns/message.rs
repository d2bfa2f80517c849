//! What SNS posts: its three types of message, and the text that their signature is over.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::signature::Signature;
use super::topic::TopicArn;

/// Messages that were published longer ago are refused.
///
/// SNS itself tries for an hour at most (its limit for HTTPS, whatever the delivery policy),
/// behind a backlog a little longer, always with the first time. Older ones are posted by
/// hand. The signature does not say for which subscription it was made: whoever else gets
/// the topic's messages could post an old OK here, and close the incident of a later ALARM.
/// Within a day `enrich` knows an OK that is older than the last ALARM, as long as the process
/// lives. A time in the future only says that our own clock is slow.
const OLDEST: TimeDelta = TimeDelta::days(1);

/// A message as it was posted; nothing in it is to be believed before its signature is
/// verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SnsMessage {
    pub(super) kind: Kind,
    pub(super) topic: TopicArn,
    id: String,
    text: String,
    timestamp: String,
    pub(super) signature: Signature,
    pub(super) certificate_url: String,
}

/// Its type, and what only messages of this type hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Notification { subject: Option<String> },
    SubscriptionConfirmation { url: String, token: String },
    UnsubscribeConfirmation { url: String, token: String },
}

/// The body's fields. One that stands there twice is an error: what is verified must be
/// what is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    r#type: Option<String>,
    message_id: Option<String>,
    topic_arn: Option<String>,
    subject: Option<String>,
    message: Option<String>,
    timestamp: Option<String>,
    signature_version: Option<String>,
    signature: Option<String>,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    token: Option<String>,
}

impl SnsMessage {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When it is no JSON, or lacks a field that its type of message has.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let body: Body = serde_json::from_slice(body).map_err(|_| Refusal::Json)?;
        let missing = || Refusal::Field("Type", "must be that of an SNS message");
        let kind = match body.r#type.as_deref().ok_or_else(missing)? {
            "Notification" => Kind::Notification { subject: body.subject },
            "SubscriptionConfirmation" => Kind::SubscriptionConfirmation {
                url: field("SubscribeURL", body.subscribe_url)?,
                token: field("Token", body.token)?,
            },
            "UnsubscribeConfirmation" => Kind::UnsubscribeConfirmation {
                url: field("SubscribeURL", body.subscribe_url)?,
                token: field("Token", body.token)?,
            },
            _ => return Err(missing()),
        };
        let topic = field("TopicArn", body.topic_arn)?;
        let version = field("SignatureVersion", body.signature_version)?;
        let signature = field("Signature", body.signature)?;
        Ok(Self {
            kind,
            topic: topic.parse().map_err(|expected| Refusal::Field("TopicArn", expected))?,
            id: field("MessageId", body.message_id)?,
            text: field("Message", body.message)?,
            timestamp: field("Timestamp", body.timestamp)?,
            signature: Signature::read(&version, &signature)?,
            certificate_url: field("SigningCertURL", body.signing_cert_url)?,
        })
    }

    /// The text that SNS signs: names and values of these fields, each on a line, in the
    /// order of their names. The topic's ARN holds no line break and stands before the last
    /// field, so that no other field's content can stand in for it.
    pub(super) fn signed_text(&self) -> String {
        let mut fields = vec![("Message", self.text.as_str()), ("MessageId", &self.id)];
        match &self.kind {
            Kind::Notification { subject } => {
                fields.extend(subject.as_deref().map(|subject| ("Subject", subject)));
                fields.push(("Timestamp", &self.timestamp));
            }
            Kind::SubscriptionConfirmation { url, token }
            | Kind::UnsubscribeConfirmation { url, token } => {
                fields.push(("SubscribeURL", url));
                fields.push(("Timestamp", &self.timestamp));
                fields.push(("Token", token));
            }
        }
        fields.push(("TopicArn", self.topic.as_str()));
        fields.push(("Type", self.kind.name()));
        fields.iter().flat_map(|(name, value)| [*name, "\n", *value, "\n"]).collect()
    }

    /// Whether it was published too long ago.
    pub(super) fn is_too_old(&self, now: DateTime<Utc>) -> bool {
        DateTime::parse_from_rfc3339(&self.timestamp).is_ok_and(|at| now - at.to_utc() > OLDEST)
    }

    /// A notification as intake reads it. It is built from the fields that the signature covers:
    /// the body as it was posted may hold others, which anybody could have added to a message that
    /// SNS signed, and intake would read them.
    pub(super) fn notification(&self) -> Value {
        let subject = match &self.kind {
            Kind::Notification { subject } => subject.as_deref(),
            _ => None,
        };
        json!({"MessageId": self.id, "TopicArn": self.topic.as_str(), "Subject": subject,
            "Message": self.text, "Timestamp": self.timestamp})
    }
}

impl Kind {
    /// SNS's name of the type.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Notification { .. } => "Notification",
            Self::SubscriptionConfirmation { .. } => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation { .. } => "UnsubscribeConfirmation",
        }
    }
}

fn field(name: &'static str, value: Option<String>) -> Result<String, Refusal> {
    value.ok_or(Refusal::Field(name, "must be there, as SNS sends it"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(kind: &str) -> Value {
        json!({
            "Type": kind, "MessageId": "m-1", "Message": "two\nlines", "Token": "23t",
            "TopicArn": "arn:aws:sns:eu-west-1:123456789012:errors", "Subject": "é",
            "SubscribeURL": "https://sns/?x", "Timestamp": "2026-11-14T03:06:35.530Z",
            "SignatureVersion": "2", "Signature": "AAAA", "SigningCertURL": "https://sns/x.pem",
        })
    }

    fn read(body: &Value) -> Result<SnsMessage, Refusal> {
        SnsMessage::read(body.to_string().as_bytes())
    }

    #[test]
    fn the_signed_text_of_every_type() {
        let topic = "TopicArn\narn:aws:sns:eu-west-1:123456789012:errors\n";
        let head = "Message\ntwo\nlines\nMessageId\nm-1\n";
        let time = "Timestamp\n2026-11-14T03:06:35.530Z\n";
        let mut notification = body("Notification");
        assert_eq!(
            read(&notification).unwrap().signed_text(),
            format!("{head}Subject\né\n{time}{topic}Type\nNotification\n")
        );
        for without in [None, Some(Value::Null)] {
            notification.as_object_mut().unwrap().remove("Subject");
            notification.as_object_mut().unwrap().extend(without.map(|it| ("Subject".into(), it)));
            assert_eq!(
                read(&notification).unwrap().signed_text(),
                format!("{head}{time}{topic}Type\nNotification\n")
            );
        }
        for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
            assert_eq!(
                read(&body(kind)).unwrap().signed_text(),
                format!(
                    "{head}SubscribeURL\nhttps://sns/?x\n{time}Token\n23t\n{topic}Type\n{kind}\n"
                )
            );
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in [
            "Type",
            "MessageId",
            "Message",
            "TopicArn",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
            "SubscribeURL",
            "Token",
        ] {
            let mut body = body("SubscriptionConfirmation");
            body.as_object_mut().unwrap().remove(name);
            let Err(Refusal::Field(named, _)) = read(&body) else { panic!("{name}") };
            assert_eq!(named, name);
        }
        let Err(Refusal::Field("Type", _)) = read(&body("Greeting")) else { panic!() };
        for (name, value) in
            [("TopicArn", "errors"), ("SignatureVersion", "3"), ("Signature", "no base64!")]
        {
            let mut body = body("Notification");
            body[name] = json!(value);
            let Err(Refusal::Field(named, _)) = read(&body) else { panic!("{name}") };
            assert_eq!(named, name);
        }
    }

    #[test]
    fn a_field_that_stands_there_twice_is_refused() {
        let body = body("Notification").to_string();
        let twice = body.replacen('{', r#"{"Message":"signed","#, 1);
        assert_eq!(SnsMessage::read(twice.as_bytes()), Err(Refusal::Json));
        assert_eq!(SnsMessage::read(b"raw text"), Err(Refusal::Json));
    }

    #[test]
    fn old_is_what_sns_itself_would_not_send_again() {
        let message = read(&body("Notification")).unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(!message.is_too_old(at("2026-11-15T03:06:35Z")));
        assert!(message.is_too_old(at("2026-11-15T03:06:36Z")));
        assert!(!message.is_too_old(at("2020-01-01T00:00:00Z")), "a slow clock is no reason");
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in any::<Vec<u8>>()) {
            let _ = SnsMessage::read(&body);
        }

        #[test]
        fn no_text_in_a_field_makes_it_panic_or_another_topic(
            name in prop::sample::select(vec!["Type", "MessageId", "Message", "TopicArn", "Subject",
                "Timestamp", "SignatureVersion", "Signature", "SigningCertURL"]),
            text in any::<String>(),
        ) {
            let mut body = body("Notification");
            body[name] = json!(text);
            if let Ok(message) = read(&body) {
                let tail = format!("\nTopicArn\n{}\nType\nNotification\n", message.topic);
                prop_assert!(message.signed_text().ends_with(&tail));
                message.is_too_old(Utc::now());
            }
        }
    }
}
