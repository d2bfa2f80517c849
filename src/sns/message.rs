//! The messages that SNS posts: their three types, and the text that is signed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::RequestError;
use super::signature::Signature;
use super::topic::TopicArn;

/// Messages that were published longer ago are refused.
///
/// SNS itself tries for at most one hour (its limit for HTTPS, with any delivery policy), or a
/// little longer after a backlog, always with the original time. Older messages were posted by
/// hand. The signature does not say which subscription it is for: anyone who also receives the
/// topic's messages could post an old OK here, and close the incident of a later ALARM. Within a
/// day `enrich` recognises an OK that is older than the last ALARM, as long as the process lives. A
/// time in the future only means that our own clock is slow.
const OLDEST: TimeDelta = TimeDelta::days(1);

/// A message as posted. Nothing in it can be trusted before its signature is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SnsMessage {
    pub(super) kind: MessageType,
    pub(super) topic: TopicArn,
    id: String,
    text: String,
    /// As posted, for the signature.
    timestamp: String,
    at: DateTime<Utc>,
    pub(super) signature: Signature,
    pub(super) certificate_url: String,
}

/// The type, and the fields that only this type has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MessageType {
    Notification { subject: Option<String> },
    SubscriptionConfirmation { url: String, token: String },
    UnsubscribeConfirmation { url: String, token: String },
}

/// The body's fields. A field that occurs twice is an error: exactly what is verified must be read.
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
    /// When it is not JSON, or misses a field of its type of message.
    pub(super) fn read(body: &[u8]) -> Result<Self, RequestError> {
        let body: Body = serde_json::from_slice(body).map_err(|_| RequestError::Json)?;
        body.check_lines()?;
        let missing = || RequestError::Field("Type", "must be that of an SNS message");
        let kind = match body.r#type.as_deref().ok_or_else(missing)? {
            "Notification" => MessageType::Notification { subject: body.subject },
            "SubscriptionConfirmation" => MessageType::SubscriptionConfirmation {
                url: field("SubscribeURL", body.subscribe_url)?,
                token: field("Token", body.token)?,
            },
            "UnsubscribeConfirmation" => MessageType::UnsubscribeConfirmation {
                url: field("SubscribeURL", body.subscribe_url)?,
                token: field("Token", body.token)?,
            },
            _ => return Err(missing()),
        };
        let topic = field("TopicArn", body.topic_arn)?;
        let version = field("SignatureVersion", body.signature_version)?;
        let signature = field("Signature", body.signature)?;
        let timestamp = field("Timestamp", body.timestamp)?;
        // Without a time it could be posted again for ever.
        let at = DateTime::parse_from_rfc3339(&timestamp)
            .map_err(|_| RequestError::Field("Timestamp", "must be a time in ISO 8601"))?;
        Ok(Self {
            kind,
            topic: topic.parse().map_err(|expected| RequestError::Field("TopicArn", expected))?,
            id: field("MessageId", body.message_id)?,
            text: field("Message", body.message)?,
            timestamp,
            at: at.to_utc(),
            signature: Signature::read(&version, &signature)?,
            certificate_url: field("SigningCertURL", body.signing_cert_url)?,
        })
    }

    /// The text that SNS signs: name and value of these fields, each on its own line, sorted by
    /// name. Only the message can contain a line break, and it comes first, so no field's content can
    /// imitate another field.
    pub(super) fn signed_text(&self) -> String {
        let mut fields = vec![("Message", self.text.as_str()), ("MessageId", &self.id)];
        match &self.kind {
            MessageType::Notification { subject } => {
                fields.extend(subject.as_deref().map(|subject| ("Subject", subject)));
                fields.push(("Timestamp", &self.timestamp));
            }
            MessageType::SubscriptionConfirmation { url, token }
            | MessageType::UnsubscribeConfirmation { url, token } => {
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
        now - self.at > OLDEST
    }

    /// A notification in the form that intake reads. It is built only from the signed fields: the
    /// posted body can have other fields, which anyone could add to a message that SNS signed, and
    /// intake would read them.
    pub(super) fn notification(&self) -> Value {
        let subject = match &self.kind {
            MessageType::Notification { subject } => subject.as_deref(),
            _ => None,
        };
        json!({"MessageId": self.id, "TopicArn": self.topic.as_str(), "Subject": subject,
            "Message": self.text, "Timestamp": self.timestamp})
    }
}

impl Body {
    /// The text that SNS signs has a line for each field. With line breaks in other fields than the message,
    /// one signed text could be read as two different messages. SNS allows none there.
    fn check_lines(&self) -> Result<(), RequestError> {
        for (name, value) in [
            ("Type", &self.r#type),
            ("MessageId", &self.message_id),
            ("TopicArn", &self.topic_arn),
            ("Subject", &self.subject),
            ("Timestamp", &self.timestamp),
            ("SubscribeURL", &self.subscribe_url),
            ("Token", &self.token),
        ] {
            if value.as_deref().is_some_and(|value| value.contains(['\n', '\r'])) {
                return Err(RequestError::Field(name, "must be one line"));
            }
        }
        Ok(())
    }
}

impl MessageType {
    /// SNS's name for the type.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Notification { .. } => "Notification",
            Self::SubscriptionConfirmation { .. } => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation { .. } => "UnsubscribeConfirmation",
        }
    }
}

fn field(name: &'static str, value: Option<String>) -> Result<String, RequestError> {
    value.ok_or(RequestError::Field(name, "is missing: SNS always sends it"))
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

    fn read(body: &Value) -> Result<SnsMessage, RequestError> {
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
    fn a_missing_field_is_named() {
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
            let Err(RequestError::Field(named, _)) = read(&body) else { panic!("{name}") };
            assert_eq!(named, name);
        }
        let Err(RequestError::Field("Type", _)) = read(&body("Greeting")) else { panic!() };
        for (name, value) in [
            ("TopicArn", "errors"),
            ("SignatureVersion", "3"),
            ("Signature", "no base64!"),
            ("Timestamp", "yesterday"),
            ("Timestamp", ""),
            ("Subject", "a\nTimestamp\n2026-11-14T03:06:35.530Z"),
            ("MessageId", "m\r"),
            ("Token", "a\nb"),
            ("SubscribeURL", "https://sns/\n"),
        ] {
            let mut body = body("SubscriptionConfirmation");
            body[name] = json!(value);
            let Err(RequestError::Field(named, _)) = read(&body) else { panic!("{name}") };
            assert_eq!(named, name);
        }
    }

    #[test]
    fn a_field_that_occurs_twice_is_refused() {
        let body = body("Notification").to_string();
        let twice = body.replacen('{', r#"{"Message":"signed","#, 1);
        assert_eq!(SnsMessage::read(twice.as_bytes()), Err(RequestError::Json));
        assert_eq!(SnsMessage::read(b"raw text"), Err(RequestError::Json));
    }

    #[test]
    fn a_message_is_old_if_sns_itself_would_not_send_it_again() {
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
