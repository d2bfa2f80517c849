//! The ordered, durable road between the stages.

pub mod sqs;

use serde::{Deserialize, Serialize};

use crate::event::{Event, sha256_hex};

/// The routing target of events that name none.
pub const DEFAULT_TARGET: &str = "default";

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
