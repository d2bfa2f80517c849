//! The metrics, one row each. All that counts or shows metrics goes through these rows: the
//! log lines, the tally, the status page with its JSON, Prometheus' text, and the table in
//! docs/delivery.md.

use Unit::{Count, Milliseconds};

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub metric: Metric,
    /// Its name in CloudWatch, where it is known there.
    pub cloudwatch: Option<&'static str>,
    pub unit: Unit,
    /// How a server counts it, where it does.
    pub counter: Option<Counter>,
    /// What it counts, in a sentence.
    pub help: &'static str,
}

/// What a value says, named as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
}

/// A sum of all values since a server's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The field in the status' JSON.
    pub field: &'static str,
    /// The name in Prometheus' text, without the prefix `pagetrail_`.
    pub prometheus: &'static str,
    /// What the status page writes behind the number.
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

/// Whether the metric is in CloudWatch, where its name is its own here, and its counter.
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
        "Triggers that carry log lines.";
    WithoutEvidence: Count, CLOUDWATCH,
        "Triggers that carry none.";
    Resolved: Count, CLOUDWATCH,
        "Resolves that enrich queued.";
    EnrichFailed: Count, CLOUDWATCH,
        "Alarms that enrich failed on, and that page without evidence.";
    Accepted: Count, CLOUDWATCH,
        "Events that the gateway took in.";
    Delivered: Count, both("delivered", "events_delivered_total", "delivered"),
        "Events that PagerDuty took.";
    Attempts: Count, CLOUDWATCH,
        "Attempts that the delivered events took.";
    TimeToAccepted: Milliseconds, CLOUDWATCH,
        "Time from the alarm's change of state until PagerDuty took the event.";
    Postponed: Count, both("postponed", "attempts_postponed_total", "attempts postponed"),
        "Attempts that are made again.";
    RateLimited: Count, both("rate_limited", "attempts_rate_limited_total", "of them by PagerDuty's rate limit"),
        "Attempts that PagerDuty refused because of its rate limit.";
    Rejected: Count, both("rejected", "events_rejected_total", "rejected"),
        "Events put aside: refused for good, or too old.";
    RequestsRefused: Count, both("requests_refused", "requests_refused_total", "requests refused"),
        "Requests that the gateway did not take.";
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
