//! The plainer event that is tried after PagerDuty refused the full one.

use serde_json::{Map, Value, json};

use super::accept::rules::{action, is_longer};
use super::{Action, DEDUP_KEY_LIMIT, Endpoint, Severity};
use crate::text::{cut, one_line};

/// How much of a text is kept, in characters: far below PagerDuty's limits.
const LONGEST: usize = 250;
/// Where vendors' tools write what happened, the most telling first.
const TITLES: [&str; 11] = [
    "summary",
    "title",
    "description",
    "message",
    "subject",
    "text",
    "event_title",
    "alert_name",
    "AlarmName",
    "name",
    "id",
];
/// Where vendors' tools write what it happened to.
const SOURCES: [&str; 5] = ["source", "host", "hostname", "service", "client"];
/// How vendors' tools say that it is over, in small letters.
const OVER: [&str; 7] = ["resolved", "resolve", "ok", "recovered", "recovery", "closed", "up"];

/// An event in its simplest form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The endpoint that takes it.
    pub endpoint: Endpoint,
    /// A JSON object without the routing key.
    pub event: String,
}

/// The same event in its simplest form, with a note that says why. It reads whatever is there: what
/// PagerDuty refused can have any shape. A vendor's event becomes one of version 2. `None` if the
/// event is as plain already.
#[must_use]
pub fn plainer(endpoint: Endpoint, event: &str, why: &str) -> Option<Plain> {
    let body: Map<String, Value> = serde_json::from_str(event).ok()?;
    let note = format!(
        "PagerDuty refused the full event ({}). It is with Pagetrail's rejected events.",
        cut(&one_line(why), 300)
    );
    let (endpoint, plain) = match endpoint {
        Endpoint::V2 => (endpoint, of_v2(&body, &note)),
        Endpoint::Change => {
            let summary = title(&[payload(&body), &body]);
            (
                endpoint,
                json!({"payload": {"summary": summary, "custom_details": {"0 note": [note]}}}),
            )
        }
        Endpoint::V1 => (endpoint, of_v1(&body, &note)),
        Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {
            (Endpoint::V2, of_vendor(&body, &note))
        }
    };
    (plain != Value::Object(body)).then(|| Plain { endpoint, event: plain.to_string() })
}

fn of_v2(body: &Map<String, Value>, note: &str) -> Value {
    let action = known_action(body).unwrap_or(Action::Trigger);
    if action != Action::Trigger {
        return json!({"event_action": action, "dedup_key": dedup_key(body)});
    }
    let payload = payload(body);
    let severity = severity(payload).unwrap_or(Severity::Critical);
    trigger(dedup_key(body), names(payload, body), severity, note)
}

fn of_v1(body: &Map<String, Value>, note: &str) -> Value {
    let mut plain = json!({"event_type": known_action(body).unwrap_or(Action::Trigger)});
    if let Some(key) = dedup_key(body) {
        plain["incident_key"] = key.into();
    }
    if plain["event_type"] == "trigger" {
        plain["description"] = title(&[body]).into();
        plain["details"] = json!({"note": note});
    }
    plain
}

/// Nobody but PagerDuty knows how to read a vendor's event, so it pages rather than being lost.
fn of_vendor(body: &Map<String, Value>, note: &str) -> Value {
    let key = dedup_key(body);
    let mut states = ["status", "state", "alert_status"].into_iter();
    let is_over = states.any(|field| {
        let state = text(body.get(field)).unwrap_or_default().to_lowercase();
        OVER.contains(&state.as_str())
    });
    let action = known_action(body).or(is_over.then_some(Action::Resolve));
    if let (Some(key), Some(action @ (Action::Acknowledge | Action::Resolve))) = (&key, action) {
        return json!({"event_action": action, "dedup_key": key});
    }
    let payload = payload(body);
    let known = severity(payload).or_else(|| severity(body));
    // Without a key nothing can be closed, and nobody should be woken for it.
    let severity = if is_over { Severity::Info } else { known.unwrap_or(Severity::Critical) };
    trigger(key, names(payload, body), severity, note)
}

fn trigger(
    dedup_key: Option<String>,
    (summary, source): (String, String),
    severity: Severity,
    note: &str,
) -> Value {
    let mut plain = json!({"event_action": Action::Trigger, "payload": {
        "summary": summary,
        "source": source,
        "severity": severity,
        "custom_details": {"0 note": [note]},
    }});
    if let Some(key) = dedup_key {
        plain["dedup_key"] = key.into();
    }
    plain
}

/// The payload of an event of version 2; the event itself if it has none.
fn payload(body: &Map<String, Value>) -> &Map<String, Value> {
    body.get("payload").and_then(Value::as_object).unwrap_or(body)
}

fn known_action(body: &Map<String, Value>) -> Option<Action> {
    let names = ["event_action", "event_type"].into_iter();
    names.filter_map(|field| text(body.get(field))).find_map(|name| action(&name.to_lowercase()))
}

fn dedup_key(body: &Map<String, Value>) -> Option<String> {
    let mut fields = ["dedup_key", "incident_key"].into_iter();
    // As it is: another key would be another alert.
    let key = fields.find_map(|field| body.get(field).and_then(Value::as_str))?;
    let fits = !key.trim().is_empty() && !is_longer(key, DEDUP_KEY_LIMIT);
    fits.then(|| key.to_owned())
}

fn severity(fields: &Map<String, Value>) -> Option<Severity> {
    Severity::parse(&text(fields.get("severity"))?.to_lowercase())
}

fn title(objects: &[&Map<String, Value>]) -> String {
    first(objects, &TITLES).unwrap_or_else(|| "An event that PagerDuty refused".to_owned())
}

/// What happened, and what it happened to.
fn names(payload: &Map<String, Value>, body: &Map<String, Value>) -> (String, String) {
    let source = first(&[payload, body], &SOURCES).unwrap_or_else(|| "unknown".to_owned());
    (title(&[payload, body]), source)
}

fn first(objects: &[&Map<String, Value>], fields: &[&str]) -> Option<String> {
    objects.iter().find_map(|object| fields.iter().find_map(|field| text(object.get(*field))))
}

/// Any value as one short line; `None` if nothing is in it.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::Null => return None,
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    };
    let text = cut(text.trim(), LONGEST);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(endpoint: Endpoint, event: &Value) -> (Endpoint, Value) {
        let plain = plainer(endpoint, &event.to_string(), "because").unwrap();
        (plain.endpoint, serde_json::from_str(&plain.event).unwrap())
    }

    #[test]
    fn of_every_endpoint_only_what_it_needs() {
        let note = json!({"0 note": [
            "PagerDuty refused the full event (because). It is with Pagetrail's rejected events."
        ]});
        for (endpoint, event, taken, expected) in [
            (
                Endpoint::V2,
                json!({"event_action": "trigger", "dedup_key": "k", "links": 5, "client": ["x"],
                    "payload": {"summary": "s\nt", "source": 7, "severity": "error",
                        "timestamp": "soon", "custom_details": [1]}}),
                Endpoint::V2,
                json!({"event_action": "trigger", "dedup_key": "k", "payload": {"summary": "s t",
                    "source": "7", "severity": "error", "custom_details": note}}),
            ),
            (
                Endpoint::V2,
                json!({"event_action": "resolve", "dedup_key": "k", "payload": null}),
                Endpoint::V2,
                json!({"event_action": "resolve", "dedup_key": "k"}),
            ),
            (
                Endpoint::V1,
                json!({"event_type": "trigger", "incident_key": "k", "description": "d",
                    "details": "text", "contexts": 1}),
                Endpoint::V1,
                json!({"event_type": "trigger", "incident_key": "k", "description": "d",
                    "details": {"note": note["0 note"][0]}}),
            ),
            (
                Endpoint::V1,
                json!({"event_type": "acknowledge", "incident_key": "k", "details": []}),
                Endpoint::V1,
                json!({"event_type": "acknowledge", "incident_key": "k"}),
            ),
            (
                Endpoint::Change,
                json!({"payload": {"summary": "deployed", "timestamp": "soon"}}),
                Endpoint::Change,
                json!({"payload": {"summary": "deployed", "custom_details": note}}),
            ),
            (
                Endpoint::Integration,
                json!({"title": "disk full", "host": "db-1", "incident_key": "k", "level": 3}),
                Endpoint::V2,
                json!({"event_action": "trigger", "dedup_key": "k", "payload": {
                    "summary": "disk full", "source": "db-1", "severity": "critical",
                    "custom_details": note}}),
            ),
            (
                Endpoint::Ruleset,
                json!({"status": "Resolved", "dedup_key": "k", "message": "fine"}),
                Endpoint::V2,
                json!({"event_action": "resolve", "dedup_key": "k"}),
            ),
            (
                Endpoint::Other,
                json!({"state": "OK", "message": "fine"}),
                Endpoint::V2,
                json!({"event_action": "trigger", "payload": {"summary": "fine",
                    "source": "unknown", "severity": "info", "custom_details": note}}),
            ),
        ] {
            assert_eq!(plain(endpoint, &event), (taken, expected), "{event}");
        }
    }

    #[test]
    fn what_is_plain_already_has_no_plainer_form() {
        for (endpoint, event) in [
            (Endpoint::V2, json!({"event_action": "resolve", "dedup_key": "k"})),
            (Endpoint::V1, json!({"event_type": "resolve", "incident_key": "k"})),
        ] {
            assert_eq!(plainer(endpoint, &event.to_string(), "because"), None);
        }
    }
}
