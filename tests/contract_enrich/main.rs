//! The `enrich` stage as built, against stand-ins for all it talks to.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod limits;
mod page_anyway;
mod search;
mod start;
mod states;
mod trail;
mod window;

use serde_json::Value;

use support::alarms::{METRIC, NAMESPACE};
use support::aws::Aws;

const GROUP: &str = "/shop/errors";
const STREAM: &str = "web-1";

/// AWS with one metric filter on [`GROUP`] that feeds the alarms' metric.
async fn aws_with_filter(pattern: &str) -> Aws {
    let aws = Aws::start().await;
    aws.logs(|logs| logs.filter(GROUP, pattern, NAMESPACE, METRIC));
    aws
}

/// The values of the details whose keys begin so, in the order PagerDuty shows them.
fn details(event: &Value, prefix: &str) -> Vec<String> {
    let details = event["payload"]["custom_details"].as_object().expect("details");
    let mut keys: Vec<&String> = details.keys().filter(|key| key.starts_with(prefix)).collect();
    keys.sort();
    keys.iter()
        .map(|key| details[*key].as_str().map_or_else(|| details[*key].to_string(), str::to_owned))
        .collect()
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
    for (key, value) in payload["custom_details"].as_object().expect("details") {
        assert!(!value.is_object() && !value.is_array(), "details are flat: {key}");
    }
    assert!(event.get("routing_key").is_none(), "enrich knows no key");
}
