//! Alerts by routing key and dedup key, with PagerDuty's rules (Events API v2, "Alert
//! de-duplication"): events join the open alert of their key, a resolved alert is never opened
//! again, and an event without an open alert is dropped. A vendor's event without a dedup key in
//! PagerDuty's format opens a new alert.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::content::Content;
use crate::pagerduty::accept::Posted;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, Severity};

/// How many incidents are kept: the newest.
pub const KEPT: usize = 1_000;
/// Bytes of events that are kept, so that even the largest ones fit in memory.
pub const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// Entries of a timeline that are kept: the first one and the newest.
pub const TIMELINE_KEPT: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Triggered,
    Acknowledged,
    Resolved,
}

/// The effect of an accepted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A trigger opened a new incident.
    Opened,
    /// A trigger joined the open incident.
    Joined,
    Acknowledged,
    Resolved,
    /// There is no open incident for this routing key and dedup key.
    Dropped,
}

#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    #[serde(serialize_with = "rfc_3339")]
    pub at: DateTime<Utc>,
    pub action: Action,
    pub summary: String,
}

/// One alert and what happened to it.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    pub id: u64,
    pub status: Status,
    #[serde(serialize_with = "masked")]
    pub routing_key: RoutingKey,
    pub dedup_key: String,
    pub title: String,
    pub severity: Severity,
    pub source: String,
    #[serde(serialize_with = "rfc_3339")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc_3339")]
    pub updated_at: DateTime<Utc>,
    /// The last trigger's `custom_details`; `details` of v1; a vendor's whole body.
    pub details: Map<String, Value>,
    pub links: Value,
    pub images: Value,
    pub client: Option<String>,
    pub client_url: Option<String>,
    pub trigger_count: u64,
    pub timeline: VecDeque<Entry>,
    /// Number of entries left out of the timeline, after its first one.
    pub timeline_omitted: u64,
    /// The last trigger's whole payload; outside v2 its body.
    pub payload: Map<String, Value>,
    /// Length of the last trigger's body, for [`KEPT_BYTES`].
    #[serde(skip)]
    bytes: usize,
}

impl Incident {
    /// A text of the payload, such as `component`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.payload.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Replaces the content with the trigger's: PagerDuty shows the newest.
    fn take(&mut self, posted: &Posted, bytes: usize) {
        let content = Content::of(posted);
        self.payload = content.payload;
        self.details = content.details;
        self.title = content.title;
        self.source = content.source;
        self.severity = content.severity.unwrap_or(Severity::Error);
        self.links = content.links;
        self.images = content.images;
        self.client = content.client;
        self.client_url = content.client_url;
        self.trigger_count += 1;
        self.bytes = bytes;
    }

    fn record(&mut self, at: DateTime<Utc>, action: Action, summary: String) {
        if self.timeline.len() >= TIMELINE_KEPT {
            self.timeline.remove(1);
            self.timeline_omitted += 1;
        }
        self.updated_at = at;
        self.timeline.push_back(Entry { at, action, summary });
    }
}

/// All incidents kept, oldest first.
#[derive(Debug, Default)]
pub struct Incidents {
    kept: VecDeque<Incident>,
    /// The open incident of each routing key and dedup key.
    open: HashMap<(RoutingKey, String), u64>,
    last_id: u64,
    bytes: usize,
}

impl Incidents {
    /// Applies an event; `bytes` is the length of its body. Returns the effect and the incident.
    pub fn apply(
        &mut self,
        routing_key: &RoutingKey,
        posted: &Posted,
        bytes: usize,
        now: DateTime<Utc>,
    ) -> (Outcome, Option<u64>) {
        let action = posted.action.unwrap_or(Action::Trigger);
        let own = || format!("event {}", self.last_id + 1);
        let key = (routing_key.clone(), posted.dedup_key.clone().unwrap_or_else(own));
        let open = self.open.get(&key).copied();
        let outcome = match (action, open) {
            (Action::Trigger, Some(_)) => Outcome::Joined,
            (Action::Trigger, None) => {
                let id = self.open(&key, now);
                self.open.insert(key.clone(), id);
                Outcome::Opened
            }
            (Action::Acknowledge, Some(_)) => Outcome::Acknowledged,
            (Action::Resolve, Some(_)) => Outcome::Resolved,
            (Action::Acknowledge | Action::Resolve, None) => return (Outcome::Dropped, None),
        };
        let id = self.open.get(&key).copied();
        if outcome == Outcome::Resolved {
            self.open.remove(&key);
        }
        if let Some(incident) = id.and_then(|id| self.get_mut(id)) {
            let before = incident.bytes;
            match outcome {
                Outcome::Opened | Outcome::Joined => incident.take(posted, bytes),
                // Another trigger does not change an acknowledged incident.
                Outcome::Acknowledged => incident.status = Status::Acknowledged,
                Outcome::Resolved => incident.status = Status::Resolved,
                Outcome::Dropped => {}
            }
            let summary = match action {
                Action::Trigger => incident.title.clone(),
                Action::Acknowledge => "Acknowledged through the API".to_owned(),
                Action::Resolve => "Resolved through the API".to_owned(),
            };
            incident.record(now, action, summary);
            let after = incident.bytes;
            self.bytes = self.bytes - before + after;
        }
        self.forget_oldest();
        (outcome, id)
    }

    /// Acknowledges or resolves an incident by its id, as a person does on the page.
    pub fn act(&mut self, id: u64, action: Action, now: DateTime<Utc>) {
        let Some(incident) = self.get_mut(id) else { return };
        let summary = match (action, incident.status) {
            (Action::Acknowledge, Status::Triggered) => {
                incident.status = Status::Acknowledged;
                "Acknowledged on the page"
            }
            (Action::Resolve, Status::Triggered | Status::Acknowledged) => {
                incident.status = Status::Resolved;
                "Resolved on the page"
            }
            _ => return,
        };
        incident.record(now, action, summary.to_owned());
        if action == Action::Resolve {
            self.open.retain(|_, open| *open != id);
        }
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.kept.iter().rev()
    }

    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Incident> {
        self.position(id).and_then(|position| self.kept.get(position))
    }

    /// Deletes everything. Ids continue, so that an old link never shows another incident.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.open.clear();
        self.bytes = 0;
    }

    fn get_mut(&mut self, id: u64) -> Option<&mut Incident> {
        self.position(id).and_then(|position| self.kept.get_mut(position))
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.kept.binary_search_by_key(&id, |incident| incident.id).ok()
    }

    fn open(&mut self, (routing_key, dedup_key): &(RoutingKey, String), now: DateTime<Utc>) -> u64 {
        self.last_id += 1;
        self.kept.push_back(Incident {
            id: self.last_id,
            status: Status::Triggered,
            routing_key: routing_key.clone(),
            dedup_key: dedup_key.clone(),
            title: String::new(),
            severity: Severity::Error,
            source: String::new(),
            created_at: now,
            updated_at: now,
            details: Map::new(),
            links: Value::Null,
            images: Value::Null,
            client: None,
            client_url: None,
            trigger_count: 0,
            timeline: VecDeque::new(),
            timeline_omitted: 0,
            payload: Map::new(),
            bytes: 0,
        });
        self.last_id
    }

    /// Resolved ones are deleted first: without an open one, its later resolve would be dropped.
    fn forget_oldest(&mut self) {
        while self.kept.len() > KEPT || (self.bytes > KEPT_BYTES && self.kept.len() > 1) {
            let resolved = self.kept.iter().position(|kept| kept.status == Status::Resolved);
            if let Some(incident) = self.kept.remove(resolved.unwrap_or(0)) {
                self.bytes -= incident.bytes;
                let key = (incident.routing_key, incident.dedup_key);
                if self.open.get(&key) == Some(&incident.id) {
                    self.open.remove(&key);
                }
            }
        }
    }
}

pub(super) fn masked<S: Serializer>(key: &RoutingKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

pub(super) fn rfc_3339<S: Serializer>(
    at: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}
