//! Starting `enrich`: configuration, and what its own log may hold.

use crate::contract_enrich::{GROUP, STREAM, aws_with_filter};
use crate::support::alarms::{DATAPOINT, alarm, sns};
use crate::support::aws::Aws;
use crate::support::lambda::Stage;

#[tokio::test]
async fn all_faults_are_reported_together() {
    let aws = Aws::start().await;
    let stage = aws
        .enrich()
        .without("PAGETRAIL_EVENTS_QUEUE_URL")
        .variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "46")
        .variable("PAGETRAIL_MAX_LINES", "0")
        .variable("PAGETRAIL_MAX_TRAILS", "eleven")
        .variable("PAGETRAIL_MAX_TRAIL_LINES", "9")
        .variable("PAGETRAIL_INSUFFICIENT_DATA", "maybe")
        .variable("PAGETRAIL_SEVERITY", "urgent");
    let said = stage.start().await.start_failure().await;
    for name in [
        "PAGETRAIL_EVENTS_QUEUE_URL",
        "PAGETRAIL_EVIDENCE_DEADLINE_SECONDS",
        "PAGETRAIL_MAX_LINES",
        "PAGETRAIL_MAX_TRAILS",
        "PAGETRAIL_MAX_TRAIL_LINES",
        "PAGETRAIL_INSUFFICIENT_DATA",
        "PAGETRAIL_SEVERITY",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test]
async fn an_unknown_stage_is_told_the_stages_there_are() {
    let said = Stage::new("polish").start().await.start_failure().await;
    assert!(said.contains("enrich") && said.contains("deliver"), "{said}");
}

#[tokio::test]
async fn starts_without_calling_anyone() {
    let aws = Aws::start().await;
    aws.enrich().start().await.ready().await;
    assert!(aws.operations().is_empty(), "{:?}", aws.operations());
}

#[tokio::test]
async fn its_own_log_holds_no_line_of_the_searched_logs() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR card 4111-1111 declined"));
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let output = enrich.output().await;
    assert!(output.contains("shop"), "it tells which alarm it handled: {output}");
    assert!(!output.contains("4111-1111"), "{output}");
    assert!(!output.contains("example-session-token"), "{output}");
}
