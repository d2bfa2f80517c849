//! Whatever says nothing about the event itself: it comes back, is never rejected, never lost.

use std::time::{Duration, Instant};

use chrono::Utc;

use crate::contract_deliver::{Delivery, paced};
use crate::support::aws::{Aws, REJECTED_QUEUE};
use crate::support::http::Answer;
use crate::support::pagerduty::PagerDuty;
use crate::support::queue_items::{batch, failures, resolve, trigger};

/// Every answer that means "later", by name.
fn all() -> Vec<(&'static str, Answer)> {
    let date = (Utc::now() + chrono::Duration::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT");
    let limited = |name, value: &str| Answer::text(429, "slow down").header(name, value);
    let redirect = |status| Answer::text(status, "").header("location", "https://example.com/");
    vec![
        ("408", Answer::text(408, "")),
        ("425", Answer::text(425, "")),
        ("429", Answer::text(429, "")),
        ("429 with seconds", limited("retry-after", "20")),
        ("429 with a date", limited("retry-after", &date.to_string())),
        ("429 with ratelimit-reset", limited("ratelimit-reset", "20")),
        ("500", Answer::text(500, "")),
        ("501", Answer::text(501, "")),
        ("502", Answer::text(502, "<html>")),
        ("503", Answer::text(503, "")),
        ("504", Answer::text(504, "")),
        ("599", Answer::text(599, "")),
        ("404", Answer::text(404, "")),
        ("301", redirect(301)),
        ("302", redirect(302)),
        ("307", redirect(307)),
        ("308", redirect(308)),
        ("reset", Answer::Reset),
        ("half an answer", Answer::Half),
        ("no HTTP", Answer::Garbage),
        ("too slow", Answer::Hang),
        ("stalls", Answer::Stall),
    ]
}

#[tokio::test]
async fn every_such_answer_then_a_good_one() {
    // Together, since two of them take the whole time-out.
    let runs = all().into_iter().map(async |(name, fault)| {
        let delivery = Delivery::start().await;
        delivery.pagerduty.always_where(|event| event["dedup_key"] == "a", fault);
        let event = batch(&[trigger("a"), trigger("b"), resolve("a")]);
        let mut failed = delivery.invoke(&event).await;
        failed.sort();
        assert_eq!(failed, ["m0", "m2"], "{name}");
        assert_eq!(delivery.waits().len(), 2, "{name}: both have a time to come back");

        delivery.pagerduty.recover();
        assert!(delivery.hand_over(&[trigger("a"), resolve("a")]).await.is_empty(), "{name}");
        let accepted: Vec<_> = delivery.pagerduty.accepted();
        let of_a = accepted.iter().filter(|event| event["dedup_key"] == "a");
        let actions: Vec<_> = of_a.map(|event| event["event_action"].clone()).collect();
        assert_eq!(actions, ["trigger", "resolve"], "{name}");
        delivery.assert_nothing_rejected();
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn no_sooner_than_pagerduty_asks_in_any_of_its_forms() {
    let date = (Utc::now() + chrono::Duration::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT");
    for (name, value, least, most) in [
        ("retry-after", "77".to_owned(), 77, 77),
        ("retry-after", date.to_string(), 80, 91),
        ("ratelimit-reset", "33".to_owned(), 33, 33),
    ] {
        let delivery = Delivery::start().await;
        delivery.pagerduty.next([Answer::text(429, "").header(name, &value)]);
        assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"]);
        let wait = delivery.waits()[0].1;
        assert!((least..=most).contains(&wait), "{name} {value}: {wait}");
    }
}

#[tokio::test]
async fn where_no_connection_comes_about() {
    let (aws, plain) = (Aws::start().await, PagerDuty::start().await);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [
        format!("http://{unused}/v2/enqueue"),
        // TLS to a port that does not speak it.
        format!("https://{}/v2/enqueue", plain.address()),
        // A name reserved for never existing (RFC 2606).
        "https://events.pagerduty.invalid/v2/enqueue".to_owned(),
    ] {
        let deliver = paced(aws.deliver(&url), "60000", "1").start().await;
        let response = deliver.invoke(&batch(&[trigger("a"), resolve("a")])).await.response();
        assert_eq!(failures(&response), ["m0", "m1"], "{url}");
    }
    assert!(plain.requests().is_empty(), "nothing was said in the clear");
    assert!(aws.sent(REJECTED_QUEUE).is_empty());
}

async fn a_batch_of_ten_is_answered_within_half_a_minute(delivery: Delivery, left: usize) {
    let keys: Vec<String> = (0..10).map(|number| format!("key-{number}")).collect();
    let messages: Vec<_> = keys.iter().map(|key| trigger(key)).collect();
    let begun = Instant::now();
    let within = Duration::from_mins(1);
    let response = delivery.deliver.invoke_within(&batch(&messages), within).await.response();
    assert_eq!(failures(&response).len(), left);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    delivery.assert_nothing_rejected();
}

#[tokio::test]
async fn a_secrets_manager_that_says_nothing_does_not_outlast_the_function() {
    let delivery = Delivery::start().await;
    delivery.aws.always("GetSecretValue", Answer::Hang);
    a_batch_of_ten_is_answered_within_half_a_minute(delivery, 10).await;
}

#[tokio::test]
async fn a_queue_that_says_nothing_does_not_outlast_the_function() {
    let delivery = Delivery::start().await;
    delivery.aws.always("ChangeMessageVisibility", Answer::Hang);
    delivery.pagerduty.always_where(|event| event["dedup_key"] != "key-3", Answer::text(503, ""));
    a_batch_of_ten_is_answered_within_half_a_minute(delivery, 9).await;
}
