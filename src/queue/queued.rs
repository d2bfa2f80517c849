//! The content of a queue's message: an event to be delivered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Deduplication, Outgoing, QueueError};
use crate::hash::sha256_hex;
use crate::pagerduty::accept::Posted;
use crate::pagerduty::{Action, Endpoint, Event, Severity};
use crate::routing::Target;

/// An event to be delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queued {
    pub target: Target,
    /// The PagerDuty endpoint for this event.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// The path of [`Endpoint::Other`], with a placeholder for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The body of the request, a JSON object, without the routing key. It is delivered as its
    /// sender wrote it.
    pub event: Box<RawValue>,
}

/// What delivery needs to know about an event's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    pub action: Option<Action>,
    pub dedup_key: String,
    pub severity: Option<Severity>,
    /// The time of what happened, if the event has one.
    pub happened_at: Option<DateTime<Utc>>,
    /// The title, if it has one.
    pub summary: Option<String>,
}

impl Queued {
    /// The message for the queue with an event that Pagetrail composed; the deduplication id is
    /// that of the notice.
    ///
    /// # Errors
    /// When the event cannot be written as JSON.
    pub fn composed(target: Target, event: &Event, id: String) -> Result<Outgoing, QueueError> {
        let outline = Outline::from(event);
        let event = serde_json::value::to_raw_value(event)
            .map_err(|error| QueueError::Failed(error.to_string()))?;
        Self { target, endpoint: Endpoint::V2, route: None, event }.outgoing(
            &outline,
            None,
            Deduplication::Id(id),
        )
    }

    /// What delivery needs to know about the content.
    #[must_use]
    pub fn outline(&self) -> Outline {
        // An event of another format has no such fields, but is delivered anyway.
        serde_json::from_str::<Fields<'_>>(self.event.get()).map(Outline::from).unwrap_or_default()
    }

    /// The message for the queue. `pool` is the pool that the target's key is in: events for an alert stay in
    /// order whether they name the pool or its key.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn outgoing(
        &self,
        outline: &Outline,
        pool: Option<&Target>,
        deduplication: Deduplication,
    ) -> Result<Outgoing, QueueError> {
        let body =
            serde_json::to_string(self).map_err(|error| QueueError::Failed(error.to_string()))?;
        let target = self.target.to_string();
        Ok(Outgoing {
            body,
            group: self.group(outline, pool.unwrap_or(&self.target), &deduplication),
            deduplication: match deduplication {
                Deduplication::Unique => Deduplication::Unique,
                // The same change may go to several targets.
                Deduplication::Id(id) => Deduplication::Id(sha256_hex(&[&target, &id])),
            },
            target: self.target.clone(),
            key: None,
            severity: outline.severity,
        })
    }

    /// Messages stay in order by routing target and dedup key, on every endpoint. A vendor's event
    /// without a dedup key can be about any alert of its integration, so all of these stay in
    /// order. A change event is about no alert and waits for nothing.
    fn group(
        &self,
        outline: &Outline,
        destination: &Target,
        deduplication: &Deduplication,
    ) -> String {
        let target = destination.to_string();
        match self.endpoint {
            Endpoint::Change => sha256_hex(&[&target, "change", &deduplication.id()]),
            endpoint if outline.dedup_key.is_empty() => {
                let route = self.route.as_deref().unwrap_or_default();
                sha256_hex(&[&target, endpoint.name(), route])
            }
            _ => sha256_hex(&[&target, &outline.dedup_key]),
        }
    }
}

impl From<&Event> for Outline {
    fn from(event: &Event) -> Self {
        let payload = event.payload.as_ref();
        Self {
            action: Some(event.event_action),
            dedup_key: event.dedup_key.as_str().to_owned(),
            severity: payload.map(|payload| payload.severity),
            happened_at: event.happened_at(),
            summary: payload.map(|payload| payload.summary.clone()),
        }
    }
}

impl From<&Posted> for Outline {
    /// Without the fields that only delivery needs; it reads them from the queue.
    fn from(posted: &Posted) -> Self {
        Self {
            action: posted.action,
            dedup_key: posted.dedup_key.clone().unwrap_or_default(),
            severity: posted.severity,
            happened_at: None,
            summary: None,
        }
    }
}

impl Outline {
    /// Whether this is an event for the endpoint: an event of version 2 has an action and a dedup
    /// key.
    #[must_use]
    pub fn is_deliverable(&self, endpoint: Endpoint) -> bool {
        endpoint != Endpoint::V2 || (self.action.is_some() && !self.dedup_key.is_empty())
    }

    /// The summary; without one, the action and the dedup key.
    #[must_use]
    pub fn title(&self) -> String {
        let action = self.action.map_or("event", Action::name);
        self.summary.clone().unwrap_or_else(|| format!("{action} of {}", self.dedup_key))
    }
}

/// The fields that delivery needs, for all types of event. Each is parsed separately: one with an
/// unexpected type must not hide the others.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    event_action: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    dedup_key: Option<&'a RawValue>,
    #[serde(borrow)]
    incident_key: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PayloadFields<'a> {
    #[serde(borrow)]
    severity: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

fn read<'a, T: Deserialize<'a>>(field: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(field?.get()).ok()
}

impl From<Fields<'_>> for Outline {
    fn from(fields: Fields<'_>) -> Self {
        let payload: PayloadFields<'_> = read(fields.payload).unwrap_or_default();
        let happened_at: Option<String> = read(payload.timestamp);
        let happened_at = happened_at.and_then(|at| DateTime::parse_from_rfc3339(&at).ok());
        let dedup_key: Option<String> = read(fields.dedup_key).or(read(fields.incident_key));
        Self {
            action: read(fields.event_action).or(read(fields.event_type)),
            dedup_key: dedup_key.unwrap_or_default(),
            severity: read(payload.severity),
            happened_at: happened_at.map(|at| at.to_utc()),
            summary: read(payload.summary).or(read(fields.description)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queued(endpoint: &str, event: &serde_json::Value) -> Queued {
        let body = json!({"target": "default", "endpoint": endpoint, "event": event});
        serde_json::from_str(&body.to_string()).unwrap()
    }

    #[test]
    fn the_outline_of_every_kind_of_event() {
        let outline = queued(
            "v2",
            &json!({"event_action": "trigger", "dedup_key": "k", "x": [1], "payload": {
                "summary": "s", "source": "h", "severity": "critical",
                "timestamp": "2026-11-21T10:00:00Z"}}),
        )
        .outline();
        assert_eq!((outline.action, outline.dedup_key.as_str()), (Some(Action::Trigger), "k"));
        assert_eq!(outline.severity, Some(Severity::Critical));
        assert!(outline.happened_at.is_some());
        let outline =
            queued("v1", &json!({"event_type": "resolve", "incident_key": "i"})).outline();
        assert_eq!((outline.action, outline.dedup_key.as_str()), (Some(Action::Resolve), "i"));
        let strange = json!({"event_action": 7, "dedup_key": {}, "payload": "text"});
        assert_eq!(queued("integration", &strange).outline(), Outline::default());
    }

    #[test]
    fn a_message_queued_before_endpoints_existed_is_read() {
        let body = r#"{"target":"default","event":{"event_action":"resolve","dedup_key":"k"}}"#;
        let queued: Queued = serde_json::from_str(body).unwrap();
        assert_eq!(queued.endpoint, Endpoint::V2);
        assert_eq!(queued.outline().dedup_key, "k");
    }

    #[test]
    fn vendors_events_without_a_key_stay_in_order_and_changes_wait_for_nothing() {
        let group = |endpoint: &str, id: &str| {
            let queued = queued(endpoint, &json!({"a": 1}));
            let deduplication = Deduplication::Id(id.to_owned());
            queued.outgoing(&queued.outline(), None, deduplication).unwrap().group
        };
        assert_eq!(group("integration", "1"), group("integration", "2"));
        assert_ne!(group("integration", "1"), group("ruleset", "1"));
        assert_ne!(group("change", "1"), group("change", "2"));
    }
}
