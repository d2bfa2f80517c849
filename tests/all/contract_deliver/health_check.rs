//! The daily health check: whether a page would get through.

use std::time::Duration;

use serde_json::{Value, json};

use crate::contract_deliver::{Delivery, paced};
use crate::support::aws::{Aws, SUBSCRIPTION, query_refusal};
use crate::support::http::Answer;
use crate::support::lambda::ACCOUNT;
use crate::support::pagerduty::{PagerDuty, unknown_key};

const GOOD: &str = "0123456789abcdef0123456789abcdef";
const BAD: &str = "fedcba9876543210fedcba9876543210";

/// A delivery that knows the subscription it is notified by.
async fn subscribed(subscription: &str) -> Delivery {
    let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
    let stage = paced(aws.deliver(&pagerduty.url()), "60000", "1")
        .variable("PAGETRAIL_SUBSCRIPTION_ARN", subscription);
    let deliver = stage.start().await;
    Delivery { aws, pagerduty, deliver }
}

/// Makes the check as the daily rule does, and returns the function's log.
async fn checked(delivery: Delivery) -> Vec<Value> {
    assert!(delivery.invoke(&json!({"pagetrail": "health-check"})).await.is_empty());
    delivery.log().await
}

/// Why the check failed, if it did; it must have reported exactly once.
#[track_caller]
fn fault(log: &[Value]) -> Option<&str> {
    let reports: Vec<_> =
        log.iter().filter(|line| line.get("HealthCheckFailed").is_some()).collect();
    assert_eq!(reports.len(), 1, "{log:#?}");
    match reports[0]["HealthCheckFailed"].as_u64() {
        Some(0) => assert_eq!(reports[0]["message"], "health check passed"),
        Some(1) => return Some(reports[0]["why"].as_str().unwrap()),
        _ => panic!("{log:#?}"),
    }
    None
}

#[tokio::test]
async fn checks_every_key_by_a_resolve_that_does_nothing() {
    let delivery = Delivery::start().await;
    delivery.aws.secret(&json!({"default": [GOOD, BAD], "db": GOOD}).to_string());
    delivery.pagerduty.always_where(|event| event["routing_key"] == BAD, unknown_key());
    assert!(delivery.invoke(&json!({"pagetrail": "health-check"})).await.is_empty());

    let events = delivery.pagerduty.events();
    let mut keys: Vec<_> =
        events.iter().map(|event| event["routing_key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [GOOD, BAD], "each once");
    for event in &events {
        assert_eq!(event["event_action"], "resolve");
        assert_eq!(event["dedup_key"], "pagetrail/health-check/no-such-alert");
    }
    delivery.assert_nothing_rejected();
    let log = delivery.log().await;
    let refused: Vec<_> = log.iter().filter(|line| line["KeyRefused"] == 1).collect();
    assert_eq!(refused.len(), 1, "{log:#?}");
    assert_eq!(refused[0]["key"], "…3210");
    assert!(fault(&log).unwrap().contains("…3210"), "no page gets through by that key");
}

#[tokio::test]
async fn a_check_that_finds_nothing_wrong_says_so() {
    let delivery = subscribed(SUBSCRIPTION).await;
    assert!(delivery.invoke(&json!({"pagetrail": "health-check"})).await.is_empty());
    let calls = delivery.aws.calls("GetSubscriptionAttributes");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body["SubscriptionArn"], SUBSCRIPTION);
    assert_eq!(calls[0].region, "us-east-1", "the topic's own Region");
    assert_eq!(fault(&delivery.log().await), None);
}

#[tokio::test]
async fn the_rule_of_an_older_stack_is_understood() {
    let delivery = Delivery::start().await;
    assert!(delivery.invoke(&json!({"pagetrail": "canary"})).await.is_empty());
    assert_eq!(fault(&delivery.log().await), None);
}

#[tokio::test]
async fn a_secret_without_keys_is_a_fault() {
    let delivery = Delivery::start().await;
    delivery.aws.secret("PASTE-YOUR-KEY");
    let (pagerduty, log) = (delivery.pagerduty.clone(), checked(delivery).await);
    assert!(pagerduty.requests().is_empty());
    assert!(fault(&log).is_some());
}

#[tokio::test]
async fn a_pagerduty_that_does_not_answer_is_a_fault() {
    let delivery = Delivery::start().await;
    delivery.pagerduty.always_where(|_| true, Answer::text(503, ""));
    let log = checked(delivery).await;
    assert!(fault(&log).unwrap().contains("HTTP 503"), "{log:#?}");
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_a_fault() {
    for subscription in [SUBSCRIPTION.to_owned(), SUBSCRIPTION.replace(ACCOUNT, "123456789012")] {
        let delivery = subscribed(&subscription).await;
        let gone = query_refusal(404, "NotFound", "Subscription does not exist");
        delivery.aws.always("GetSubscriptionAttributes", gone);
        let log = checked(delivery).await;
        assert!(fault(&log).unwrap().contains("subscription is gone"), "{log:#?}");
    }
}

/// What SNS answers a role that lacks the permission.
fn denied() -> Answer {
    query_refusal(
        403,
        "AuthorizationError",
        "User: arn:aws:sts::449671225256:assumed-role/pagetrail/deliver is not authorized to \
         perform: SNS:GetSubscriptionAttributes on resource: \
         arn:aws:sns:us-east-1:449671225256:alarms because no identity-based policy allows the \
         SNS:GetSubscriptionAttributes action",
    )
}

#[tokio::test]
async fn a_check_that_is_denied_is_a_fault() {
    let delivery = subscribed(SUBSCRIPTION).await;
    delivery.aws.always("GetSubscriptionAttributes", denied());
    let log = checked(delivery).await;
    let fault = fault(&log).unwrap();
    let topic = "arn:aws:sns:us-east-1:449671225256:alarms";
    assert!(
        fault.ends_with(&format!("access denied: allow sns:GetSubscriptionAttributes on {topic}"))
    );
}

#[tokio::test]
async fn another_accounts_topic_may_keep_its_subscriptions_to_itself() {
    let delivery = subscribed(&SUBSCRIPTION.replace(ACCOUNT, "123456789012")).await;
    delivery.aws.always("GetSubscriptionAttributes", denied());
    let log = checked(delivery).await;
    assert_eq!(fault(&log), None, "{log:#?}");
}

#[tokio::test]
async fn a_check_that_gets_no_answer_is_a_fault() {
    for answer in [Answer::Reset, query_refusal(500, "InternalError", "")] {
        let delivery = subscribed(SUBSCRIPTION).await;
        delivery.aws.always("GetSubscriptionAttributes", answer);
        let log = checked(delivery).await;
        assert!(fault(&log).unwrap().contains("could not be checked"), "{log:#?}");
    }
}

#[tokio::test]
async fn slow_keys_are_checked_at_the_same_time() {
    let delivery = Delivery::start().await;
    let keys: Vec<String> = (0..20).map(|number| format!("{number:032x}")).collect();
    delivery.aws.secret(&json!({"default": keys}).to_string());
    let slow = Answer::text(202, "{}").after(Duration::from_secs(2));
    delivery.pagerduty.always_where(|_| true, slow);
    let started = std::time::Instant::now();
    let log = checked(delivery).await;
    assert_eq!(fault(&log), None);
    assert!(started.elapsed() < Duration::from_secs(20), "the function has 30 s");
}
