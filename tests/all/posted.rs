//! The Events API's checks hold for any input: nothing panics, and what is accepted is
//! kept whole.

use pagetrail::pagerduty::Action;
use pagetrail::pagerduty::accept::{Endpoint, Posted, Refusal, change, keyless, v1, v2, vendor};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Every checker with the field it takes out of the body.
fn check_all(raw: &[u8]) -> Vec<(Option<&'static str>, Result<Posted, Refusal>)> {
    vec![
        (Some("routing_key"), v2(raw).map(|(_, posted)| posted)),
        (Some("routing_key"), keyless(raw)),
        (Some("routing_key"), change(raw).map(|(_, posted)| posted)),
        (Some("service_key"), v1(raw).map(|(_, posted)| posted)),
        (None, vendor(Endpoint::Integration, raw)),
        (None, vendor(Endpoint::Ruleset, raw)),
    ]
}

fn assert_holds(raw: &[u8]) {
    for (key_field, result) in check_all(raw) {
        match result {
            Ok(posted) => {
                let mut body: Map<String, Value> = serde_json::from_slice(raw).unwrap();
                key_field.map(|field| body.remove(field));
                assert_eq!(posted.body, body, "all but the key is kept");
                assert_tells_its_key(posted);
            }
            Err(refusal) => {
                assert!(!refusal.errors().is_empty());
                assert_eq!(refusal.answer()["errors"], json!(refusal.errors()));
            }
        }
    }
}

fn assert_tells_its_key(mut posted: Posted) {
    let told = posted.dedup_key.clone();
    let field = match posted.endpoint {
        Endpoint::V2 => "dedup_key",
        Endpoint::V1 => "incident_key",
        Endpoint::Change | Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {
            let before = posted.clone();
            posted.ensure_dedup_key();
            assert_eq!(posted, before);
            return;
        }
    };
    assert!(told.is_some() || posted.action == Some(Action::Trigger));
    let key = posted.ensure_dedup_key().unwrap().to_owned();
    assert!(told.is_none_or(|told| told == key));
    assert_eq!(posted.body[field], key);
    assert!(key.chars().count() <= 255);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec!["trigger", "resolve", "critical", KEY, "https://x", "link", ""])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(field(), inner, 0..5).prop_map(|fields| json!(fields)),
        ]
    })
}

#[rustfmt::skip]
const FIELDS: &[&str] = &[
    "routing_key", "service_key", "event_action", "event_type", "dedup_key", "incident_key",
    "payload", "summary", "source", "severity", "timestamp", "custom_details", "description",
    "details", "client", "client_url", "links", "images", "contexts", "href", "src", "type",
];

fn field() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(FIELDS).prop_map(str::to_owned), 1 => any::<String>()]
}

/// An event that every endpoint takes.
fn welcome() -> Value {
    json!({
        "routing_key": KEY, "service_key": KEY, "event_action": "trigger", "event_type": "trigger",
        "description": "d", "payload": {"summary": "s", "source": "h", "severity": "info"},
    })
}

proptest! {
    #[test]
    fn any_bytes(raw in vec(any::<u8>(), 0..200)) {
        assert_holds(&raw);
    }

    #[test]
    fn any_json(value in json_value()) {
        assert_holds(value.to_string().as_bytes());
    }

    #[test]
    fn an_event_with_anything_put_in_its_place(
        fields in vec((field(), json_value()), 0..3),
        in_payload in vec((field(), json_value()), 0..2),
    ) {
        let mut event = welcome();
        for (field, value) in in_payload {
            event["payload"][field] = value;
        }
        for (field, value) in fields {
            event[field] = value;
        }
        assert_holds(event.to_string().as_bytes());
    }

    #[test]
    fn an_event_cut_or_broken_anywhere(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut raw = welcome().to_string().into_bytes();
        let at = at.index(raw.len());
        assert_holds(&raw[..at]);
        raw[at] = byte;
        assert_holds(&raw);
    }

    #[test]
    fn fields_nobody_knows_are_kept_by_all(name in "[a-z]{1,8}_own", value in json_value()) {
        let mut event = welcome();
        event[&name] = value.clone();
        let raw = event.to_string();
        let read: Value = serde_json::from_str(&raw).unwrap();
        for (_, result) in check_all(raw.as_bytes()) {
            prop_assert_eq!(&result.unwrap().body[&name], &read[&name]);
        }
    }
}
