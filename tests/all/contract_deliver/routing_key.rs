//! The routing key: read once, read again when PagerDuty refuses it, never lost for it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::contract_deliver::Delivery;
use crate::support::aws::{ROUTING_KEY, SECRET, refusal};
use crate::support::http::Answer;
use crate::support::pagerduty::unknown_key;
use crate::support::queue_items::{resolve, trigger};

const NEW_KEY: &str = "ffffffffffffffffffffffffffffffff";

fn uses(key: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["routing_key"] == key
}

/// The ways in which PagerDuty refuses a key.
fn refusals() -> [Answer; 3] {
    [unknown_key(), Answer::text(401, "Unauthorized"), Answer::text(403, "Forbidden")]
}

#[tokio::test]
async fn is_read_once_for_many_invocations() {
    let delivery = Delivery::start().await;
    for _ in 0..3 {
        assert!(delivery.hand_over(&[trigger("a"), trigger("b")]).await.is_empty());
    }
    let reads = delivery.aws.calls("GetSecretValue");
    assert_eq!(reads.len(), 1, "{reads:#?}");
    assert_eq!(reads[0].body["SecretId"], SECRET);
}

#[tokio::test]
async fn is_read_again_when_refused_and_the_event_sent_with_the_new_one() {
    for refused in refusals() {
        let delivery = Delivery::start().await;
        assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
        delivery.aws.secret(NEW_KEY);
        delivery.pagerduty.always_where(uses(ROUTING_KEY), refused);
        assert!(delivery.hand_over(&[resolve("a")]).await.is_empty());
        let last = delivery.pagerduty.events().pop().unwrap();
        assert_eq!(
            (&last["routing_key"], &last["event_action"]),
            (&NEW_KEY.into(), &"resolve".into())
        );
        assert_eq!(delivery.aws.calls("GetSecretValue").len(), 2);
        delivery.assert_nothing_rejected();
    }
}

#[tokio::test]
async fn a_key_refused_again_brings_the_item_back_and_rejects_nothing() {
    for refused in refusals() {
        let delivery = Delivery::start().await;
        delivery.pagerduty.always_where(uses(ROUTING_KEY), refused);
        let mut failed = delivery.hand_over(&[trigger("a"), resolve("a"), trigger("b")]).await;
        failed.sort();
        assert_eq!(failed, ["m0", "m1", "m2"]);
        delivery.assert_nothing_rejected();
    }
}

#[tokio::test]
async fn a_mended_secret_is_noticed_however_often_the_old_key_is_refused() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(uses(ROUTING_KEY), unknown_key());
    assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"]);
    delivery.aws.secret(NEW_KEY);
    let begun = Instant::now();
    while !delivery.hand_over(&[trigger("a")]).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the secret is not read again");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_refused_key_causes_no_storm() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, unknown_key());
    let keys: Vec<String> = (0..10).map(|number| format!("key-{number}")).collect();
    let messages: Vec<Value> = keys.iter().map(|key| trigger(key)).collect();
    assert_eq!(delivery.hand_over(&messages).await.len(), 10);
    let reads = delivery.aws.calls("GetSecretValue").len();
    assert!(reads <= 11, "{reads} reads of the secret for 10 items");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_brings_the_items_back() {
    let denied = refusal("AccessDeniedException", "no secretsmanager:GetSecretValue");
    let missing = refusal("ResourceNotFoundException", "can't find the specified secret");
    for answer in [denied, missing, Answer::Reset, Answer::text(500, ""), Answer::text(200, "[")] {
        let delivery = Delivery::start().await;
        delivery.aws.always("GetSecretValue", answer);
        assert_eq!(delivery.hand_over(&[trigger("a"), trigger("b")]).await.len(), 2);
        assert!(delivery.pagerduty.requests().is_empty());
        delivery.assert_nothing_rejected();
    }
}

#[tokio::test]
async fn a_secret_that_is_no_key_brings_the_items_back_and_stays_secret() {
    for value in
        ["", "PASTE-YOUR-KEY", "{\"routing_key\":\"x\"}", "0123456789abcdef\n0123456789abcde"]
    {
        let delivery = Delivery::start().await;
        delivery.aws.secret(value);
        assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"], "{value:?}");
        assert!(delivery.pagerduty.requests().is_empty(), "{value:?}");
        delivery.assert_nothing_rejected();
        let output = delivery.deliver.output().await;
        assert!(value.is_empty() || !output.contains(value), "{output}");
    }
}

#[tokio::test]
async fn a_line_end_after_the_key_is_no_part_of_it() {
    let delivery = Delivery::start().await;
    delivery.aws.secret(&format!("{ROUTING_KEY}\n"));
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    assert_eq!(delivery.pagerduty.events()[0]["routing_key"], ROUTING_KEY);
}
