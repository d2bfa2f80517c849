//! What vendors' tools send: any JSON object. Only fields with PagerDuty's names are read.

use serde_json::{Map, Value};

use super::rules::{action, is_longer, object, text};
use super::{Endpoint, Posted, Refusal};
use crate::pagerduty::{DEDUP_KEY_LIMIT, Severity};

/// Checks a request body of `/integration/<key>/enqueue` or `/x-ere/<key>`; the key is in the path.
/// PagerDuty knows each vendor's format, this check does not.
///
/// # Errors
/// When it is too large or not a JSON object.
pub fn vendor(endpoint: Endpoint, raw: &[u8]) -> Result<Posted, Refusal> {
    let body = object(raw)?;
    let first = |fields: [&str; 2]| fields.into_iter().find_map(|field| text(&body, field));
    let action = first(["event_action", "event_type"]).and_then(action);
    let dedup_key = first(["dedup_key", "incident_key"])
        .filter(|key| !is_longer(key, DEDUP_KEY_LIMIT))
        .map(str::to_owned);
    let severity = severity(&body);
    Ok(Posted { endpoint, action, dedup_key, severity, body })
}

/// Rulesets also receive events in v2's format.
fn severity(body: &Map<String, Value>) -> Option<Severity> {
    let payload = body.get("payload").and_then(Value::as_object);
    let name = payload.and_then(|payload| text(payload, "severity"));
    name.or_else(|| text(body, "severity")).and_then(Severity::parse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pagerduty::Action;

    fn posted(event: &Value) -> Posted {
        vendor(Endpoint::Ruleset, event.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn any_object_is_taken_whole() {
        for event in [
            json!({}),
            json!({"Type": "SubscriptionConfirmation", "Token": "t"}),
            json!({"routing_key": "0123456789abcdef0123456789abcdef", "event_type": 5}),
        ] {
            let posted = posted(&event);
            assert_eq!(posted.endpoint, Endpoint::Ruleset);
            assert_eq!((posted.action, posted.dedup_key), (None, None));
            assert_eq!(Value::Object(posted.body), event);
        }
        assert_eq!(vendor(Endpoint::Integration, b"[]"), Err(Refusal::Unrecognized));
    }

    #[test]
    fn pagerdutys_words_are_understood_and_others_left_alone() {
        let resolve = Some(Action::Resolve);
        for (event, action, dedup_key) in [
            (json!({"event_action": "resolve", "dedup_key": "k"}), resolve, Some("k")),
            (json!({"event_type": "resolve", "incident_key": "k"}), resolve, Some("k")),
            (json!({"event_type": "incident.open", "dedup_key": ["k"]}), None, None),
            (json!({"event_action": "Resolve", "dedup_key": " "}), None, None),
            (json!({"dedup_key": "", "incident_key": "k"}), None, Some("k")),
            (json!({"dedup_key": "k".repeat(256)}), None, None),
        ] {
            let posted = posted(&event);
            assert_eq!(
                (posted.action, posted.dedup_key.as_deref()),
                (action, dedup_key),
                "{event}"
            );
        }
    }

    #[test]
    fn severity_is_read_where_it_is_one_of_pagerdutys() {
        for (event, severity) in [
            (json!({"severity": "critical"}), Some(Severity::Critical)),
            (json!({"payload": {"severity": "info"}, "severity": "error"}), Some(Severity::Info)),
            (json!({"severity": "P1"}), None),
            (json!({"payload": "x", "severity": 3}), None),
        ] {
            assert_eq!(posted(&event).severity, severity, "{event}");
        }
    }
}
