//! The `enrich` stage as built, against stand-ins for all it talks to.

mod composite;
mod context;
mod deadline;
mod deployments;
mod forms;
mod kinds;
mod limits;
mod log_alarms;
mod page_anyway;
mod redaction;
mod search;
mod sources;
mod start;
mod states;
mod tags;
mod trail;
mod window;

use serde_json::{Value, json};

use crate::support::alarms::{METRIC, NAMESPACE};
use crate::support::aws::Aws;
use crate::support::queue_items::assert_rows;

const GROUP: &str = "/shop/errors";
const STREAM: &str = "web-1";

/// AWS with one metric filter on [`GROUP`] that feeds the alarms' metric.
async fn aws_with_filter(pattern: &str) -> Aws {
    let aws = Aws::start().await;
    aws.logs(|logs| logs.filter(GROUP, pattern, NAMESPACE, METRIC));
    aws
}

/// Invokes with the event of one alarm, and returns the only event that is queued.
async fn event_from(aws: &Aws, payload: &Value) -> Value {
    let enrich = aws.enrich().start().await;
    enrich.invoke(payload).await.response();
    let event = aws.only_event();
    assert_valid_trigger(&event);
    event
}

/// An alarm on a metric with these dimensions.
fn alarm_on(name: &str, namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Value {
    let mut alarm = crate::support::alarms::alarm(name);
    let pair = |(name, value): &(&str, &str)| json!({"name": name, "value": value});
    alarm["Trigger"]["Namespace"] = namespace.into();
    alarm["Trigger"]["MetricName"] = metric.into();
    alarm["Trigger"]["Dimensions"] = dimensions.iter().map(pair).collect();
    alarm
}

/// The log groups searched as wholes, by name or ARN, with their patterns, each once.
fn searched(aws: &Aws) -> Vec<(String, String)> {
    let mut searched: Vec<(String, String)> = aws
        .calls("FilterLogEvents")
        .iter()
        .filter(|call| call.body.get("logStreamNames").is_none())
        .map(|call| {
            let body = &call.body;
            let named = body["logGroupName"].as_str().or(body["logGroupIdentifier"].as_str());
            let pattern = body["filterPattern"].as_str().unwrap_or_default();
            (named.expect("a log group").to_owned(), pattern.to_owned())
        })
        .collect();
    searched.sort();
    searched.dedup();
    searched
}

/// Only their log groups.
fn searched_groups(aws: &Aws) -> Vec<String> {
    let mut groups: Vec<String> = searched(aws).into_iter().map(|(group, _)| group).collect();
    groups.dedup();
    groups
}

/// The rows of the lists whose keys begin so, in the order PagerDuty shows them.
fn details(event: &Value, prefix: &str) -> Vec<String> {
    let details = event["payload"]["custom_details"].as_object().expect("details");
    let mut keys: Vec<&String> = details.keys().filter(|key| key.starts_with(prefix)).collect();
    keys.sort();
    let rows = keys.into_iter().flat_map(|key| details[key].as_array().expect("a list"));
    rows.map(|row| row.as_str().expect("a text").to_owned()).collect()
}

/// The lines of the first trail, without its first row, which says where they are from.
fn trail(event: &Value) -> Vec<String> {
    details(event, "3 trail 1").into_iter().skip(1).collect()
}

/// What the event says of the alarm.
fn of_alarm<'e>(event: &'e Value, name: &str) -> &'e str {
    event["payload"]["custom_details"]["5 alarm"][name].as_str().unwrap_or_default()
}

/// All lines that are shown, those of trails and those beside them, in one text.
fn shown(event: &Value) -> String {
    [details(event, "3 "), details(event, "4 lines")].concat().join("\n")
}

/// The notes of what is missing, in one text.
#[track_caller]
fn note(event: &Value) -> String {
    let notes = details(event, "0 note");
    assert!(!notes.is_empty(), "the event notes what is missing: {event:#}");
    notes.join("\n")
}

#[track_caller]
fn assert_has_no_note(event: &Value) {
    assert_eq!(details(event, "0 note"), Vec::<String>::new());
}

/// What PagerDuty asks of every trigger.
#[track_caller]
fn assert_valid_trigger(event: &Value) {
    assert_eq!(event["event_action"], "trigger", "{event:#}");
    let key = event["dedup_key"].as_str().expect("a dedup key");
    assert!((1..=255).contains(&key.chars().count()), "{key}");
    let payload = &event["payload"];
    let summary = payload["summary"].as_str().expect("a summary");
    assert!((1..=1024).contains(&summary.chars().count()), "{summary}");
    assert!(!summary.contains(['\n', '\r']), "a title is one line: {summary:?}");
    assert!(payload["source"].as_str().is_some_and(|source| !source.is_empty()), "{event:#}");
    let severities = ["critical", "error", "warning", "info"];
    assert!(severities.contains(&payload["severity"].as_str().unwrap_or("")), "{event:#}");
    assert_rows(payload["custom_details"].as_object().expect("details"));
    assert!(event.get("routing_key").is_none(), "enrich knows no key");
}
