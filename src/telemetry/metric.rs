//! The metrics, one row each. Everything that counts or shows metrics uses these rows: the log
//! lines, the tally, the status page and its JSON, the text for Prometheus, and the table in
//! docs/delivery.md.

use Unit::{Count, Milliseconds};

/// The description of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub metric: Metric,
    /// Its name in CloudWatch, if it is sent there.
    pub cloudwatch: Option<&'static str>,
    pub unit: Unit,
    /// How a server counts it, if it does.
    pub counter: Option<Counter>,
    /// What it counts, in a sentence.
    pub help: &'static str,
}

/// The unit of a value, with CloudWatch's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
}

/// A sum of all values since a server's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The field in the status JSON.
    pub field: &'static str,
    /// The name in the text for Prometheus, without the prefix `pagetrail_`.
    pub prometheus: &'static str,
    /// The text after the number on the status page.
    pub words: &'static str,
}

impl Unit {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// Whether the metric is sent to CloudWatch (under the same name as here), and its counter.
type Places = (bool, Option<Counter>);

const CLOUDWATCH: Places = (true, None);

const fn server(field: &'static str, prometheus: &'static str, words: &'static str) -> Places {
    (false, Some(Counter { field, prometheus, words }))
}

const fn both(field: &'static str, prometheus: &'static str, words: &'static str) -> Places {
    (true, server(field, prometheus, words).1)
}

macro_rules! metrics {
    ($($metric:ident: $unit:expr, $places:expr, $help:literal;)*) => {
        /// A metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric { $(#[doc = $help] $metric,)* }

        /// All metrics, in the order in which they are shown.
        pub static METRICS: [Row; [$(Metric::$metric),*].len()] = [$({
            let (in_cloudwatch, counter) = $places;
            let cloudwatch = if in_cloudwatch { Some(stringify!($metric)) } else { None };
            Row { metric: Metric::$metric, cloudwatch, unit: $unit, counter, help: $help }
        },)*];
    };
}

metrics! {
    TakenIn: Count, server("accepted", "events_accepted_total", "accepted"),
        "Events taken in.";
    Triggered: Count, CLOUDWATCH,
        "Triggers that enrich composed from an alarm, and queued.";
    WithEvidence: Count, CLOUDWATCH,
        "Triggers with log lines.";
    WithoutEvidence: Count, CLOUDWATCH,
        "Triggers without log lines.";
    Resolved: Count, CLOUDWATCH,
        "Resolves that enrich queued.";
    EnrichFailed: Count, CLOUDWATCH,
        "Alarms that enrich failed on, and that page without evidence.";
    Accepted: Count, CLOUDWATCH,
        "Events that the gateway accepted.";
    Delivered: Count, both("delivered", "events_delivered_total", "delivered"),
        "Events that PagerDuty accepted.";
    Attempts: Count, CLOUDWATCH,
        "Attempts that the delivered events took.";
    TimeToAccepted: Milliseconds, CLOUDWATCH,
        "Time from the alarm's change of state until PagerDuty accepted the event.";
    Postponed: Count, both("postponed", "attempts_postponed_total", "attempts postponed"),
        "Attempts that failed and are made again later.";
    RateLimited: Count, both("rate_limited", "attempts_rate_limited_total", "of them by PagerDuty's rate limit"),
        "Attempts that PagerDuty refused because of its rate limit.";
    Rejected: Count, both("rejected", "events_rejected_total", "rejected"),
        "Events that PagerDuty refused for good, or that became too old.";
    RequestsRefused: Count, both("requests_refused", "requests_refused_total", "requests refused"),
        "Requests that the gateway refused.";
    KeyRefused: Count, both("keys_refused", "keys_refused_total", "keys refused"),
        "Times PagerDuty refused a routing key.";
    HealthCheckFailed: Count, both("health_checks_failed", "health_checks_failed_total", "health checks failed"),
        "Daily health checks that found a fault.";
}

impl Metric {
    #[must_use]
    pub fn row(self) -> &'static Row {
        &METRICS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let all = |name: fn(&Row) -> Option<&'static str>| {
            let names: Vec<_> = METRICS.iter().filter_map(name).collect();
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "{names:?}");
        };
        all(|row| row.cloudwatch);
        all(|row| row.counter.map(|it| it.field));
        all(|row| row.counter.map(|it| it.prometheus));
        for (index, row) in METRICS.iter().enumerate() {
            assert_eq!((row.metric as usize, row.metric.row()), (index, row));
        }
    }

    #[test]
    fn the_documents_list_them() {
        let name = |name: Option<String>| name.map_or("–".to_owned(), |name| format!("`{name}`"));
        let rows = METRICS.iter().map(|row| {
            let server = row.counter.map(|it| format!("pagetrail_{}", it.prometheus));
            let (cloudwatch, server) = (name(row.cloudwatch.map(str::to_owned)), name(server));
            format!("| {cloudwatch} | {server} | {} | {} |\n", row.unit.name(), row.help)
        });
        let table = rows.collect::<String>();
        let documents = include_str!("../../docs/delivery.md");
        let (_, after) = documents.split_once("| CloudWatch | server | unit | what |\n").unwrap();
        let (listed, _) =
            after.split_once("|---|---|---|---|\n").unwrap().1.split_once("\n\n").unwrap();
        assert!(format!("{listed}\n") == table, "docs/delivery.md must have this:\n{table}");
    }
}
