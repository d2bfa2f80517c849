//! Starting `gateway`: configuration, and nothing that is not needed yet.

use serde_json::json;

use crate::support::aws::Aws;
use crate::support::function_url::Request;

#[tokio::test]
async fn all_faults_are_reported_together() {
    let stage = Aws::start()
        .await
        .gateway()
        .without("PAGETRAIL_ROUTING_KEY_SECRET_ARN")
        .without("PAGETRAIL_TOKEN_SECRET_ARN")
        .variable("PAGETRAIL_EVENTS_QUEUE_URL", "https://sqs.example.com/1/events");
    let said = stage.start().await.start_failure().await;
    for name in [
        "PAGETRAIL_ROUTING_KEY_SECRET_ARN",
        "PAGETRAIL_TOKEN_SECRET_ARN",
        "PAGETRAIL_EVENTS_QUEUE_URL",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test]
async fn a_handler_that_is_none_names_those_that_are() {
    let stage = Aws::start().await.gateway().variable("_HANDLER", "gate");
    let said = stage.start().await.start_failure().await;
    assert!(said.contains("enrich, deliver or gateway"), "{said}");
}

#[tokio::test]
async fn starts_without_calling_anyone() {
    let aws = Aws::start().await;
    aws.gateway().start().await.ready().await;
    assert!(aws.operations().is_empty(), "{:?}", aws.operations());
}

#[tokio::test]
async fn what_did_not_come_by_a_url_is_an_error() {
    let aws = Aws::start().await;
    let lambda = aws.gateway().start().await;
    for event in [json!({}), json!({"Records": []}), json!(null)] {
        lambda.invoke(&event).await.error();
    }
    lambda.invoke(&Request::get("/health").event()).await.response();
}
