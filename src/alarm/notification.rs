//! Reads a state change as CloudWatch publishes it to SNS: upper-case keys, a `Trigger`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::datapoints::breaching;
use super::fields::{items, pairs, plausible, text, text_of, time, under, under_key};
use super::query::metric_of;
use super::{
    Alarm, CarriedLine, Composite, Contributor, DEFAULT_PERIOD, Evaluation, Metric, State,
    log_query,
};
use crate::aws::{Origin, is_account};
use crate::hash::sha256_hex;

/// A log alarm's notification has at most 50 log lines (CloudWatch documentation).
const MOST_CARRIED: usize = 50;

/// Reads a message; None if the marker fields `AlarmName` and `NewStateValue` are missing. Any
/// other field can be missing or malformed.
pub(super) fn read(message: &Value, fallback: &Origin) -> Option<Alarm> {
    let name = text(message, "AlarmName")?;
    let state = State::parse(message["NewStateValue"].as_str()?)?;
    let arn = text(message, "AlarmArn").filter(|arn| arn.starts_with("arn:"));
    let origin = arn.as_deref().and_then(Origin::from_arn).unwrap_or_else(|| {
        let mut origin = fallback.clone();
        if let Some(account) = text(message, "AWSAccountId").filter(|it| is_account(it)) {
            origin.account = account;
        }
        origin
    });
    let reason = text(message, "NewStateReason").unwrap_or_default();
    let changed = text(message, "StateChangeTime");
    let changed_at = changed.as_deref().and_then(time);
    let trigger = &message["Trigger"];
    let contributor = contributor(message);
    let log_query = log_query::read(message);
    let covers = log_query.as_ref().and_then(|query| query.covers);
    Some(Alarm {
        name,
        description: text(message, "AlarmDescription"),
        arn,
        origin,
        state,
        datapoints: breaching(&reason),
        reason,
        changed_at,
        metrics: metrics(trigger, contributor.as_ref()),
        label: expression(items(trigger, "Metrics"), ["Expression", "Label", "ReturnData"]),
        sums_up: false,
        carried: carried(message),
        log_query,
        evaluation: Evaluation {
            period: period(trigger).or(covers).unwrap_or(DEFAULT_PERIOD),
            periods: trigger["EvaluationPeriods"]
                .as_u64()
                .or_else(|| trigger["QueryResultsToEvaluate"].as_u64())
                .and_then(|periods| u32::try_from(periods).ok())
                .unwrap_or(1),
            comparison: text(trigger, "ComparisonOperator"),
            threshold: trigger["Threshold"].as_f64(),
        },
        contributor,
        composite: composite(message),
        tags: under(message, "tags")
            .into_iter()
            .map(pairs)
            .find(|it| !it.is_empty())
            .unwrap_or_default(),
        suppressed_by: text(message, "ActionsSuppressedBy"),
        change: change(changed_at, changed, message),
    })
}

/// The label of the expression that is compared with the threshold, or the expression. None if a
/// plain metric or a query is compared.
pub(super) fn expression<'a>(
    inputs: impl Iterator<Item = &'a Value>,
    [expression, label, returned]: [&str; 3],
) -> Option<String> {
    let inputs: Vec<&Value> = inputs.collect();
    let is_math = |input: &&&Value| {
        input[expression].as_str().is_some_and(|text| {
            let text = text.trim_start().to_ascii_uppercase();
            !text.starts_with("SELECT") && !text.starts_with("ANOMALY_DETECTION_BAND")
        })
    };
    let chosen = inputs.iter().find(|input| input[returned] == true);
    let chosen = chosen.or_else(|| inputs.iter().find(is_math)).filter(is_math)?;
    text(chosen, label).or_else(|| text(chosen, expression))
}

/// What distinguishes the state changes of one alarm: the time, which is the same in every form of
/// the notification. Without a time, the whole message.
pub(super) fn change(at: Option<DateTime<Utc>>, text: Option<String>, message: &Value) -> String {
    match at {
        Some(at) => at.timestamp_millis().to_string(),
        None => text.unwrap_or_else(|| message.to_string()),
    }
}

fn metrics(trigger: &Value, contributor: Option<&Contributor>) -> Vec<Metric> {
    let of = |metric: &Value, account: Option<String>| {
        Some(Metric {
            namespace: text(metric, "Namespace")?,
            name: text(metric, "MetricName")?,
            dimensions: pairs(&metric["Dimensions"]),
            account,
        })
    };
    let inputs = items(trigger, "Metrics").filter_map(|input| {
        of(&input["MetricStat"]["Metric"], text(input, "AccountId"))
            .or_else(|| metric_of(input["Expression"].as_str()?, contributor))
    });
    let mut metrics: Vec<Metric> = of(trigger, None).into_iter().chain(inputs).collect();
    metrics.sort();
    metrics.dedup();
    metrics
}

fn period(trigger: &Value) -> Option<Duration> {
    items(trigger, "Metrics")
        .filter_map(|input| input["MetricStat"]["Period"].as_u64().or(input["Period"].as_u64()))
        .chain(trigger["Period"].as_u64())
        .filter(|seconds| *seconds > 0)
        .max()
        .map(Duration::from_secs)
}

/// The key's name in SNS messages is not documented. Any key that contains `Contributor` counts;
/// its value can be an id, or an object with an id and attributes.
fn contributor(message: &Value) -> Option<Contributor> {
    let found = under(message, "contributor");
    let attributes = found
        .iter()
        .flat_map(|value| under(value, "attributes").into_iter().chain([*value]))
        .map(pairs)
        .find(|attributes| !attributes.is_empty())
        .unwrap_or_default();
    // A key that names the id comes first: an attribute can be called `id` too.
    let named = under_key(message, &|key| key.contains("contributor") && key.contains("id"));
    let named = named.into_iter().find_map(Value::as_str).map(str::to_owned);
    let objects =
        under_key(message, &|key| key.contains("contributor") && !key.contains("attribute"));
    let id = named.or_else(|| {
        objects.iter().find_map(|value| {
            let named = text_of(value, &["id", "Id", "ContributorId", "contributorId"]);
            named.or_else(|| value.as_str().map(str::to_owned))
        })
    });
    let id = match id {
        Some(id) => id,
        None if attributes.is_empty() => return None,
        None => attributes_id(&attributes)?,
    };
    Some(Contributor { id, attributes })
}

/// An id for a contributor that has none. It is the same for ALARM and OK because attributes are
/// ordered, and hashed because values can contain sensitive data.
pub(super) fn attributes_id(attributes: &BTreeMap<String, String>) -> Option<String> {
    Some(sha256_hex(&[&serde_json::to_string(attributes).ok()?]))
}

fn composite(message: &Value) -> Option<Composite> {
    let rule = text(message, "AlarmRule");
    let triggering: Vec<String> = items(message, "TriggeringChildren")
        .filter_map(|child| text_of(child, &["Arn", "AlarmArn", "arn"]))
        .collect();
    (rule.is_some() || !triggering.is_empty()).then_some(Composite { rule, triggering })
}

/// The lines in a log alarm's notification. The field's name and form are not documented. A list
/// of texts, or of objects with a message, counts if its key is of lines of a log: `LogEvents`,
/// `logLines`, `AlarmLogRecords`; `Catalog` and `LogTypes` are none.
pub(super) fn carried(message: &Value) -> Vec<CarriedLine> {
    const LINES: [&str; 9] = [
        "logs",
        "logevents",
        "loglines",
        "logrecords",
        "logentries",
        "logmessages",
        "logresults",
        "logsamples",
        "logdata",
    ];
    let is_lines = |key: &str| {
        LINES.iter().any(|lines| {
            key.strip_suffix(lines).is_some_and(|before| {
                ["", "alarm", "matching", "matched", "sample", "contributor", "recent", "query"]
                    .contains(&before)
            })
        })
    };
    let lists = under_key(message, &is_lines).into_iter().filter_map(Value::as_array);
    lists.flatten().filter_map(carried_line).take(MOST_CARRIED).collect()
}

fn carried_line(line: &Value) -> Option<CarriedLine> {
    if let Some(text) = line.as_str() {
        let text = text.to_owned();
        return Some(CarriedLine { at: None, log_group: None, stream: None, text });
    }
    let field = |names: &[&str]| text_of(line, names);
    let at = ["timestamp", "Timestamp", "@timestamp"].iter().find_map(|name| match &line[name] {
        Value::Number(millis) => {
            DateTime::from_timestamp_millis(millis.as_i64()?).and_then(plausible)
        }
        Value::String(text) => time(text),
        _ => None,
    });
    let log_group = field(&["logGroup", "LogGroup", "logGroupName", "LogGroupName", "@log"]);
    Some(CarriedLine {
        at,
        log_group: log_group.map(|group| match group.split_once(':') {
            // Logs Insights puts the account's number before the name.
            Some((account, name)) if is_account(account) => name.to_owned(),
            _ => group,
        }),
        stream: field(&["logStream", "LogStream", "logStreamName", "LogStreamName", "@logStream"]),
        text: field(&["message", "Message", "@message"])?,
    })
}
