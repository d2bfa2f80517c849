//! From a signed notification to a durable event.

use serde_json::{Value, json};

use crate::sns::amazon::{CERTIFICATE, notification, signed};
use crate::sns::{Served, until};
use crate::support::alarms::{DATAPOINT, alarm, alarm_arn, turned};
use crate::support::http::Answer;

const VERSION_1: &str = include_str!("../../fixtures/sns/notification-version-1.json");

fn with_a_line(served: &Served) {
    let text = "ERROR disk full on shop-7";
    served.aws.logs(|logs| logs.line("/shop/errors", "web-1", DATAPOINT, text));
}

#[tokio::test]
async fn an_alarm_becomes_an_event_with_its_evidence_and_ok_resolves_it() {
    let served = Served::start().await;
    with_a_line(&served);
    let answer = served.post(&notification(&alarm("shop").to_string())).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("success")), "{answer:?}");
    let ok = notification(&turned(alarm("shop"), "OK").to_string());
    assert_eq!(served.post(&ok).await.status, 200);
    let events = served.queue.events();
    assert_eq!(served.queue.story(), ["trigger shop", "resolve shop"]);
    assert_eq!(events[0]["dedup_key"], alarm_arn("shop"));
    let payload = &events[0]["payload"];
    assert!(payload["summary"].as_str().unwrap().contains("disk full"), "{payload:#}");
    assert!(payload["custom_details"].to_string().contains("shop-7"), "{payload:#}");
    assert_eq!(served.amazon.asked(), [CERTIFICATE], "the certificate is fetched once");
}

#[tokio::test]
async fn a_signature_of_version_1() {
    let served = Served::start().await;
    with_a_line(&served);
    let mut message: Value = serde_json::from_str(VERSION_1).unwrap();
    assert_eq!(served.post(&message).await.status, 200);
    assert_eq!(served.queue.story(), ["trigger shop"]);
    message["SignatureVersion"] = "2".into();
    assert_eq!(served.post(&message).await.status, 403, "each version has its own hash");
}

#[tokio::test]
async fn what_a_person_published_pages_as_it_came() {
    let served = Served::start().await;
    let mut message = notification("disk is full: é\n\"quoted\" \u{1f525}");
    message.as_object_mut().unwrap().remove("Subject");
    let message = signed(message);
    assert_eq!(served.post(&message).await.status, 200);
    let events = served.queue.events();
    assert!(events[0]["payload"].to_string().contains("disk is full"), "{events:#?}");
    let all = events[0].to_string();
    assert!(
        !all.contains("Unsubscribe"),
        "anyone with that address can end the subscription: {all}"
    );
}

#[tokio::test]
async fn no_logs_cost_the_evidence_and_not_the_page() {
    for (operation, answer) in [
        ("DescribeMetricFilters", Answer::Reset),
        ("FilterLogEvents", Answer::Hang),
        ("FilterLogEvents", Answer::json(403, &json!({"__type": "AccessDenied"}))),
    ] {
        let served = Served::with(&[("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1")]).await;
        served.aws.always(operation, answer);
        let answer = served.post(&notification(&alarm("shop").to_string())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(served.queue.story(), ["trigger shop"]);
    }
}

#[tokio::test]
async fn a_crash_over_the_evidence_leaves_the_page() {
    let served = Served::start().await;
    with_a_line(&served);
    served.queue.crash_on("disk full");
    let answer = served.post(&notification(&alarm("shop").to_string())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let event = &served.queue.events()[0];
    assert!(event.to_string().contains("Pagetrail itself failed"), "{event:#}");
}

#[tokio::test]
async fn a_crash_over_the_page_itself_is_not_acknowledged() {
    let served = Served::start().await;
    with_a_line(&served);
    served.queue.crash_on("shop");
    let answer = served.post(&notification(&alarm("shop").to_string())).await;
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[tokio::test]
async fn evidence_ends_in_time_for_the_answer() {
    let served = Served::with(&[("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "45")]).await;
    served.aws.always("FilterLogEvents", Answer::Hang);
    let answer = served.post(&notification(&alarm("shop").to_string())).await;
    assert_eq!(answer.status, 200, "a late one is a 503: {answer:?}");
    let event = &served.queue.events()[0];
    assert!(event["payload"]["custom_details"].to_string().contains("no answer"), "{event:#}");
}

#[tokio::test]
async fn what_is_not_queued_is_not_acknowledged_and_comes_again() {
    let served = Served::start().await;
    with_a_line(&served);
    served.queue.fail_on("shop");
    let message = notification(&alarm("shop").to_string());
    let answer = served.post(&message).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("20")), "{answer:?}");
    for _ in 0..2 {
        assert_eq!(served.post(&message).await.status, 200);
    }
    assert_eq!(served.queue.story(), ["trigger shop"]);
}

#[tokio::test]
async fn what_was_begun_is_queued_when_sns_hangs_up() {
    let served = Served::start().await;
    with_a_line(&served);
    served.aws.delay("FilterLogEvents", std::time::Duration::from_millis(300));
    let request = tokio::spawn(served.post(&notification(&alarm("shop").to_string())));
    until(|| !served.aws.calls("FilterLogEvents").is_empty()).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    until(|| !served.queue.events().is_empty()).await;
    assert_eq!(served.queue.story(), ["trigger shop"]);
}
