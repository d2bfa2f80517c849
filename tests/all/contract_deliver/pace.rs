//! Pace: beyond a key's limit items come back at their turn, which is no failure.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::queue_items::{batch, received, trigger};

fn triggers(severities: &[&str]) -> Vec<Value> {
    let severities = severities.iter().enumerate();
    severities
        .map(|(number, severity)| {
            let mut message = trigger(&format!("{severity}-{number}"));
            message["event"]["payload"]["severity"] = (*severity).into();
            message
        })
        .collect()
}

#[tokio::test]
async fn beyond_the_burst_items_come_back_one_behind_the_other() {
    // Three at once, then 0.45 a second: the next turn is 2.2 s away.
    let delivery = Delivery::at_pace("60", "2").await;
    let begun = Instant::now();
    let mut event = batch(&triggers(&["error"; 10]));
    for item in event["Records"].as_array_mut().unwrap() {
        // As if it had been paced often: no failure, so no longer wait.
        *item = received(item.take(), 12);
    }
    let failed = delivery.invoke(&event).await;
    assert_eq!(delivery.pagerduty.accepted().len(), 3);
    assert_eq!(failed, ["m3", "m4", "m5", "m6", "m7", "m8", "m9"]);
    assert!(begun.elapsed() < Duration::from_secs(2), "it is not slept away");

    let mut waits = delivery.waits();
    waits.sort();
    let receipts: Vec<_> = waits.iter().map(|(receipt, _)| receipt.as_str()).collect();
    assert_eq!(receipts, (3..10).map(|it| format!("receipt-m{it}")).collect::<Vec<_>>());
    let seconds: Vec<_> = waits.iter().map(|(_, seconds)| *seconds).collect();
    assert!(seconds.is_sorted_by(|one, next| one < next), "{seconds:?}");
    assert!((2..=3).contains(&seconds[0]) && (14..=17).contains(&seconds[6]), "{seconds:?}");

    let log = delivery.log().await;
    assert!(log.iter().all(|line| line.get("Postponed").is_none()), "no failure: {log:#?}");
    let paced = log.iter().filter(|line| line["message"] == "waits for its turn").count();
    assert_eq!(paced, 7);
}

#[tokio::test]
async fn a_turn_within_two_seconds_is_waited_for() {
    // Six at once, then a turn every 1.1 s.
    let delivery = Delivery::at_pace("60", "1").await;
    assert!(delivery.hand_over(&triggers(&["error"; 7])).await.is_empty());
    let times = delivery.pagerduty.times();
    let waited = times[6] - times[0];
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn the_rest_of_a_group_comes_back_with_it() {
    // One at once, and the next turn far away.
    let delivery = Delivery::at_pace("1", "1").await;
    let items = [trigger("a"), trigger("b"), crate::support::queue_items::resolve("b")];
    assert_eq!(delivery.hand_over(&items).await, ["m1", "m2"]);
    let waits = delivery.waits();
    assert_eq!(waits.len(), 2);
    assert_eq!(waits[0].1, waits[1].1, "they come back together: {waits:?}");
    assert_eq!(delivery.pagerduty.dedup_keys(), ["a"]);
}

#[tokio::test]
async fn critical_goes_first_among_those_that_wait_for_one_key() {
    let delivery = Delivery::at_pace("60", "2").await;
    let severities =
        ["info", "warning", "error", "critical", "info", "critical", "warning", "critical"];
    let failed = delivery.hand_over(&triggers(&severities)).await;
    let mut first = delivery.pagerduty.dedup_keys();
    first.sort();
    assert_eq!(first, ["critical-3", "critical-5", "critical-7"]);
    assert_eq!(failed.len(), 5);
    // The next turns go by severity as well.
    let mut waits = delivery.waits();
    waits.sort_by_key(|(_, seconds)| *seconds);
    let receipts: Vec<_> = waits.iter().map(|(receipt, _)| receipt.as_str()).collect();
    assert_eq!(receipts[0], "receipt-m2", "error: {waits:?}");
    let infos = [receipts[3], receipts[4]];
    assert!(infos.contains(&"receipt-m0") && infos.contains(&"receipt-m4"), "{waits:?}");
}

#[tokio::test]
async fn every_key_has_its_own_pace() {
    let delivery = Delivery::at_pace("60", "2").await;
    let keys = json!({"default": format!("{:032x}", 1), "db": format!("{:032x}", 2)});
    delivery.aws.secret(&keys.to_string());
    let mut messages = triggers(&["error"; 6]);
    for message in &mut messages[3..] {
        message["target"] = "db".into();
    }
    assert!(delivery.hand_over(&messages).await.is_empty(), "three through each");
}
