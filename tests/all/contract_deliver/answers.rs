//! What is sent, and which items come back to the queue for each answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::aws::{Aws, REJECTED_QUEUE, ROUTING_KEY};
use crate::support::http::Answer;
use crate::support::pagerduty::{PagerDuty, invalid};
use crate::support::queue_items::{batch, failures, record, resolve, trigger};

/// What ends well later, though not now.
fn passing_faults() -> Vec<Answer> {
    vec![
        Answer::text(429, "Too Many Requests"),
        Answer::text(500, "oops"),
        Answer::text(502, "<html>Bad Gateway</html>"),
        Answer::text(503, ""),
        Answer::text(504, ""),
        Answer::text(408, ""),
        Answer::Reset,
        Answer::Half,
        Answer::Garbage,
    ]
}

fn about(key: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["dedup_key"] == key
}

#[tokio::test]
async fn the_event_with_the_routing_key_and_nothing_else_changed() {
    let delivery = Delivery::start().await;
    let message = trigger("a");
    assert!(delivery.hand_over(std::slice::from_ref(&message)).await.is_empty());
    let mut expected = message["event"].clone();
    expected["routing_key"] = ROUTING_KEY.into();
    assert_eq!(delivery.pagerduty.events(), [expected]);
    let request = &delivery.pagerduty.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v2/enqueue"));
    assert!(request.header("content-type").starts_with("application/json"));
    assert!(request.header("authorization").is_empty());
    delivery.assert_nothing_rejected();
}

#[tokio::test]
async fn the_path_of_the_configured_url_is_kept() {
    let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
    let url = format!("http://{}/some/proxy/v2/enqueue", pagerduty.address());
    let deliver = aws.deliver(&url).start().await;
    deliver.invoke(&batch(&[trigger("a")])).await.response();
    assert_eq!(pagerduty.requests()[0].path, "/some/proxy/v2/enqueue");
}

#[tokio::test]
async fn details_that_pagetrail_would_not_write_arrive_too() {
    let delivery = Delivery::start().await;
    let mut message = trigger("a");
    message["event"]["payload"]["custom_details"]["nested"] = json!({"a": [1, 2]});
    message["event"]["links"] = json!([{"href": "https://example.com", "text": "runbook"}]);
    assert!(delivery.hand_over(std::slice::from_ref(&message)).await.is_empty());
    let received = &delivery.pagerduty.events()[0];
    assert_eq!(received["links"], message["event"]["links"]);
    assert_eq!(received["payload"], message["event"]["payload"]);
}

#[tokio::test]
async fn one_alert_in_its_order() {
    let delivery = Delivery::start().await;
    let messages = [trigger("a"), trigger("b"), resolve("a"), resolve("b"), trigger("a")];
    assert!(delivery.hand_over(&messages).await.is_empty());
    let of = |key: &str| -> Vec<Value> {
        let events = delivery.pagerduty.events();
        events
            .into_iter()
            .filter(|e| e["dedup_key"] == key)
            .map(|e| e["event_action"].clone())
            .collect()
    };
    assert_eq!(of("a"), ["trigger", "resolve", "trigger"]);
    assert_eq!(of("b"), ["trigger", "resolve"]);
}

#[tokio::test]
async fn a_passing_fault_holds_back_its_own_group_only() {
    for fault in passing_faults() {
        let delivery = Delivery::start().await;
        delivery.pagerduty.always_where(about("a"), fault.clone());
        let messages = [trigger("b"), trigger("a"), resolve("a"), resolve("b"), trigger("c")];
        let mut failed = delivery.hand_over(&messages).await;
        failed.sort();
        assert_eq!(failed, ["m1", "m2"], "{fault:?}");
        // The resolve must not overtake the trigger it belongs to.
        assert!(
            delivery
                .pagerduty
                .events()
                .iter()
                .all(|event| { event["dedup_key"] != "a" || event["event_action"] == "trigger" })
        );
        let mut others = delivery.pagerduty.dedup_keys();
        others.retain(|key| key != "a");
        others.sort();
        assert_eq!(others, ["b", "b", "c"], "{fault:?}");
        delivery.assert_nothing_rejected();
    }
}

#[tokio::test]
async fn what_was_sent_before_the_fault_is_not_sent_again() {
    let delivery = Delivery::start().await;
    let is_resolve = |event: &Value| event["event_action"] == "resolve";
    delivery.pagerduty.always_where(is_resolve, Answer::text(503, ""));
    assert_eq!(delivery.hand_over(&[trigger("a"), resolve("a")]).await, ["m1"]);
}

#[tokio::test]
async fn success_comes_when_the_fault_has_passed() {
    for fault in passing_faults() {
        let delivery = Delivery::start().await;
        let faults: Vec<Answer> = std::iter::repeat_n(fault.clone(), 4).collect();
        delivery.pagerduty.next(faults);
        let event = batch(&[trigger("a")]);
        let mut rounds = 0;
        while !delivery.invoke(&event).await.is_empty() {
            rounds += 1;
            assert!(rounds <= 4, "{fault:?}");
        }
        assert!(rounds > 0, "{fault:?}");
        assert_eq!(delivery.pagerduty.events().len(), 5, "one request for each answer: {fault:?}");
    }
}

async fn silence_is_given_up_in_time(silence: Answer) {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(about("a"), silence);
    let messages = [trigger("a"), resolve("a"), trigger("b")];
    let outcome = delivery.deliver.invoke_within(&batch(&messages), Duration::from_secs(30)).await;
    let mut failed = failures(&outcome.response());
    failed.sort();
    assert_eq!(failed, ["m0", "m1"]);
    assert!(delivery.pagerduty.dedup_keys().contains(&"b".to_owned()));
    delivery.assert_nothing_rejected();
}

#[tokio::test]
async fn a_pagerduty_that_says_nothing() {
    silence_is_given_up_in_time(Answer::Hang).await;
}

#[tokio::test]
async fn a_pagerduty_that_stops_after_the_head() {
    silence_is_given_up_in_time(Answer::Stall).await;
}

#[tokio::test]
async fn a_whole_batch_of_silence_ends_before_the_functions_time_limit() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, Answer::Hang);
    let keys: Vec<String> = (0..10).map(|number| format!("key-{number}")).collect();
    let messages: Vec<Value> = keys.iter().map(|key| trigger(key)).collect();
    let outcome = delivery.deliver.invoke_within(&batch(&messages), Duration::from_secs(30)).await;
    assert_eq!(failures(&outcome.response()).len(), 10);
}

#[tokio::test]
async fn nobody_listens() {
    let aws = Aws::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let deliver = aws.deliver(&format!("http://{address}/v2/enqueue")).start().await;
    let response = deliver.invoke(&batch(&[trigger("a")])).await.response();
    assert_eq!(failures(&response), ["m0"]);
    assert!(aws.sent(REJECTED_QUEUE).is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (delivery, elsewhere) = (Delivery::start().await, PagerDuty::start().await);
        let redirect = Answer::text(status, "").header("location", &elsewhere.url());
        delivery.pagerduty.always_where(|_| true, redirect);
        assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"], "{status}");
        assert!(elsewhere.requests().is_empty(), "{status} carried the key elsewhere");
        delivery.assert_nothing_rejected();
    }
}

#[tokio::test]
async fn other_good_answers_are_no_acceptance() {
    // Only 202 says that the event was taken: a proxy's login page answers 200 as well.
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, Answer::text(200, "<html>Please log in</html>"));
    assert_eq!(delivery.hand_over(&[trigger("a")]).await, ["m0"]);
    delivery.assert_nothing_rejected();
}

#[tokio::test]
async fn its_own_log_holds_neither_key_nor_evidence() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.next([Answer::text(500, "oops"), invalid(&["'payload.source' is missing"])]);
    for _ in 0..3 {
        delivery.hand_over(&[trigger("a")]).await;
    }
    let unreadable = [
        "customer-7731, not JSON".to_owned(),
        json!("customer-7731").to_string(),
        json!({"target": "default", "event": {"event_action": "customer-7731"}}).to_string(),
    ];
    for body in unreadable {
        delivery.invoke(&json!({"Records": [record("x", "g", &body)]})).await;
    }
    assert_log_is_clean(delivery).await;
}

#[tokio::test]
async fn its_own_log_holds_nothing_that_the_peer_echoes() {
    let delivery = Delivery::start().await;
    let echo = json!({
        "message": format!("bad: {ROUTING_KEY}"),
        "errors": ["'payload' is {\"1 error\": \"no such customer-7731\"}"],
    });
    let echoes = [500, 400, 429].map(|status| Answer::json(status, &echo));
    let pages = [502, 400].map(|status| Answer::text(status, &format!("<p>{echo}</p>")));
    delivery.pagerduty.next(echoes.into_iter().chain(pages));
    for _ in 0..6 {
        delivery.hand_over(&[trigger("a")]).await;
    }
    assert_log_is_clean(delivery).await;
}

async fn assert_log_is_clean(delivery: Delivery) {
    let output = delivery.deliver.output().await;
    assert!(!output.is_empty(), "it tells what it did");
    assert!(!output.contains(ROUTING_KEY), "{output}");
    assert!(!output.contains("customer-7731"), "{output}");
}
