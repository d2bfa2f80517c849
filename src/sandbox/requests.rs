//! The log of requests to the Events API and their answers.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::incidents::rfc_3339;
use crate::pagerduty::accept::Endpoint;

/// How many requests are kept: the newest.
pub const KEPT: usize = 1_000;

/// One request; it shows only the last four characters of the routing key.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub id: u64,
    #[serde(serialize_with = "rfc_3339")]
    pub at: DateTime<Utc>,
    pub endpoint: Endpoint,
    pub bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<crate::pagerduty::Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// `None`: no answer was sent.
    pub status: Option<u16>,
    /// `opened`, `joined`, `acknowledged`, `resolved`, `dropped`, `kept` (a change),
    /// `invalid`, `limited`, or the fault that was shown, such as `fault: status 503`.
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Requests {
    kept: VecDeque<Request>,
    last_id: u64,
}

impl Requests {
    /// Adds an entry and gives it its id.
    pub fn add(&mut self, mut request: Request) {
        self.last_id += 1;
        request.id = self.last_id;
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(request);
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.kept.iter().rev()
    }

    pub fn clear(&mut self) {
        self.kept.clear();
    }
}
