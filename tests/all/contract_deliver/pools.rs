//! Pools of routing keys: which key an event goes through, and what a refused one changes.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::pagerduty::unknown_key;
use crate::support::queue_items::{resolve, trigger};

fn key(number: usize) -> String {
    format!("{number:032x}")
}

/// Pools `default` of three keys and `db` of one.
async fn pooled() -> Delivery {
    let delivery = Delivery::start().await;
    delivery.aws.secret(&json!({"default": [key(1), key(2), key(3)], "db": key(9)}).to_string());
    delivery
}

fn refuse(delivery: &Delivery, refused: &str) {
    let refused = refused.to_owned();
    delivery.pagerduty.always_where(move |event| event["routing_key"] == *refused, unknown_key());
}

/// The keys that accepted an alert's events of one action, in order.
fn accepted_by(delivery: &Delivery, alert: &str, action: &str) -> Vec<String> {
    let accepted = delivery.pagerduty.accepted();
    let of_alert = accepted
        .iter()
        .filter(|event| event["dedup_key"] == alert && event["event_action"] == action);
    of_alert.map(|event| event["routing_key"].as_str().unwrap().to_owned()).collect()
}

fn target(mut message: Value, target: &str) -> Value {
    message["target"] = target.into();
    message
}

#[tokio::test]
async fn trigger_and_resolve_meet_and_all_keys_are_used() {
    let delivery = pooled().await;
    let alerts: Vec<String> = (0..30).map(|number| format!("alert-{number}")).collect();
    let mut load: HashMap<String, usize> = HashMap::new();
    for some in alerts.chunks(5) {
        let messages: Vec<Value> =
            some.iter().flat_map(|alert| [trigger(alert), resolve(alert)]).collect();
        assert!(delivery.hand_over(&messages).await.is_empty());
    }
    for alert in &alerts {
        let trigger = accepted_by(&delivery, alert, "trigger");
        assert_eq!(trigger, accepted_by(&delivery, alert, "resolve"), "{alert}");
        *load.entry(trigger[0].clone()).or_default() += 1;
    }
    assert_eq!(load.len(), 3, "{load:?}");
}

#[tokio::test]
async fn a_refused_key_is_left_for_the_next_and_not_asked_again() {
    let delivery = pooled().await;
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    let first = accepted_by(&delivery, "a", "trigger").remove(0);
    refuse(&delivery, &first);
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    let keys = accepted_by(&delivery, "a", "trigger");
    assert!(keys[1] != first && keys[1] == keys[2], "{keys:?}");
    let events = delivery.pagerduty.events();
    let asked = events.iter().filter(|event| event["routing_key"] == *first).count();
    assert_eq!(asked, 2, "once taken, once refused, then set aside");
    delivery.assert_nothing_rejected();

    // The alert is open under both keys: what closes it goes through all that are usable.
    assert!(delivery.hand_over(&[resolve("a")]).await.is_empty());
    let mut closed = accepted_by(&delivery, "a", "resolve");
    closed.sort();
    let mut usable = vec![key(1), key(2), key(3)];
    usable.retain(|key| *key != first);
    assert_eq!(closed, usable);
}

#[tokio::test]
async fn a_resolve_through_all_keys_is_not_done_before_the_last() {
    let delivery = pooled().await;
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    let first = accepted_by(&delivery, "a", "trigger").remove(0);
    refuse(&delivery, &first);
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    let second = accepted_by(&delivery, "a", "trigger").remove(1);
    let third = (1..=3).map(key).find(|key| *key != first && *key != second).unwrap();
    let down = crate::support::http::Answer::text(503, "");
    delivery.pagerduty.always_where(move |event| event["routing_key"] == *third, down);
    assert_eq!(delivery.hand_over(&[resolve("a")]).await, ["m0"]);
    assert_eq!(accepted_by(&delivery, "a", "resolve"), [second]);
}

#[tokio::test]
async fn all_keys_refused_is_later_and_never_rejected() {
    let delivery = pooled().await;
    (1..=3).for_each(|number| refuse(&delivery, &key(number)));
    for _ in 0..2 {
        let failed = delivery.hand_over(&[trigger("a"), resolve("a")]).await;
        assert_eq!(failed, ["m0", "m1"]);
    }
    assert_eq!(delivery.pagerduty.requests().len(), 3, "each key is asked once");
    delivery.assert_nothing_rejected();
    // Another pool has nothing to do with it.
    assert!(delivery.hand_over(&[target(trigger("b"), "db")]).await.is_empty());
    let log = delivery.log().await;
    let refused: Vec<_> = log.iter().filter(|line| line["KeyRefused"] == 1).collect();
    assert_eq!(refused.len(), 3, "{refused:#?}");
    assert!(refused.iter().all(|line| line["level"] == "ERROR"));
}

#[tokio::test]
async fn an_events_target_names_its_pool_and_an_unknown_one_means_the_default() {
    let delivery = pooled().await;
    let messages = [target(trigger("a"), "db"), target(trigger("b"), "gone")];
    assert!(delivery.hand_over(&messages).await.is_empty());
    assert_eq!(accepted_by(&delivery, "a", "trigger"), [key(9)]);
    assert!(accepted_by(&delivery, "b", "trigger")[0] < key(9));
    let log = delivery.log().await;
    let warnings: Vec<_> = log.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{log:#?}");
    assert_eq!(warnings[0]["dedup_key"], "b");
    assert_eq!(warnings[0]["pool"], "gone");
}

#[tokio::test]
async fn a_faulty_secret_brings_items_back_naming_the_place_and_no_value() {
    for (secret, place) in [
        (json!({"default": [key(1), "hunter2"]}), r#"pool "default", key no. 2"#),
        (json!({"default": key(1), "db": ["hunter2"]}), r#"pool "db", key no. 1"#),
        (json!({"default": key(1), "db": []}), r#"pool "db" holds no key"#),
        (json!({"db": key(1)}), r#"no pool "default""#),
        (json!("hunter2"), "must be 32 letters"),
    ] {
        let delivery = Delivery::start().await;
        delivery.aws.secret(&secret.to_string());
        assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"], "{secret}");
        assert!(delivery.pagerduty.requests().is_empty());
        delivery.assert_nothing_rejected();
        let log = delivery.log().await;
        let why: Vec<_> = log.iter().filter_map(|line| line["why"].as_str()).collect();
        assert!(why.len() == 1 && why[0].contains(place), "{why:?}");
        let all = json!(log).to_string();
        assert!(!all.contains("hunter2") && !all.contains(&key(1)), "{all}");
    }
}
