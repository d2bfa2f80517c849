//! Log alarms: their own query and log groups are the source, wherever those are found.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::contract_enrich::{
    GROUP, STREAM, assert_has_no_note, aws_with_filter, details, event_from, note, searched,
    searched_groups,
};
use crate::support::alarms::{DATAPOINT, METRIC, NAMESPACE, alarm, sns, topic};
use crate::support::aws::{Aws, refusal};
use crate::support::lambda::REGION;

const QUERY: &str = "fields @timestamp, @message | filter @message like /ERROR|FATAL/ | limit 50";
const PATTERN: &str = "?\"ERROR\" ?\"FATAL\"";
const SHOP: &str = "/ecs/shop";

/// Two lines, one of which the query counts.
async fn aws_with_lines() -> Aws {
    let aws = Aws::start().await;
    aws.logs(|logs| {
        logs.line(SHOP, STREAM, DATAPOINT + 1000, "ERROR order 7 lost");
        logs.line(SHOP, STREAM, DATAPOINT + 2000, "Error that the query does not count");
    });
    aws
}

/// The notification of a log alarm without log lines, with this in place of its Trigger.
fn log_alarm(trigger: Option<Value>) -> Value {
    let mut alarm = alarm("log-alarm");
    alarm.as_object_mut().unwrap().remove("Trigger");
    if let Some(trigger) = trigger {
        alarm["Trigger"] = trigger;
    }
    alarm["NewStateReason"] = "Threshold Crossed: 1 out of the last 1 query results \
                               [1.0 (02/02/25 12:05:00)] was greater than the threshold (0.0)."
        .into();
    alarm
}

fn configuration(query: &str, groups: &[&str]) -> Value {
    json!({"QueryString": query, "LogGroupIdentifiers": groups,
        "ScheduleConfiguration": {"ScheduleExpression": "rate(1 minute)"}})
}

#[track_caller]
fn assert_found(aws: &Aws, event: &Value) {
    assert_has_no_note(event);
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("order 7 lost · 1× in 1 min"), "{summary}");
    assert_eq!(searched(aws), [(SHOP.to_owned(), PATTERN.to_owned())]);
    let place = &details(event, "6 searched")[0];
    assert!(place.starts_with(SHOP) && place.ends_with("(log alarm)"), "{place}");
}

#[tokio::test]
async fn a_query_in_the_notification() {
    let arn = format!("arn:aws:logs:{REGION}:449671225256:log-group:{SHOP}:*");
    for (groups, by_event_bridge) in [(SHOP, false), (&*arn, false), (SHOP, true)] {
        let aws = aws_with_lines().await;
        let configuration = configuration(QUERY, &[groups]);
        let payload = if by_event_bridge {
            let state = json!({"value": "ALARM", "reason": log_alarm(None)["NewStateReason"],
                "timestamp": "2025-02-02T12:06:35.472+0000"});
            json!({"source": "aws.cloudwatch",
                "resources": [log_alarm(None)["AlarmArn"]],
                "detail": {"alarmName": "log-alarm", "state": state,
                    "configuration": {"scheduledQueryConfiguration": configuration}}})
        } else {
            sns(&[log_alarm(Some(json!({"ScheduledQueryConfiguration": configuration})))])
        };
        let event = event_from(&aws, &payload).await;
        assert_found(&aws, &event);
        assert_eq!(aws.calls("DescribeAlarms").len(), 0, "the notification says it");
    }
}

#[tokio::test]
async fn a_query_that_the_notification_lacks_is_asked_for() {
    let aws = aws_with_lines().await;
    aws.resources(|it| it.log_alarm("log-alarm", "ALARM", QUERY, &[SHOP]));
    let event = event_from(&aws, &sns(&[log_alarm(None)])).await;
    assert_found(&aws, &event);
    let asked = aws.calls("DescribeAlarms");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body["AlarmNames"], json!(["log-alarm"]));
    let types = json!(["MetricAlarm", "CompositeAlarm", "LogAlarm"]);
    assert_eq!(asked[0].body["AlarmTypes"], types);
}

#[tokio::test]
async fn another_accounts_alarm_of_the_same_name_says_nothing() {
    let aws = aws_with_lines().await;
    aws.resources(|it| it.log_alarm("log-alarm", "ALARM", QUERY, &[SHOP]));
    let mut foreign = log_alarm(None);
    foreign["AlarmArn"] = foreign["AlarmArn"].as_str().unwrap().replace("4496", "1111").into();
    let event = event_from(&aws, &sns(&[foreign])).await;
    assert!(note(&event).contains("does not name a metric"), "{event:#}");
    assert_eq!(searched_groups(&aws), Vec::<String>::new());
}

#[tokio::test]
async fn a_metric_that_the_notification_lacks_is_asked_for() {
    let aws = aws_with_filter("ERROR").await;
    aws.logs(|logs| logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full"));
    aws.resources(|it| it.alarm("shop", "ALARM", (NAMESPACE, METRIC)));
    let mut alarm = alarm("shop");
    alarm.as_object_mut().unwrap().remove("Trigger");
    let event = event_from(&aws, &sns(&[alarm])).await;
    assert_has_no_note(&event);
    assert!(event["payload"]["summary"].as_str().unwrap().contains("disk full"), "{event:#}");
}

#[tokio::test]
async fn what_may_not_be_asked_is_noted() {
    let aws = aws_with_lines().await;
    let words = "not authorized to perform: cloudwatch:DescribeAlarms";
    aws.always("DescribeAlarms", refusal("AccessDenied", words));
    let event = event_from(&aws, &sns(&[log_alarm(None)])).await;
    let note = note(&event);
    assert!(note.contains("the metric or query of log-alarm could not be read"), "{note}");
    assert!(note.contains("cloudwatch:DescribeAlarms"), "{note}");
}

#[tokio::test]
async fn a_query_that_no_pattern_can_say_finds_the_usual_errors() {
    let aws = aws_with_lines().await;
    let trigger = configuration("filter @message like /(?i)err.*/", &[SHOP, "/ecs/gone"]);
    let event = event_from(&aws, &sns(&[log_alarm(Some(trigger))])).await;
    assert_eq!(searched_groups(&aws), ["/ecs/gone", SHOP]);
    assert!(searched(&aws)[0].1.starts_with("?ERROR ?Error"), "{:?}", searched(&aws));
    assert!(event["payload"]["summary"].as_str().unwrap().contains("2×"), "{event:#}");
    assert!(note(&event).contains("/ecs/gone"), "{event:#}");
}

#[tokio::test]
async fn the_users_own_pattern_goes_before_the_query() {
    let aws = aws_with_lines().await;
    aws.resources(|it| it.tag("log-alarm", "pagetrail:pattern", "any: count lost"));
    event_from(&aws, &sns(&[log_alarm(Some(configuration(QUERY, &[SHOP])))])).await;
    assert_eq!(searched(&aws), [(SHOP.to_owned(), "?\"count\" ?\"lost\"".to_owned())]);
}

/// A composite alarm that asks for one of two children, a log alarm and a metric alarm.
fn composite() -> Value {
    let mut alarm = alarm("shop-is-down");
    alarm.as_object_mut().unwrap().remove("Trigger");
    alarm["AlarmRule"] = "AT_LEAST(1, ALARM, (log-alarm, \"shop\"))".into();
    alarm
}

async fn aws_with_children() -> Aws {
    let aws = aws_with_lines().await;
    aws.resources(|it| {
        it.log_alarm("log-alarm", "ALARM", QUERY, &[SHOP]);
        it.alarm("shop", "ALARM", (NAMESPACE, METRIC));
    });
    aws.logs(|logs| {
        logs.filter(GROUP, "ERROR", NAMESPACE, METRIC);
        logs.line(GROUP, STREAM, DATAPOINT, "ERROR disk full");
    });
    aws
}

#[tokio::test]
async fn the_child_of_a_composite_alarm() {
    let aws = aws_with_children().await;
    let event = event_from(&aws, &sns(&[composite()])).await;
    assert_has_no_note(&event);
    assert_eq!(aws.calls("DescribeAlarms")[0].body["AlarmNames"], json!(["log-alarm", "shop"]));
    let errors = details(&event, "1 errors");
    let of = |child: &str| errors.iter().find(|it| it.contains(child)).expect("its error");
    assert!(of("· log-alarm").contains("order 7 lost"), "{errors:#?}");
    assert!(of("· shop").contains("disk full"), "{errors:#?}");
}

#[tokio::test]
async fn a_region_that_knows_no_log_alarms_still_tells_of_the_others() {
    let aws = aws_with_children().await;
    aws.resources(|it| it.without_log_alarms = true);
    let event = event_from(&aws, &sns(&[composite()])).await;
    assert_has_no_note(&event);
    assert_eq!(searched_groups(&aws), [GROUP]);
    let asked: Vec<Value> =
        aws.calls("DescribeAlarms").iter().map(|call| call.body["AlarmTypes"].clone()).collect();
    let without = json!(["MetricAlarm", "CompositeAlarm"]);
    assert_eq!(asked, [json!(["MetricAlarm", "CompositeAlarm", "LogAlarm"]), without]);
}

/// What a command of the CLI prints that asks this AWS.
async fn printed(aws: &Aws, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_pagetrail"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_ENDPOINT_URL", aws.url())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn coverage_and_preview_know_them_too() {
    let aws = aws_with_lines().await;
    aws.resources(|it| it.log_alarm("log-alarm", "ALARM", QUERY, &[SHOP]));
    let coverage = printed(&aws, &["coverage", "--topic", &topic(REGION)]).await;
    let row = coverage.lines().find(|line| line.starts_with("log-alarm")).expect("its row");
    assert!(row.contains(SHOP) && row.contains("by log alarm"), "{coverage}");
    let at = "2025-02-02T12:06:00Z";
    let preview = printed(&aws, &["preview", "--alarm", "log-alarm", "--at", at]).await;
    assert!(preview.starts_with("order 7 lost"), "{preview}");
    for call in aws.calls("DescribeAlarms") {
        let types = json!(["MetricAlarm", "CompositeAlarm", "LogAlarm"]);
        assert_eq!(call.body["AlarmTypes"], types, "{call:?}");
    }
}

#[tokio::test]
async fn what_a_query_looks_for_is_searched_and_does_not_leave() {
    let aws = aws_with_lines().await;
    let query = "fields @message | filter @message like \"jo@example.com\"";
    let configuration = configuration(query, &[SHOP]);
    let alarm = log_alarm(Some(json!({"ScheduledQueryConfiguration": configuration})));
    let event = event_from(&aws, &sns(&[alarm])).await;
    let asked = searched(&aws);
    assert!(asked.iter().any(|(_, it)| it.contains("jo@example.com")), "{asked:?}");
    assert!(!event.to_string().contains("jo@example.com"), "{event:#}");
    assert!(details(&event, "6 searched")[0].contains("[redacted: email]"), "{event:#}");
}
