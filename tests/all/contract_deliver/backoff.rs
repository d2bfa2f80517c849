//! When an item that failed comes back: by its visibility, later each time.

use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::aws::{EVENTS_QUEUE, refusal};
use crate::support::http::Answer;
use crate::support::queue_items::{batch, received, record, resolve, trigger};

/// SQS keeps a message invisible for at most 12 hours.
const LONGEST: i64 = 43_200;

/// The visibility given to each receipt, in seconds.
fn visibilities(delivery: &Delivery) -> Vec<(String, i64)> {
    let calls = delivery.aws.calls("ChangeMessageVisibility");
    let of = |body: &Value| {
        assert_eq!(body["QueueUrl"], EVENTS_QUEUE);
        let seconds = body["VisibilityTimeout"].as_i64().unwrap();
        assert!((0..=LONGEST).contains(&seconds), "{seconds}");
        (body["ReceiptHandle"].as_str().unwrap().to_owned(), seconds)
    };
    calls.iter().map(|call| of(&call.body)).collect()
}

/// The visibility of an item that has been received this often.
async fn visibility_after(count: u32, answer: Answer) -> i64 {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, answer);
    let item = received(record("m", "a", &trigger("a").to_string()), count);
    assert_eq!(delivery.invoke(&json!({"Records": [item]})).await, ["m"]);
    let visibilities = visibilities(&delivery);
    assert_eq!(visibilities.len(), 1, "{visibilities:?}");
    assert_eq!(visibilities[0].0, "receipt-m");
    visibilities[0].1
}

#[tokio::test]
async fn later_each_time_but_not_for_ever() {
    let mut longest = Vec::new();
    for count in [1, 5, 1000] {
        let mut seconds = Vec::new();
        for _ in 0..6 {
            seconds.push(visibility_after(count, Answer::text(503, "")).await);
        }
        longest.push(seconds.into_iter().max().unwrap());
    }
    assert!(longest[0] <= 60, "the first retry is soon: {longest:?}");
    assert!(longest[0] < longest[1], "{longest:?}");
    assert!(
        longest[2] <= 3600,
        "a PagerDuty that works again is noticed within the hour: {longest:?}"
    );
}

#[tokio::test]
async fn not_all_at_the_same_moment() {
    let mut seconds = Vec::new();
    for _ in 0..10 {
        seconds.push(visibility_after(8, Answer::text(503, "")).await);
    }
    seconds.sort_unstable();
    seconds.dedup();
    assert!(seconds.len() > 1, "jitter: {seconds:?}");
}

#[tokio::test]
async fn no_sooner_than_retry_after_says() {
    for status in [429, 503] {
        let answer = Answer::text(status, "").header("retry-after", "77");
        let seconds = visibility_after(1, answer).await;
        assert!((77..=200).contains(&seconds), "{status}: {seconds}");
    }
}

#[tokio::test]
async fn a_mad_retry_after_does_no_harm() {
    let mad =
        ["-5", "NaN", "1e309", "99999999999999999999", "soon", "", "Wed, 21 Oct 2999 07:28:00 GMT"];
    for value in mad {
        let answer = Answer::text(429, "").header("retry-after", value);
        let seconds = visibility_after(1, answer).await;
        assert!((0..=LONGEST).contains(&seconds), "{value}: {seconds}");
    }
}

#[tokio::test]
async fn the_rest_of_the_group_waits_no_shorter_than_its_head() {
    let delivery = Delivery::start().await;
    let answer = Answer::text(429, "").header("retry-after", "30");
    delivery.pagerduty.always_where(|event| event["dedup_key"] == "a", answer);
    let event = batch(&[trigger("a"), trigger("b"), resolve("a")]);
    let mut failed = delivery.invoke(&event).await;
    failed.sort();
    assert_eq!(failed, ["m0", "m2"]);
    let visibilities = visibilities(&delivery);
    let of = |receipt: &str| visibilities.iter().find(|(of, _)| of == receipt).map(|(_, s)| *s);
    assert!(of("receipt-m0").is_some_and(|seconds| seconds >= 30), "{visibilities:?}");
    assert_eq!(of("receipt-m1"), None, "a delivered item needs none: {visibilities:?}");
}

#[tokio::test]
async fn a_visibility_that_cannot_be_set_costs_nothing() {
    for answer in [refusal("AccessDenied", "no sqs:ChangeMessageVisibility"), Answer::Reset] {
        let delivery = Delivery::start().await;
        delivery.aws.always("ChangeMessageVisibility", answer);
        delivery.pagerduty.always_where(|event| event["dedup_key"] == "a", Answer::text(503, ""));
        assert_eq!(delivery.hand_over(&[trigger("a"), trigger("b")]).await, ["m0"]);
        assert!(delivery.pagerduty.dedup_keys().contains(&"b".to_owned()));
    }
}
