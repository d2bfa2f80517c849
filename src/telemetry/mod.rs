//! Logs and metrics: one JSON object a line on standard output. In Lambda, which hands it to
//! CloudWatch Logs, a line that carries metrics has them in the embedded metric format; a
//! server counts them in a [`Tally`].

mod tally;

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
pub use tally::{Counts, MINUTES, Minute, Refusal, Tally};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The metrics' namespace in CloudWatch.
pub const NAMESPACE: &str = "Pagetrail";

/// Where the metrics go, set once at start.
static METRICS: OnceLock<Metrics> = OnceLock::new();

/// Where the metrics go.
#[derive(Debug, Clone)]
pub enum Metrics {
    /// Into the log lines, in the embedded metric format. The stack is their only dimension,
    /// so that each metric is billed once.
    Embedded { stack: String },
    /// Into memory.
    Counted(Arc<Tally>),
}

/// Starts logging at the named level (`error`, `warn`, `info`, `debug`, `trace`;
/// anything else means `info`). Only this crate's own lines: libraries may log
/// payloads, and a payload may hold what must not be seen.
pub fn start(level: Option<&str>, metrics: Metrics) {
    let _ = METRICS.set(metrics);
    let level = level.and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let own = Targets::new().with_target("pagetrail", level);
    // A panic's message may quote the text it stumbled over.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
    // A second start would only mean that logging is on already.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}

/// What happened to one event: a log line that tells its story by its dedup key, and
/// the metrics that are counted from it. None of it holds a key or a log line.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal<'a> {
    /// Enrich handed a trigger to the queue.
    Triggered { dedup_key: &'a str, lines: usize, kinds: usize, notes: usize },
    /// Enrich handed a resolve to the queue.
    Resolved { dedup_key: &'a str },
    /// Enrich failed for good, and the alarm pages bare.
    Bare { dedup_key: &'a str },
    /// The gateway took an event in.
    Accepted { dedup_key: &'a str, endpoint: &'a str },
    /// The gateway did not take a request.
    RequestRefused { status: u16, why: &'a str, peer: &'a str },
    /// PagerDuty accepted an event.
    Delivered { dedup_key: &'a str, action: &'a str, attempts: u32, since: Option<DateTime<Utc>> },
    /// PagerDuty did not take an event this time.
    Later { dedup_key: &'a str, why: &'a str, attempts: u32, waiting: usize, seconds: f64 },
    /// An event waits for its turn, so that the key's limit holds.
    Paced { dedup_key: &'a str, waiting: usize, seconds: f64 },
    /// An event was put aside for good.
    Rejected { dedup_key: &'a str, why: &'a str },
    /// PagerDuty does not take a routing key; its last four characters.
    KeyRefused { key: &'a str, why: &'a str },
    /// A check that nothing is amiss found something.
    Amiss { what: &'a str },
}

impl Signal<'_> {
    fn level(&self) -> &'static str {
        match self {
            // Each sender's own, and as many as they like.
            Self::Accepted { .. } | Self::RequestRefused { .. } => "DEBUG",
            Self::Triggered { .. }
            | Self::Resolved { .. }
            | Self::Delivered { .. }
            | Self::Paced { .. } => "INFO",
            Self::Later { .. } | Self::Bare { .. } => "WARN",
            Self::Rejected { .. } | Self::KeyRefused { .. } | Self::Amiss { .. } => "ERROR",
        }
    }

    /// What is said, the fields, and the metrics with their units.
    fn parts(
        &self,
        now: DateTime<Utc>,
    ) -> (&'static str, Value, Vec<(&'static str, Value, &'static str)>) {
        const COUNT: &str = "Count";
        match *self {
            Self::Triggered { dedup_key, lines, kinds, notes } => (
                "queued",
                json!({"dedup_key": dedup_key, "action": "trigger", "lines": lines,
                    "kinds": kinds, "notes": notes}),
                vec![
                    ("Triggered", json!(1), COUNT),
                    ("WithEvidence", json!(u8::from(lines > 0)), COUNT),
                    ("WithoutEvidence", json!(u8::from(lines == 0)), COUNT),
                ],
            ),
            Self::Resolved { dedup_key } => (
                "queued",
                json!({"dedup_key": dedup_key, "action": "resolve"}),
                vec![("Resolved", json!(1), COUNT)],
            ),
            Self::Bare { dedup_key } => (
                "queued without evidence: enrich failed",
                json!({"dedup_key": dedup_key}),
                vec![("EnrichFailed", json!(1), COUNT)],
            ),
            Self::Accepted { dedup_key, endpoint } => (
                "accepted",
                json!({"dedup_key": dedup_key, "endpoint": endpoint}),
                vec![("Accepted", json!(1), COUNT)],
            ),
            Self::RequestRefused { status, why, peer } => (
                "refused a request",
                json!({"status": status, "why": why, "peer": peer}),
                vec![("RequestsRefused", json!(1), COUNT)],
            ),
            Self::Delivered { dedup_key, action, attempts, since } => {
                let mut metrics =
                    vec![("Delivered", json!(1), COUNT), ("Attempts", json!(attempts), COUNT)];
                if let Some(since) = since {
                    let seconds = (now - since).num_milliseconds().max(0);
                    metrics.push(("TimeToAccepted", json!(seconds), "Milliseconds"));
                }
                let fields = json!({"dedup_key": dedup_key, "action": action, "attempt": attempts});
                ("delivered", fields, metrics)
            }
            Self::Later { dedup_key, why, attempts, waiting, seconds } => (
                "later",
                json!({"dedup_key": dedup_key, "why": why, "attempt": attempts,
                    "waiting": waiting, "delay_seconds": seconds}),
                vec![
                    ("Postponed", json!(1), COUNT),
                    ("RateLimited", json!(u8::from(why == "HTTP 429")), COUNT),
                ],
            ),
            Self::Paced { dedup_key, waiting, seconds } => (
                "waits for its turn",
                json!({"dedup_key": dedup_key, "waiting": waiting, "delay_seconds": seconds}),
                Vec::new(),
            ),
            Self::Rejected { dedup_key, why } => (
                "rejected",
                json!({"dedup_key": dedup_key, "why": why}),
                vec![("Rejected", json!(1), COUNT)],
            ),
            Self::KeyRefused { key, why } => (
                "PagerDuty refused a routing key",
                json!({"key": key, "why": why}),
                vec![("KeyRefused", json!(1), COUNT)],
            ),
            Self::Amiss { what } => {
                ("amiss", json!({"what": what}), vec![("Amiss", json!(1), COUNT)])
            }
        }
    }

    /// The line, as it is written; with the metrics in it where a stack is given.
    #[must_use]
    pub fn line(&self, stack: Option<&str>, now: DateTime<Utc>) -> String {
        let (message, fields, metrics) = self.parts(now);
        let mut line = Map::new();
        line.insert("timestamp".into(), json!(now.to_rfc3339_opts(SecondsFormat::Millis, true)));
        line.insert("level".into(), json!(self.level()));
        line.insert("message".into(), json!(message));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        if let Some(stack) = stack.filter(|_| !metrics.is_empty()) {
            let names: Vec<Value> =
                metrics.iter().map(|(name, _, unit)| json!({"Name": name, "Unit": unit})).collect();
            line.insert("stack".into(), json!(stack));
            line.insert(
                "_aws".into(),
                json!({"Timestamp": now.timestamp_millis(), "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE, "Dimensions": [["stack"]], "Metrics": names}]}),
            );
            line.extend(metrics.into_iter().map(|(name, value, _)| (name.to_owned(), value)));
        }
        Value::Object(line).to_string()
    }

    /// Writes the line and counts the metrics.
    pub fn tell(&self) {
        match METRICS.get() {
            Some(Metrics::Counted(tally)) => self.tell_to(tally),
            _ => self.write(Utc::now()),
        }
    }

    /// The same, counted in this tally whatever the process counts in.
    pub fn tell_to(&self, tally: &Tally) {
        let now = Utc::now();
        tally.count(self, now);
        self.write(now);
    }

    fn write(&self, now: DateTime<Utc>) {
        let stack = match METRICS.get() {
            Some(Metrics::Embedded { stack }) => Some(stack.as_str()),
            _ => None,
        };
        // What Lambda's metrics are made from is for a server's log only on request.
        if stack.is_none() && self.level() == "DEBUG" && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        // Where nobody reads standard output there is nobody to tell.
        let _ = writeln!(std::io::stdout(), "{}", self.line(stack, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_log_line_and_its_metrics() {
        let now = "2026-11-14T03:07:00Z".parse().unwrap();
        let signal = Signal::Delivered {
            dedup_key: "a",
            action: "trigger",
            attempts: 2,
            since: "2026-11-14T03:06:35.472Z".parse().ok(),
        };
        let line: Value = serde_json::from_str(&signal.line(Some("prod"), now)).unwrap();
        assert_eq!(line["message"], "delivered");
        assert_eq!(line["TimeToAccepted"], 24_528);
        assert_eq!(line["stack"], "prod");
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "Pagetrail");
        assert_eq!(metrics["Dimensions"], json!([["stack"]]));
        for metric in metrics["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!(line["_aws"]["Timestamp"], 1_794_625_620_000_i64);
    }
}
