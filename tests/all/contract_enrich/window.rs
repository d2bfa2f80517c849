//! The window that is searched: from the breaching datapoints, never past now.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::contract_enrich::{GROUP, STREAM, aws_with_filter, details, event_from, note};
use crate::support::alarms::{DATAPOINT, DATAPOINT_END, alarm, sns};

const MINUTE: i64 = 60_000;
/// The widest margin that still keeps other incidents' lines out.
const MARGIN: i64 = 5 * MINUTE;

/// Invokes with the alarm and returns the first search's window.
async fn window(alarm: Value) -> (i64, i64) {
    let aws = aws_with_filter("ERROR").await;
    let enrich = aws.enrich().variable("PAGETRAIL_EVIDENCE_DEADLINE_SECONDS", "1").start().await;
    enrich.invoke(&sns(&[alarm])).await.response();
    let search = &aws.calls("FilterLogEvents")[0].body;
    (search["startTime"].as_i64().unwrap(), search["endTime"].as_i64().unwrap())
}

#[track_caller]
fn assert_spans((start, end): (i64, i64), first: i64, last: i64) {
    assert!((first - MARGIN..=first).contains(&start), "start {start} is not just before {first}");
    assert!((last..=last + MARGIN).contains(&end), "end {end} is not just after {last}");
}

#[tokio::test]
async fn one_datapoint() {
    assert_spans(window(alarm("one")).await, DATAPOINT, DATAPOINT_END);
}

#[tokio::test]
async fn several_datapoints_with_exponents_in_any_order() {
    let mut alarm = alarm("several");
    alarm["NewStateReason"] =
        "Threshold Crossed: 3 out of the last 5 datapoints [1.0E-4 (02/02/25 \
        12:05:00), 2.5E7 (02/02/25 12:01:00), 3.0 (02/02/25 12:04:00)] were greater than the \
        threshold (0.0) (minimum 3 datapoints for OK -> ALARM transition)."
            .into();
    assert_spans(window(alarm).await, DATAPOINT - 4 * MINUTE, DATAPOINT_END);
}

#[tokio::test]
async fn days_come_before_months() {
    let mut alarm = alarm("day-first");
    alarm["NewStateReason"] =
        "Threshold Crossed: 1 datapoint [1.0 (05/03/25 12:05:00)] was greater \
        than or equal to the threshold (1.0)."
            .into();
    alarm["StateChangeTime"] = "2025-03-05T12:06:35.472+0000".into();
    let fifth_of_march = DateTime::parse_from_rfc3339("2025-03-05T12:05:00Z").unwrap();
    let start = fifth_of_march.timestamp_millis();
    assert_spans(window(alarm).await, start, start + MINUTE);
}

#[tokio::test]
async fn a_longer_period_reaches_from_its_start_to_its_end() {
    let mut alarm = alarm("long-period");
    alarm["Trigger"]["Period"] = json!(3600);
    alarm["NewStateReason"] =
        "Threshold Crossed: 1 datapoint [1.0 (02/02/25 11:00:00)] was greater \
        than or equal to the threshold (1.0)."
            .into();
    let eleven = DATAPOINT - 65 * MINUTE;
    assert_spans(window(alarm).await, eleven, eleven + 60 * MINUTE);
}

#[tokio::test]
async fn without_datapoints_the_evaluated_periods_before_the_change() {
    let mut alarm = alarm("set-by-hand");
    alarm["NewStateReason"] = "testing purposes".into();
    alarm["Trigger"]["EvaluationPeriods"] = json!(3);
    let changed = DateTime::parse_from_rfc3339("2025-02-02T12:06:35.472Z").unwrap();
    let changed = changed.timestamp_millis();
    assert_spans(window(alarm).await, changed - 3 * MINUTE, changed);
}

#[tokio::test]
async fn an_alarm_set_by_hand_two_minutes_after_the_line_finds_it_and_says_where() {
    let changed = DateTime::parse_from_rfc3339("2025-02-02T12:06:35.472Z").unwrap();
    let changed = changed.timestamp_millis();
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, changed - 130_000, "ERROR the kettle is dry"));
    let mut alarm = alarm("pagetrail-test");
    alarm["NewStateReason"] = "test".into();
    let event = event_from(&aws, &sns(&[alarm])).await;
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(summary.contains("kettle is dry · 1× in 11 min"), "{summary}");
    let searched = &details(&event, "6 searched")[0];
    assert!(searched.contains("2025-02-02 11:56:35 to 12:07:05 UTC"), "{searched}");
    assert!(note(&event).contains("started earlier, at 11:56:35"), "{event:#}");
}

#[tokio::test]
async fn an_alarm_with_datapoints_is_searched_in_their_time_only() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT - 3 * MINUTE, "ERROR of another time"));
    let mut alarm = alarm("too-few");
    alarm["Trigger"]["ComparisonOperator"] = "LessThanThreshold".into();
    let event = event_from(&aws, &sns(&[alarm])).await;
    let calls = aws.calls("FilterLogEvents");
    let searches = calls.iter().filter(|call| call.body.get("filterPattern").is_some());
    assert_eq!(searches.count(), 1);
    assert!(note(&event).contains("no log lines"), "{event:#}");
}

#[tokio::test]
async fn never_past_now() {
    let begun = Utc::now();
    let mut alarm = alarm("just-now");
    alarm["StateChangeTime"] = begun.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    alarm["NewStateReason"] = format!(
        "Threshold Crossed: 1 datapoint [1.0 ({})] was greater than or equal to the threshold (1.0).",
        begun.format("%d/%m/%y %H:%M:%S"),
    )
    .into();
    let (start, end) = window(alarm).await;
    assert!(start <= begun.timestamp_millis(), "{start}");
    assert!(end <= Utc::now().timestamp_millis(), "{end}");
    assert!(end >= begun.timestamp_millis() - 1000, "{end}");
}
