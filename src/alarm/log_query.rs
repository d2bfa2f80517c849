//! A log alarm's own query: the log groups that it reads, and what it searches for.

use std::time::Duration;

use serde_json::Value;

use super::fields::{items, text_of, under_key};
use super::insights;

/// What a log alarm counts: the `ScheduledQueryConfiguration` of CloudWatch's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// The query, in the language of Logs Insights as a rule.
    pub text: String,
    /// Names, or ARNs.
    pub log_groups: Vec<String>,
    /// How much time one run of it covers, if known.
    pub covers: Option<Duration>,
}

impl LogQuery {
    /// The query's filters as a filter pattern; None if no pattern can express them.
    #[must_use]
    pub fn pattern(&self) -> Option<String> {
        insights::pattern(&self.text)
    }
}

/// Reads a notification. The place of the configuration is not documented: it is searched under
/// its own name and in the alarm's configuration, in both spellings.
pub(super) fn read(message: &Value) -> Option<LogQuery> {
    let named = under_key(message, &|key| key == "scheduledqueryconfiguration");
    let watched = [&message["Trigger"], &message["configuration"]];
    named.into_iter().chain(watched).find_map(|configuration| {
        let groups = ["LogGroupIdentifiers", "logGroupIdentifiers"];
        let groups = groups.iter().flat_map(|key| items(configuration, key));
        let log_groups: Vec<String> = groups.filter_map(Value::as_str).map(str::to_owned).collect();
        let schedule = ["ScheduleConfiguration", "scheduleConfiguration"];
        let schedule = schedule.iter().find_map(|key| configuration.get(key));
        let schedule = schedule.unwrap_or(configuration);
        let from = &schedule["StartTimeOffset"];
        let from = from.as_u64().or_else(|| schedule["startTimeOffset"].as_u64());
        let expression = text_of(schedule, &["ScheduleExpression", "scheduleExpression"]);
        (!log_groups.is_empty()).then(|| LogQuery {
            text: text_of(configuration, &["QueryString", "queryString"]).unwrap_or_default(),
            log_groups,
            covers: covers(from, expression.as_deref()),
        })
    })
}

/// The time that one run covers: the given number of seconds, else the time since the last run.
#[must_use]
pub fn covers(start_time_offset: Option<u64>, schedule: Option<&str>) -> Option<Duration> {
    let seconds = start_time_offset.or_else(|| rate(schedule?));
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// The seconds in `rate(5 minutes)`.
fn rate(expression: &str) -> Option<u64> {
    let rate = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = rate.trim().split_once(' ')?;
    let unit = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wherever_the_configuration_stands() {
        let upper = json!({
            "QueryString": "filter @message like /ERROR/", "LogGroupIdentifiers": ["/ecs/shop"],
            "ScheduleConfiguration": {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 360},
        });
        let lower = json!({
            "queryString": "filter @message like /ERROR/", "logGroupIdentifiers": ["/ecs/shop", 7],
            "scheduleConfiguration": {"scheduleExpression": "rate(6 minutes)"},
        });
        for message in [
            json!({"ScheduledQueryConfiguration": upper}),
            json!({"Trigger": {"ScheduledQueryConfiguration": upper}}),
            json!({"Trigger": upper}),
            json!({"configuration": {"scheduledQueryConfiguration": lower}}),
            json!({"configuration": lower}),
        ] {
            let query = read(&message).unwrap_or_else(|| panic!("{message}"));
            assert_eq!(query.log_groups, ["/ecs/shop"], "{message}");
            assert_eq!(query.pattern().as_deref(), Some("\"ERROR\""), "{message}");
            assert_eq!(query.covers, Some(Duration::from_mins(6)), "{message}");
        }
    }

    #[test]
    fn other_alarms_have_none() {
        for message in [
            json!({}),
            json!({"Trigger": "x", "configuration": []}),
            json!({"Trigger": {"LogGroupIdentifiers": []}}),
            json!({"ScheduledQueryConfiguration": {"QueryString": "x"}}),
        ] {
            assert_eq!(read(&message), None, "{message}");
        }
    }

    #[test]
    fn the_time_that_a_run_covers() {
        for (offset, schedule, expected) in [
            (Some(600), Some("rate(1 minute)"), Some(600)),
            (None, Some("rate(1 minute)"), Some(60)),
            (None, Some(" rate( 2 hours ) "), Some(7_200)),
            (Some(0), None, None),
            (None, Some("rate(18446744073709551615 days)"), None),
            (None, Some("cron(0 * * * ? *)"), None),
            (None, None, None),
        ] {
            assert_eq!(covers(offset, schedule), expected.map(Duration::from_secs));
        }
    }
}
