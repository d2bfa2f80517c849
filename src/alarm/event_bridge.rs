//! Reads a state change as EventBridge and direct alarm actions write it: lower-case keys, `state`
//! and `configuration`.

use std::time::Duration;

use serde_json::Value;

use super::datapoints::{breaching, evaluated};
use super::fields::{items, pairs, text, text_of, time, under};
use super::notification::{attributes_id, carried, change, expression};
use super::query::metric_of;
use super::{Alarm, Composite, Contributor, DEFAULT_PERIOD, Evaluation, Metric, State, log_query};
use crate::aws::{Origin, home, is_account, is_region};

/// Reads an event; None if the markers are missing: `alarmData` (direct action) or `detail`
/// (EventBridge), and in it `alarmName` and the value of `state`. Other fields can be missing or
/// malformed.
pub(super) fn read(event: &Value, fallback: &Origin) -> Option<Alarm> {
    let detail = event.get("alarmData").or_else(|| event.get("detail"))?;
    let name = text(detail, "alarmName")?;
    let now = &detail["state"];
    let state = State::parse(now["value"].as_str()?)?;
    // EventBridge also reports changed configurations, which are not state changes.
    if detail.get("operation").is_some() {
        return None;
    }
    let arn = text(event, "alarmArn").or_else(|| event["resources"][0].as_str().map(str::to_owned));
    let arn = arn.as_deref().map(tidied).filter(|arn| arn.starts_with("arn:"));
    let origin = arn.as_deref().and_then(Origin::from_arn).unwrap_or_else(|| {
        let mut origin = fallback.clone();
        if let Some(region) = text(event, "region").filter(|it| is_region(it)) {
            origin = home(&region, &origin.account);
        }
        if let Some(account) = text_of(event, &["accountId", "account"]).filter(|it| is_account(it))
        {
            origin.account = account;
        }
        origin
    });
    let reason = text(now, "reason").unwrap_or_default();
    let data: Value = now["reasonData"]
        .as_str()
        .and_then(|data| serde_json::from_str(data).ok())
        .unwrap_or_default();
    let mut datapoints = breaching(&reason);
    // A reason names at most five datapoints; the data can have all.
    let all = evaluated(&data);
    let breached = |value: f64| {
        data["threshold"].as_f64().is_some_and(|it| {
            let comparison =
                text(&detail["configuration"], "comparisonOperator").unwrap_or_default();
            if comparison.contains("Less") { value <= it } else { value >= it }
        })
    };
    let more = all.len() > datapoints.len() && all.iter().all(|it| breached(it.value));
    if datapoints.is_empty() || more {
        datapoints = all;
    }
    let changed = text(now, "timestamp").or_else(|| text(event, "time"));
    let changed_at = changed.as_deref().and_then(|text| time(&text.replace(": ", ":")));
    let configuration = &detail["configuration"];
    let contributor = contributor(detail);
    let log_query = log_query::read(detail);
    let covers = log_query.as_ref().and_then(|query| query.covers);
    Some(Alarm {
        name,
        description: text(configuration, "description"),
        arn,
        origin,
        state,
        changed_at,
        metrics: metrics(configuration, contributor.as_ref()),
        label: expression(items(configuration, "metrics"), ["expression", "label", "returnData"]),
        sums_up: contributor.is_none() && event.get("detail").is_some() && sums_up(&reason),
        carried: carried(detail),
        log_query,
        evaluation: Evaluation {
            period: period(configuration, &data).or(covers).unwrap_or(DEFAULT_PERIOD),
            periods: evaluated_periods(configuration, &data),
            comparison: text(configuration, "comparisonOperator"),
            threshold: data["threshold"].as_f64().or(configuration["threshold"].as_f64()),
        },
        datapoints,
        reason,
        contributor,
        composite: composite(configuration, &data),
        tags: under(detail, "tags")
            .into_iter()
            .map(pairs)
            .find(|it| !it.is_empty())
            .unwrap_or_default(),
        suppressed_by: text(now, "actionsSuppressedBy")
            .or_else(|| text(&detail["muteDetail"], "mutedByArn")),
        change: change(changed_at, changed, event),
    })
}

/// `1 out of 2 time series evaluated to ALARM`: EventBridge reports the alarm beside each of its
/// contributors.
fn sums_up(reason: &str) -> bool {
    let Some((numbers, rest)) = reason.split_once(" time series evaluated to ") else {
        return false;
    };
    let mut numbers = numbers.split(" out of ");
    let number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    numbers.next().is_some_and(number)
        && numbers.next().is_some_and(number)
        && State::parse(rest.trim_end_matches('.')).is_some()
}

/// An ARN without the stray spaces that published samples have between its fields. The alarm's
/// name after `alarm:` stays as it is: it can contain `: `.
fn tidied(arn: &str) -> String {
    let mut fields: Vec<&str> = arn.splitn(7, ':').collect();
    fields.iter_mut().take(6).for_each(|field| *field = field.trim());
    fields.join(":")
}

fn metrics(configuration: &Value, contributor: Option<&Contributor>) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = items(configuration, "metrics")
        .filter_map(|input| {
            let metric = &input["metricStat"]["metric"];
            let plain = || {
                Some(Metric {
                    namespace: text(metric, "namespace")?,
                    name: text(metric, "name")?,
                    dimensions: pairs(&metric["dimensions"]),
                    account: text(input, "accountId"),
                })
            };
            plain().or_else(|| metric_of(input["expression"].as_str()?, contributor))
        })
        .collect();
    metrics.sort();
    metrics.dedup();
    metrics
}

fn period(configuration: &Value, data: &Value) -> Option<Duration> {
    items(configuration, "metrics")
        .filter_map(|input| input["metricStat"]["period"].as_u64().or(input["period"].as_u64()))
        .chain(data["period"].as_u64())
        .filter(|seconds| *seconds > 0)
        .max()
        .map(Duration::from_secs)
}

fn evaluated_periods(configuration: &Value, data: &Value) -> u32 {
    let configured = configuration["evaluationPeriods"]
        .as_u64()
        .or_else(|| configuration["queryResultsToEvaluate"].as_u64());
    let seen = data["evaluatedDatapoints"].as_array().or(data["recentDatapoints"].as_array());
    let periods = configured.or(seen.and_then(|datapoints| u64::try_from(datapoints.len()).ok()));
    periods.and_then(|periods| u32::try_from(periods).ok()).unwrap_or(1).max(1)
}

fn contributor(detail: &Value) -> Option<Contributor> {
    let contributor = &detail["alarmContributor"];
    let attributes = pairs(&contributor["attributes"]);
    let id = text(contributor, "id")
        .or_else(|| (!attributes.is_empty()).then(|| attributes_id(&attributes)).flatten())?;
    Some(Contributor { id, attributes })
}

fn composite(configuration: &Value, data: &Value) -> Option<Composite> {
    let rule = text(configuration, "alarmRule");
    let triggering: Vec<String> =
        items(data, "triggeringAlarms").filter_map(|child| text(child, "arn")).collect();
    (rule.is_some() || !triggering.is_empty()).then_some(Composite { rule, triggering })
}
