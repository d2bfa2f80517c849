//! The daily look whether a page would get through.

use serde_json::json;

use crate::Delivery;
use crate::support::pagerduty::unknown_key;

const GOOD: &str = "0123456789abcdef0123456789abcdef";
const BAD: &str = "fedcba9876543210fedcba9876543210";

#[tokio::test]
async fn checks_every_key_by_a_resolve_that_does_nothing() {
    let delivery = Delivery::start().await;
    delivery.aws.secret(&json!({"default": [GOOD, BAD], "db": GOOD}).to_string());
    delivery.pagerduty.always_where(|event| event["routing_key"] == BAD, unknown_key());
    assert!(delivery.invoke(&json!({"pagetrail": "canary"})).await.is_empty());

    let events = delivery.pagerduty.events();
    let mut keys: Vec<_> =
        events.iter().map(|event| event["routing_key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [GOOD, BAD], "each once");
    for event in &events {
        assert_eq!(event["event_action"], "resolve");
        assert_eq!(event["dedup_key"], "pagetrail/canary/no-such-alert");
    }
    delivery.assert_nothing_rejected();
    let log = delivery.log().await;
    let refused: Vec<_> = log.iter().filter(|line| line["KeyRefused"] == 1).collect();
    assert_eq!(refused.len(), 1, "{log:#?}");
    assert_eq!(refused[0]["key"], "…3210");
}

#[tokio::test]
async fn a_secret_without_keys_is_amiss() {
    let delivery = Delivery::start().await;
    delivery.aws.secret("PASTE-YOUR-KEY");
    assert!(delivery.invoke(&json!({"pagetrail": "canary"})).await.is_empty());
    assert!(delivery.pagerduty.requests().is_empty());
    let log = delivery.log().await;
    assert!(log.iter().any(|line| line["Amiss"] == 1), "{log:#?}");
}
