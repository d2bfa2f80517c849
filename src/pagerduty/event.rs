//! The PagerDuty event: its types and limits (Events API v2).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::hash::sha256_hex;

/// Longest `payload.summary`, in characters (Events API v2 reference).
pub const SUMMARY_LIMIT: usize = 1024;
/// Longest `dedup_key`, in characters (Events API v2 reference).
pub const DEDUP_KEY_LIMIT: usize = 255;
/// Largest request body, in bytes: the documented 512 KB, taken as 512 000.
pub const BODY_LIMIT: usize = 512_000;

/// Largest event, in bytes of JSON: the body's limit minus the routing key, which delivery adds,
/// and minus the queue's envelope.
pub const SENDABLE_LIMIT: usize = BODY_LIMIT - 256;

/// One event for PagerDuty, without the routing key; only delivery knows the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub event_action: Action,
    pub dedup_key: DedupKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_url: Option<String>,
}

impl Event {
    /// The time of what happened, if the event has one.
    #[must_use]
    pub fn happened_at(&self) -> Option<DateTime<Utc>> {
        let timestamp = self.payload.as_ref()?.timestamp.as_deref()?;
        DateTime::parse_from_rfc3339(timestamp).ok().map(|at| at.to_utc())
    }
}

/// What an event does to its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

impl Action {
    /// PagerDuty's name for the action.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// The content of a trigger: the line on the phone, and the evidence below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    pub summary: String,
    pub source: String,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Flat: PagerDuty shows a nested object as one line of raw JSON, and sorts the keys.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_details: Map<String, Value>,
}

/// How bad it is, in PagerDuty's four levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Severity {
    /// The severity with this name at PagerDuty.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "info" => Some(Self::Info),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }
}

/// A link shown under the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub href: String,
    pub text: String,
}

/// The key that joins events into one alert at PagerDuty; never longer than [`DEDUP_KEY_LIMIT`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupKey(String);

impl DedupKey {
    /// The identity itself if it fits, otherwise its SHA-256, which is just as stable.
    #[must_use]
    pub fn new(identity: &str) -> Self {
        if identity.chars().count() <= DEDUP_KEY_LIMIT {
            Self(identity.to_owned())
        } else {
            Self(format!("sha256:{}", sha256_hex(&[identity])))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
