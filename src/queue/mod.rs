//! The ordered, durable road between the stages.

pub mod sqs;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, sha256_hex};

/// The routing target of events that name none.
pub const DEFAULT_TARGET: &str = "default";

/// The routing target that an alarm's tags name; a name that cannot be one is as none.
#[must_use]
pub fn target(tags: &BTreeMap<String, String>) -> String {
    let named = tags.get("pagetrail:target").map(|name| name.trim());
    let valid = |name: &&str| {
        let fits = (1..=64).contains(&name.len());
        fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    named.filter(valid).unwrap_or(DEFAULT_TARGET).to_owned()
}

/// An event on its way to delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// The routing key's name, never the key itself: the queue does not hold it.
    pub target: String,
    pub event: Event,
}

impl Queued {
    /// The unit of order: routing target and dedup key.
    #[must_use]
    pub fn group(&self) -> String {
        sha256_hex(&[&self.target, self.event.dedup_key.as_str()])
    }
}
