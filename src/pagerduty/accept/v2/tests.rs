//! The checks of alert and change events, valid and invalid.

use serde_json::json;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn trigger() -> Value {
    json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "k",
        "payload": {"summary": "s", "source": "h", "severity": "error"}
    })
}

fn check(event: &Value) -> Result<(RoutingKey, Posted), Refusal> {
    v2(event.to_string().as_bytes())
}

fn errors(event: &Value) -> Vec<String> {
    check(event).map_or_else(|refusal| refusal.errors(), |_| vec![])
}

fn change_errors(event: &Value) -> Vec<String> {
    let result = change(event.to_string().as_bytes());
    result.map_or_else(|refusal| refusal.errors(), |_| vec![])
}

#[test]
fn a_valid_event_keeps_everything_but_its_key() {
    let mut event = trigger();
    event["x_own"] = json!(1);
    let (key, posted) = check(&event).unwrap();
    assert_eq!(key.expose(), KEY);
    assert_eq!(posted.endpoint, Endpoint::V2);
    assert_eq!(posted.action, Some(Action::Trigger));
    assert_eq!(posted.dedup_key.as_deref(), Some("k"));
    assert_eq!(posted.severity, Some(Severity::Error));
    assert!(!format!("{key} {posted:?}").contains(KEY), "a key must not be printed");
    event.as_object_mut().unwrap().remove("routing_key");
    assert_eq!(Value::Object(posted.body), event);
}

#[test]
fn all_broken_rules_are_named_together() {
    assert_eq!(
        errors(&json!({})),
        ["'routing_key' cannot be blank", "'event_action' is missing or blank"]
    );
    assert_eq!(
        errors(&json!({"routing_key": "e+23r", "event_action": "trigger", "payload": {}})),
        [
            "Length of 'routing_key' is incorrect (should be 32 characters)",
            "'routing_key' cannot contain non-alphanumeric characters.",
            "'payload.summary' is missing or blank",
            "'payload.source' is missing or blank",
            "'payload.severity' is missing or blank",
        ]
    );
}

#[test]
fn limits_count_characters_and_hold_at_the_edge() {
    let mut event = trigger();
    event["payload"]["summary"] = json!("ä".repeat(SUMMARY_LIMIT));
    event["dedup_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT));
    assert_eq!(errors(&event), [""; 0]);
    event["payload"]["summary"] = json!("ä".repeat(SUMMARY_LIMIT + 1));
    event["dedup_key"] = json!("ä".repeat(DEDUP_KEY_LIMIT + 1));
    assert_eq!(
        errors(&event),
        [
            "'dedup_key' is too long (maiximum is 255 characters)",
            "'summary' is too long (maiximum is 1024 characters)",
        ]
    );
}

#[test]
fn timestamps_are_iso_8601() {
    for (time, valid) in [
        ("2015-07-17T08:42:58.315+0000", true),
        ("2026-11-21T07:00:00.123456+00:00Z", true),
        ("2026-11-21T07:00:00Z", true),
        ("2026-11-21T07:00:00+02:00", true),
        ("2026-11-21T07:00:00", true),
        ("2026-11-21", true),
        ("21/11/2026", false),
        ("yesterday", false),
    ] {
        let mut event = trigger();
        event["payload"]["timestamp"] = json!(time);
        assert_eq!(errors(&event).is_empty(), valid, "{time}");
    }
}

#[test]
fn optional_fields_must_have_the_right_type() {
    let payload = json!({"summary": "s", "source": "h", "severity": "fatal", "group": 1,
        "timestamp": 1, "custom_details": 1});
    let event = json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": 1, "client": [],
        "payload": payload, "links": [{"text": 1}, "x"], "images": [{"src": "http://x"}],
    });
    assert_eq!(
        errors(&event),
        [
            "'dedup_key' is invalid (must be a string)",
            "'payload.timestamp' is invalid (must be a string)",
            "'payload.custom_details' is invalid (must be an object)",
            "'payload.severity' is invalid (must be one of the following: 'critical', \
             'warning', 'error' or 'info')",
            "'payload.group' is invalid (must be a string)",
            "'links[0].href' is missing or blank",
            "'links[0].text' is invalid (must be a string)",
            "'links[1]' is invalid (must be an object)",
            "'images[0].src' is invalid (must be an https URL)",
            "'client' is invalid (must be a string)",
        ]
    );
}

#[test]
fn a_key_is_made_for_a_trigger_that_has_none() {
    let mut event = trigger();
    event["dedup_key"] = json!(null);
    let make = || {
        let (_, mut posted) = check(&event).unwrap();
        let key = posted.ensure_dedup_key().unwrap().to_owned();
        assert_eq!(posted.ensure_dedup_key(), Some(&*key), "the second time it is there");
        assert_eq!(posted.body["dedup_key"], *key);
        key
    };
    let (first, second) = (make(), make());
    assert_ne!(first, second);
    assert_eq!(first.len(), 32);
    assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");

    let (_, mut posted) = check(&trigger()).unwrap();
    assert_eq!(posted.ensure_dedup_key(), Some("k"));
}

#[test]
fn without_a_key_of_its_own_an_event_is_checked_the_same() {
    for key in [json!(KEY), json!("wrong"), json!(5), Value::Null] {
        let mut event = trigger();
        event["routing_key"] = key;
        let posted = keyless(event.to_string().as_bytes()).unwrap();
        assert_eq!(Ok(posted.clone()), check(&trigger()).map(|(_, posted)| posted));
        assert!(!posted.body.contains_key("routing_key"));
    }
    let refusal = keyless(br#"{"event_action": "resolve"}"#).unwrap_err();
    assert_eq!(refusal.errors(), ["'dedup_key' is missing or blank"]);
    assert_eq!(keyless(b"[]"), Err(Refusal::Unrecognized));
}

#[test]
fn a_change_needs_only_a_summary() {
    let mut event = json!({"routing_key": KEY, "payload": {"summary": "deployed"}, "x": 1});
    let (key, mut posted) = change(event.to_string().as_bytes()).unwrap();
    assert_eq!(key.expose(), KEY);
    assert_eq!((posted.endpoint, posted.action), (Endpoint::Change, None));
    assert_eq!(posted.ensure_dedup_key(), None, "changes join nothing");
    event.as_object_mut().unwrap().remove("routing_key");
    assert_eq!(Value::Object(posted.body), event);
}

#[test]
fn a_change_is_checked_where_it_tells_more() {
    let event = json!({
        "routing_key": KEY,
        "payload": {"summary": "s".repeat(1025), "timestamp": "today", "source": 1,
            "custom_details": true},
        "links": [{"href": ""}], "images": {},
    });
    assert_eq!(
        change_errors(&event),
        [
            "'summary' is too long (maiximum is 1024 characters)",
            "'payload.timestamp' is invalid (must be an ISO 8601 time)",
            "'payload.custom_details' is invalid (must be an object)",
            "'payload.source' is invalid (must be a string)",
            "'links[0].href' is missing or blank",
            "'images' is invalid (must be an array of objects)",
        ]
    );
    assert_eq!(
        change_errors(&json!({"payload": {}})),
        ["'routing_key' cannot be blank", "'payload.summary' is missing or blank"]
    );
    assert_eq!(change_errors(&json!({"routing_key": KEY})), ["'payload' is missing or blank"]);
}
