//! A refused event: one plainer page in its place, then the original is put aside.

use serde_json::{Value, json};

use crate::contract_deliver::Delivery;
use crate::support::aws::REJECTED_QUEUE;
use crate::support::http::Answer;
use crate::support::pagerduty::invalid;
use crate::support::queue_items::{resolve, trigger};

/// Refuses the full event and takes the plainer one.
fn refuse_full(delivery: &Delivery, answer: Answer) {
    let full = |event: &Value| event["payload"]["custom_details"].get("1 error").is_some();
    delivery.pagerduty.always_where(full, answer);
}

#[tokio::test]
async fn is_delivered_under_the_same_key_and_the_original_put_aside() {
    for status in [400, 413, 422] {
        let delivery = Delivery::start().await;
        let words = json!({"message": "Event object is invalid", "errors": ["'client' is odd"]});
        refuse_full(&delivery, Answer::json(status, &words));
        let mut message = trigger("a");
        message["event"]["links"] = json!([{"href": "https://example.com", "text": "runbook"}]);
        message["event"]["client"] = "Pagetrail".into();
        message["event"]["payload"]["severity"] = "critical".into();
        let batch = [message.clone(), resolve("a"), trigger("a")];
        assert!(delivery.hand_over(&batch).await.is_empty(), "{status}");

        let plainer = &delivery.pagerduty.accepted()[0];
        assert_eq!(plainer["event_action"], "trigger");
        assert_eq!(plainer["dedup_key"], "a");
        let payload = &plainer["payload"];
        for field in ["summary", "source", "severity"] {
            assert_eq!(payload[field], message["event"]["payload"][field]);
        }
        let note = payload["custom_details"].to_string();
        assert!(note.contains("refused") && note.contains("'client' is odd"), "{note}");
        assert!(plainer.get("links").is_none() && plainer.get("client").is_none(), "{plainer}");
        assert!(!plainer.to_string().contains("customer-7731"), "{plainer}");

        let rejected = delivery.aws.sent(REJECTED_QUEUE);
        assert_eq!(rejected[0].body, message, "as it was");
        assert_eq!(rejected[0].group, "a");
        assert_eq!(rejected[0].attributes["status"], status.to_string());
        assert!(rejected[0].attributes["reason"].contains("'client' is odd"), "{rejected:#?}");
        assert!(
            chrono::DateTime::parse_from_rfc3339(&rejected[0].attributes["rejected_at"]).is_ok()
        );

        // The group goes on in its order.
        let accepted = delivery.pagerduty.accepted();
        let actions: Vec<_> = accepted.iter().map(|it| it["event_action"].clone()).collect();
        assert_eq!(actions, ["trigger", "resolve", "trigger"], "{status}");
    }
}

#[tokio::test]
async fn refused_as_well_only_the_rejected_queue_has_it() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, invalid(&["'payload.source' is missing"]));
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    assert_eq!(delivery.pagerduty.requests().len(), 2, "the full one and the plainer");
    let rejected = delivery.aws.sent(REJECTED_QUEUE);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].attributes["status"], "400");
    assert!(rejected[0].attributes["reason"].contains("'payload.source' is missing"));
}

#[tokio::test]
async fn events_of_the_other_endpoints_have_one_too() {
    let v1 =
        json!({"event_type": "trigger", "incident_key": "a", "description": "d", "details": 5});
    let plain_v1 = json!({"event_type": "trigger", "incident_key": "a", "description": "d"});
    let vendor = json!({"title": "disk full", "dedup_key": "a", "status": 3});
    let plain_vendor = json!({"event_action": "trigger", "dedup_key": "a"});
    let resolve = json!({"event_action": "resolve", "dedup_key": "a", "links": 7});
    let plain_resolve = json!({"event_action": "resolve", "dedup_key": "a"});
    for (endpoint, event, plain) in [
        ("v1", v1, plain_v1),
        ("integration", vendor.clone(), plain_vendor.clone()),
        ("other", vendor, plain_vendor),
        ("v2", resolve, plain_resolve),
    ] {
        let delivery = Delivery::start().await;
        let full = event.clone();
        let is_full = move |posted: &Value| {
            full.as_object().unwrap().iter().all(|(name, value)| posted.get(name) == Some(value))
        };
        delivery.pagerduty.always_where(is_full, invalid(&["bad"]));
        let taken = Answer::json(if endpoint == "v1" { 200 } else { 202 }, &json!({}));
        delivery.pagerduty.always_where(|_| true, taken);
        let mut message = json!({"target": "default", "endpoint": endpoint, "event": event});
        if endpoint == "other" {
            message["route"] = "/v1/{key}/alerts".into();
        }
        assert!(delivery.hand_over(&[message.clone()]).await.is_empty(), "{endpoint}");
        let requests = delivery.pagerduty.requests();
        assert_eq!(requests.len(), 2, "{endpoint}");
        for (name, value) in plain.as_object().unwrap() {
            assert_eq!(&requests[1].json()[name], value, "{endpoint}: {name}");
        }
        assert_eq!(delivery.aws.sent(REJECTED_QUEUE)[0].body, message, "as it was");
    }
}

#[tokio::test]
async fn a_key_that_only_the_vendors_path_takes_is_not_waited_for() {
    let delivery = Delivery::start().await;
    let is_v2 = |event: &Value| event.get("event_action").is_some();
    let refused = json!({"status": "invalid event", "errors": ["Invalid routing key"]});
    delivery.pagerduty.always_where(is_v2, Answer::json(400, &refused));
    delivery.pagerduty.always_where(|_| true, invalid(&["bad"]));
    let message = json!({"target": "default", "endpoint": "integration", "event": {"title": "t"}});
    assert!(delivery.hand_over(&[message]).await.is_empty());
    assert_eq!(delivery.aws.sent(REJECTED_QUEUE).len(), 1);
}

#[tokio::test]
async fn a_refused_resolve_has_no_plainer_form() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, invalid(&["bad"]));
    assert!(delivery.hand_over(&[resolve("a")]).await.is_empty());
    assert_eq!(delivery.pagerduty.requests().len(), 1);
    assert_eq!(delivery.aws.sent(REJECTED_QUEUE).len(), 1);
}

#[tokio::test]
async fn not_delivered_now_the_whole_event_comes_back() {
    for fault in [Answer::text(503, ""), Answer::Reset, Answer::text(403, "Forbidden")] {
        let delivery = Delivery::start().await;
        let said = format!("{fault:?}");
        refuse_full(&delivery, invalid(&["bad"]));
        delivery.pagerduty.always_where(|event| event["payload"].is_object(), fault);
        let failed = delivery.hand_over(&[trigger("a"), resolve("a")]).await;
        assert_eq!(failed, ["m0", "m1"], "{said}");
        delivery.assert_nothing_rejected();
        assert!(delivery.pagerduty.accepted().is_empty(), "{said}");
    }
}

#[tokio::test]
async fn it_waits_for_its_own_turn_where_turns_are_rare() {
    // One at once, and the next turn after 6.7 s: sent back, it would never get further.
    let delivery = Delivery::at_pace("30", "3").await;
    refuse_full(&delivery, invalid(&["bad"]));
    assert!(delivery.hand_over(&[trigger("a")]).await.is_empty());
    assert_eq!(delivery.pagerduty.accepted().len(), 1);
    let times = delivery.pagerduty.times();
    assert!(times[1] - times[0] > std::time::Duration::from_secs(6), "the pace holds");
}
