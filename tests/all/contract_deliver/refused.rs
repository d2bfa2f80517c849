//! Events that PagerDuty refuses for good are in the rejected queue, with the reason.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::aws::{REJECTED_QUEUE, refusal};
use crate::support::http::Answer;
use crate::support::pagerduty::invalid;
use crate::support::queue_items::{record, resolve, trigger};

fn refuse(delivery: &Delivery, key: &'static str, answer: Answer) {
    delivery.pagerduty.always_where(move |event| event["dedup_key"] == key, answer);
}

#[tokio::test]
async fn with_pagerdutys_own_words() {
    let delivery = Delivery::start().await;
    let words = ["'payload.source' is missing or blank", "and more"];
    refuse(&delivery, "a", invalid(&words));
    let message = trigger("a");
    assert!(delivery.hand_over(std::slice::from_ref(&message)).await.is_empty(), "done with it");

    let rejected = delivery.aws.sent(REJECTED_QUEUE);
    assert_eq!(rejected.len(), 1, "{rejected:#?}");
    assert_eq!(rejected[0].body, message, "as it was, for a replay");
    assert_eq!(rejected[0].group, "a", "the group stays");
    assert_eq!(rejected[0].attributes["status"], "400");
    for word in words {
        assert!(rejected[0].attributes["reason"].contains(word), "{rejected:#?}");
    }
    let at = &rejected[0].attributes["rejected_at"];
    assert!(DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
}

#[tokio::test]
async fn its_group_and_the_others_go_on() {
    let delivery = Delivery::start().await;
    let bad = |event: &Value| event["dedup_key"] == "a" && event["event_action"] == "trigger";
    delivery.pagerduty.always_where(bad, invalid(&["bad"]));
    assert!(delivery.hand_over(&[trigger("a"), trigger("b"), resolve("a")]).await.is_empty());
    let resolved = |event: &Value| event["dedup_key"] == "a" && event["event_action"] == "resolve";
    assert!(delivery.pagerduty.events().iter().any(resolved));
    assert!(delivery.pagerduty.dedup_keys().contains(&"b".to_owned()));
    assert_eq!(delivery.aws.sent(REJECTED_QUEUE).len(), 1);
}

#[tokio::test]
async fn whatever_the_refusal_looks_like() {
    let bodies = [
        Answer::text(400, ""),
        Answer::text(400, "<html>Bad Request</html>"),
        Answer::json(400, &json!(["odd"])),
        Answer::json(400, &json!({"message": 7, "errors": {"a": null}})),
        Answer::text(400, "\u{0}\u{1} control\u{7f} characters \u{fffe}"),
        Answer::text(400, &"long words ".repeat(50_000)),
        Answer::text(413, "Payload Too Large"),
    ];
    for answer in bodies {
        let delivery = Delivery::start().await;
        let said = format!("{answer:?}").chars().take(200).collect::<String>();
        refuse(&delivery, "a", answer);
        assert!(delivery.hand_over(&[trigger("a")]).await.is_empty(), "{said}");
        let rejected = delivery.aws.sent(REJECTED_QUEUE);
        assert_eq!(rejected.len(), 1, "{said}");
        let reason = &rejected[0].attributes["reason"];
        assert!(!reason.is_empty(), "SQS takes no empty attribute");
        assert!(reason.len() < 10_000, "{} bytes", reason.len());
        // SQS takes no other characters than these in an attribute.
        let taken =
            |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        assert!(reason.chars().all(taken), "{reason:?}");
    }
}

#[tokio::test]
async fn a_rejected_queue_that_refuses_keeps_the_item_in_its_own() {
    let delivery = Delivery::start().await;
    refuse(&delivery, "a", invalid(&["bad"]));
    delivery.aws.always("SendMessage", refusal("AccessDenied", "no sqs:SendMessage"));
    let mut failed = delivery.hand_over(&[trigger("a"), resolve("a"), trigger("b")]).await;
    failed.sort();
    assert_eq!(failed, ["m0", "m1"]);
}

#[tokio::test]
async fn a_body_that_cannot_be_read() {
    let bodies = [
        "no JSON".to_owned(),
        String::new(),
        "[]".to_owned(),
        json!({"target": "default"}).to_string(),
        json!({"target": "default", "event": {"event_action": "explode", "dedup_key": "a"}})
            .to_string(),
    ];
    for body in bodies {
        let delivery = Delivery::start().await;
        let records = [record("bad", "g1", &body), record("good", "g2", &trigger("b").to_string())];
        assert!(delivery.invoke(&json!({"Records": records})).await.is_empty(), "{body}");
        let rejected = delivery.aws.sent(REJECTED_QUEUE);
        assert_eq!(rejected.len(), 1, "{body}");
        // SQS takes no empty body.
        assert!(rejected[0].text == body || body.is_empty(), "{rejected:#?}");
        assert!(!rejected[0].attributes["reason"].is_empty());
        assert_eq!(delivery.pagerduty.dedup_keys(), ["b"]);
    }
}

#[tokio::test]
async fn one_event_rejected_twice_lies_there_once() {
    let delivery = Delivery::start().await;
    refuse(&delivery, "a", invalid(&["bad"]));
    for _ in 0..2 {
        assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    }
    assert_eq!(delivery.aws.queued(REJECTED_QUEUE).len(), 1);
}
