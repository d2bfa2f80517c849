//! Change events: stored as received. They page nobody and join no alert.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::content::Content;
use super::incidents::{KEPT, KEPT_BYTES, masked, rfc_3339};
use crate::pagerduty::accept::Posted;
use crate::pagerduty::routing_key::RoutingKey;

#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub id: u64,
    #[serde(serialize_with = "rfc_3339")]
    pub at: DateTime<Utc>,
    #[serde(serialize_with = "masked")]
    pub routing_key: RoutingKey,
    pub summary: String,
    pub source: String,
    /// The change's `custom_details`.
    pub details: Map<String, Value>,
    pub links: Value,
    pub images: Value,
    /// The change's whole payload.
    pub payload: Map<String, Value>,
    /// Length of the body, for [`KEPT_BYTES`].
    #[serde(skip)]
    bytes: usize,
}

/// The newest changes, with the same limits as incidents.
#[derive(Debug, Default)]
pub struct Changes {
    kept: VecDeque<Change>,
    last_id: u64,
    bytes: usize,
}

impl Changes {
    /// Keeps a change event; `bytes` is the length of its body.
    pub fn add(&mut self, key: &RoutingKey, posted: &Posted, bytes: usize, now: DateTime<Utc>) {
        let Content { title, source, details, links, images, payload, .. } = Content::of(posted);
        self.last_id += 1;
        self.bytes += bytes;
        self.kept.push_back(Change {
            id: self.last_id,
            at: now,
            routing_key: key.clone(),
            summary: title,
            source,
            details,
            links,
            images,
            payload,
            bytes,
        });
        while self.kept.len() > KEPT || (self.bytes > KEPT_BYTES && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= oldest.bytes;
            }
        }
    }

    /// Newest first.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Change> {
        self.kept.iter().rev()
    }

    /// Deletes everything; ids continue.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }
}
