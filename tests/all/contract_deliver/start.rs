//! Starting `deliver`: configuration, and where the key may be sent.

use crate::support::aws::Aws;
use crate::support::lambda::Stage;

async fn deliver(url: &str) -> Stage {
    Aws::start().await.deliver(url)
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let stage = deliver("ftp://events.pagerduty.com/v2/enqueue")
        .await
        .without("PAGETRAIL_ROUTING_KEY_SECRET_ARN")
        .without("PAGETRAIL_REJECTED_QUEUE_URL")
        .variable("PAGETRAIL_EVENTS_QUEUE_URL", "");
    let said = stage.start().await.start_failure().await;
    for name in [
        "PAGETRAIL_PAGERDUTY_URL",
        "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
        "PAGETRAIL_REJECTED_QUEUE_URL",
        "PAGETRAIL_EVENTS_QUEUE_URL",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test]
async fn a_key_never_goes_over_plain_http_to_another_host() {
    for url in [
        "http://events.pagerduty.com/v2/enqueue",
        "http://localhost.example.com/v2/enqueue",
        "http://127.0.0.1.example.com/v2/enqueue",
        "http://127.0.0.1@example.com/v2/enqueue",
        "http://10.0.0.1/v2/enqueue",
        "http://0.0.0.0/v2/enqueue",
        "events.pagerduty.com/v2/enqueue",
        "https://",
    ] {
        let said = deliver(url).await.start().await.start_failure().await;
        assert!(said.contains("PAGETRAIL_PAGERDUTY_URL"), "{url}: {said}");
    }
}

#[tokio::test]
async fn https_to_any_host_and_http_to_loopback_are_fine() {
    for url in [
        "https://events.pagerduty.com/v2/enqueue",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "http://127.0.0.1:9/v2/enqueue",
        "http://localhost:9/v2/enqueue",
        "http://[::1]:9/v2/enqueue",
    ] {
        deliver(url).await.start().await.ready().await;
    }
    deliver("").await.without("PAGETRAIL_PAGERDUTY_URL").start().await.ready().await;
}

#[tokio::test]
async fn a_password_in_the_url_is_not_repeated() {
    let said =
        deliver("http://user:hunter2@example.com/").await.start().await.start_failure().await;
    assert!(said.contains("PAGETRAIL_PAGERDUTY_URL") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn starts_without_calling_anyone() {
    let aws = Aws::start().await;
    aws.deliver("http://127.0.0.1:9/").start().await.ready().await;
    assert!(aws.operations().is_empty(), "{:?}", aws.operations());
}
