//! The time and the calls that evidence may take, whatever AWS does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, alarm_on, assert_has_no_note, assert_valid_trigger, aws_with_filter, note, shown,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns};
use crate::support::aws::{Aws, Call, EVENTS_QUEUE, refusal};
use crate::support::http::Answer;

/// Calls beyond five at once are this far apart; the rest is what a busy machine delays.
const APART: Duration = Duration::from_millis(170);
const AT_ONCE: u32 = 5;

/// However many calls follow each other, all but five of them were waited for.
#[track_caller]
fn assert_paced(calls: &[Call]) {
    for first in 0..calls.len() {
        for (count, last) in (1..).zip(&calls[first + 1..]) {
            let took = last.at - calls[first].at;
            let least = APART * u32::saturating_sub(count + 1, AT_ONCE);
            assert!(took >= least, "{} calls within {took:?}", count + 1);
        }
    }
}

#[tokio::test]
async fn at_most_five_calls_a_second_over_many_pages_and_groups() {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.page_size = 1;
        logs.filter_page_size = 1;
        for number in 0..4 {
            let group = format!("/shop/part-{number}");
            logs.filter(&group, "ERROR", NAMESPACE, METRIC);
            for line in 0..4 {
                logs.line(&group, STREAM, DATAPOINT + line, &format!("ERROR part{number} {line}"));
            }
        }
    });
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    assert_has_no_note(&aws.only_event());
    let calls = aws.log_calls();
    assert!(calls.len() >= 20, "{} calls", calls.len());
    assert_paced(&calls);
}

#[tokio::test]
async fn at_most_five_calls_a_second_for_all_alarms_of_a_batch_together() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    let alarms: Vec<Value> = (0..8).map(|number| alarm(&format!("shop-{number}"))).collect();
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&alarms)).await.response();
    assert_eq!(aws.queued(EVENTS_QUEUE).len(), 8);
    let calls = aws.log_calls();
    assert!(calls.len() >= 16, "{} calls", calls.len());
    assert_paced(&calls);
    for message in aws.queued(EVENTS_QUEUE) {
        assert_has_no_note(&message.body["event"]);
    }
}

#[tokio::test]
async fn throttling_is_answered_with_ever_longer_waits_inside_the_deadline() {
    let throttled = refusal("ThrottlingException", "Rate exceeded");
    for operation in ["ListTagsForResource", "DescribeMetricFilters", "FilterLogEvents"] {
        let aws = aws_with_filter("ERROR").await;
        aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
        aws.script(|script| {
            // Questions about context are not tried again.
            let evidence = |body: &Value| body.get("limit").is_none();
            script.next_where(operation, evidence, vec![throttled.clone(); 3]);
        });
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm("shop")])).await.response();
        let event = aws.only_event();
        assert_has_no_note(&event);
        assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
        let calls = aws.calls(operation);
        let waits: Vec<Duration> = calls.windows(2).map(|two| two[1].at - two[0].at).collect();
        assert!(waits.len() >= 3, "{operation}: {waits:?}");
        let least = [350, 750, 1500].map(Duration::from_millis);
        for (wait, least) in waits.iter().zip(least) {
            assert!(*wait >= least, "{operation}: {waits:?}");
        }
    }
}

/// The alarm whose evidence needs the operation.
fn alarm_that_needs(operation: &str) -> Value {
    match operation {
        "GetFunctionConfiguration" => {
            alarm_on("shop", "AWS/Lambda", "Errors", &[("FunctionName", "checkout")])
        }
        "DescribeLogGroups" => alarm_on("shop", "AWS/ApiGateway", "5XXError", &[("ApiName", "x")]),
        "ListTargetsByRule" => {
            alarm_on("shop", "AWS/Events", "FailedInvocations", &[("RuleName", "x")])
        }
        "DescribeAlarms" => {
            let mut alarm = alarm("shop");
            alarm.as_object_mut().unwrap().remove("Trigger");
            alarm["AlarmRule"] = "ALARM(orders)".into();
            alarm
        }
        _ => alarm("shop"),
    }
}

#[tokio::test]
async fn whatever_hangs_the_page_is_out_a_second_after_the_deadline() {
    for operation in [
        "ListTagsForResource",
        "DescribeAlarms",
        "DescribeMetricFilters",
        "DescribeLogGroups",
        "FilterLogEvents",
        "GetFunctionConfiguration",
        "ListTargetsByRule",
    ] {
        for answer in [Answer::Hang, Answer::Stall] {
            let aws = aws_with_filter("ERROR").await;
            aws.always(operation, answer.clone());
            let stage = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2");
            let enrich = stage.start().await;
            enrich.ready().await;
            let begun = Instant::now();
            enrich.invoke(&sns(&[alarm_that_needs(operation)])).await.response();
            let took = begun.elapsed();
            assert!(!aws.calls(operation).is_empty(), "{operation} is asked for");
            assert!(took <= Duration::from_secs(3), "{operation} {answer:?}: {took:?}");
            let event = aws.only_event();
            assert_valid_trigger(&event);
            assert!(!note(&event).is_empty(), "{operation}: {event:#}");
        }
    }
}

#[tokio::test]
async fn tags_that_hang_leave_time_for_the_logs() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    aws.always("ListTagsForResource", Answer::Hang);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    let event = aws.only_event();
    assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
    assert!(note(&event).contains("tags"), "{event:#}");
}

/// Handles an alarm while AWS is slow, and fails if it asks for tags before or after the other.
async fn assert_tags_side_by_side_with(operation: &str, aws: &Aws, alarm: Value) {
    let slow = Duration::from_secs(1);
    aws.delay("ListTagsForResource", slow);
    aws.delay(operation, slow);
    let enrich = aws.enrich().start().await;
    enrich.invoke(&sns(&[alarm])).await.response();
    assert_has_no_note(&aws.only_event());
    let asked = |operation: &str| aws.calls(operation)[0].at;
    let (tags, other) = (asked("ListTagsForResource"), asked(operation));
    let apart = tags.max(other) - tags.min(other);
    assert!(apart < slow / 2, "{apart:?} apart");
}

#[tokio::test]
async fn tags_and_metric_filters_are_asked_side_by_side() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    assert_tags_side_by_side_with("DescribeMetricFilters", &aws, alarm("shop")).await;
    assert_eq!(aws.calls("DescribeMetricFilters").len(), 1, "asked once");
}

#[tokio::test]
async fn tags_and_a_functions_log_group_are_asked_side_by_side() {
    let aws = Aws::start().await;
    let group = "/shop/functions";
    aws.resources(|it| it.function("checkout", Some(group)));
    aws.logs(|logs| logs.line(group, STREAM, DATAPOINT, "ERROR disk full"));
    let operation = "GetFunctionConfiguration";
    assert_tags_side_by_side_with(operation, &aws, alarm_that_needs(operation)).await;
}

#[tokio::test]
async fn a_trail_that_hangs_leaves_the_lines() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    aws.script(|script| {
        let in_stream = |body: &Value| body.get("logStreamNames").is_some();
        script.always_where("FilterLogEvents", in_stream, Answer::Hang);
    });
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "2").start().await;
    enrich.ready().await;
    let begun = Instant::now();
    enrich.invoke(&sns(&[alarm("shop")])).await.response();
    assert!(begun.elapsed() <= Duration::from_secs(3), "{:?}", begun.elapsed());
    let event = aws.only_event();
    assert!(note(&event).contains("trail"), "{event:#}");
    assert!(shown(&event).contains("ERROR disk full"), "{event:#}");
}

#[tokio::test]
async fn infrequent_access_is_explained_with_a_link_that_can_read_it() {
    for code in ["InvalidParameterException", "InvalidOperationException", "ValidationException"] {
        let aws = aws_with_filter("ERROR").await;
        let words = "This operation is not supported for log groups with the INFREQUENT_ACCESS \
                     log class";
        aws.always("FilterLogEvents", refusal(code, words));
        let enrich = aws.enrich().start().await;
        enrich.invoke(&sns(&[alarm("shop")])).await.response();
        assert_eq!(aws.calls("FilterLogEvents").len(), 1, "no use in trying again");
        let event = aws.only_event();
        assert_valid_trigger(&event);
        let note = note(&event);
        assert!(note.contains("Infrequent Access") && note.contains(GROUP), "{note}");
        assert!(note.contains("Logs Insights"), "{note}");
        let link = event["links"].as_array().unwrap().iter().find(|link| {
            let href = link["href"].as_str().unwrap();
            href.contains("logs-insights") && href.contains("*2Fshop*2Ferrors")
        });
        assert!(link.is_some(), "the link that the note names: {:#}", event["links"]);
    }
}

#[tokio::test]
async fn an_early_time_limit_of_the_function_shortens_the_deadline() {
    let aws = aws_with_filter("ERROR").await;
    aws.always("FilterLogEvents", Answer::Hang);
    let enrich = aws.enrich().start().await;
    enrich.ready().await;
    let event = json!(sns(&[alarm("shop")]));
    enrich.invoke_within(&event, Duration::from_secs(13)).await.response();
    assert!(note(&aws.only_event()).contains("deadline"));
}
