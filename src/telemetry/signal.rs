//! What happened, as typed signals: each has a log line and the metrics that it counts.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Metric, NAMESPACE};

/// What happened to one event: a log line that can be found by the dedup key, and the metrics
/// that it counts. It never contains a routing key or a line from the user's logs.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal<'a> {
    /// Enrich queued a trigger.
    Triggered {
        dedup_key: &'a str,
        /// The page's deduplication id.
        id: &'a str,
        lines: usize,
        /// The fingerprints of its kinds: later pages look them up here.
        fingerprints: &'a [String],
        notes: usize,
    },
    /// Enrich queued a resolve.
    Resolved { dedup_key: &'a str },
    /// Enrich failed permanently, and the alarm pages without evidence.
    Unenriched { dedup_key: &'a str },
    /// The gateway accepted an event.
    Accepted { dedup_key: &'a str, endpoint: &'a str },
    /// The gateway refused a request.
    RequestRefused { status: u16, why: &'a str, peer: &'a str },
    /// PagerDuty accepted an event.
    Delivered { dedup_key: &'a str, action: &'a str, attempts: u32, since: Option<DateTime<Utc>> },
    /// PagerDuty did not accept an event this time; `waiting` counts it and those after it.
    Postponed {
        dedup_key: &'a str,
        why: &'a str,
        rate_limited: bool,
        attempts: u32,
        waiting: usize,
        seconds: f64,
    },
    /// An event waits for its turn, so that the key's rate limit is kept.
    Paced { dedup_key: &'a str, waiting: usize, seconds: f64 },
    /// An event was rejected permanently.
    Rejected { dedup_key: &'a str, why: &'a str },
    /// PagerDuty refused a routing key; `key` is its last four characters.
    KeyRefused { key: &'a str, why: &'a str },
    /// The health check found nothing wrong.
    HealthCheckPassed,
    /// The health check found a fault, or could not run.
    HealthCheckFailed { why: &'a str },
    /// A topic no longer notifies this server by HTTPS, or its messages cannot be trusted.
    TopicFault { what: &'a str },
}

impl Signal<'_> {
    pub(super) fn level(&self) -> &'static str {
        match self {
            // Senders cause these, as many as they like.
            Self::Accepted { .. } | Self::RequestRefused { .. } => "DEBUG",
            Self::Triggered { .. }
            | Self::Resolved { .. }
            | Self::Delivered { .. }
            | Self::Paced { .. }
            | Self::HealthCheckPassed => "INFO",
            Self::Postponed { .. } | Self::Unenriched { .. } => "WARN",
            Self::Rejected { .. }
            | Self::KeyRefused { .. }
            | Self::HealthCheckFailed { .. }
            | Self::TopicFault { .. } => "ERROR",
        }
    }

    /// The message and the fields of the log line.
    fn said(&self) -> (&'static str, Value) {
        match *self {
            Self::Triggered { dedup_key, id, lines, fingerprints, notes } => (
                "queued",
                json!({"dedup_key": dedup_key, "action": "trigger", "id": id, "lines": lines,
                    "kinds": fingerprints.len(), "fingerprints": fingerprints, "notes": notes}),
            ),
            Self::Resolved { dedup_key } => {
                ("queued", json!({"dedup_key": dedup_key, "action": "resolve"}))
            }
            Self::Unenriched { dedup_key } => {
                ("queued without evidence: enrich failed", json!({"dedup_key": dedup_key}))
            }
            Self::Accepted { dedup_key, endpoint } => {
                ("accepted", json!({"dedup_key": dedup_key, "endpoint": endpoint}))
            }
            Self::RequestRefused { status, why, peer } => {
                ("refused a request", json!({"status": status, "why": why, "peer": peer}))
            }
            Self::Delivered { dedup_key, action, attempts, .. } => (
                "delivered",
                json!({"dedup_key": dedup_key, "action": action, "attempt": attempts}),
            ),
            Self::Postponed { dedup_key, why, attempts, waiting, seconds, .. } => (
                "delivery postponed",
                json!({"dedup_key": dedup_key, "why": why, "attempt": attempts,
                    "waiting": waiting, "delay_seconds": seconds}),
            ),
            Self::Paced { dedup_key, waiting, seconds } => (
                "waits for its turn",
                json!({"dedup_key": dedup_key, "waiting": waiting, "delay_seconds": seconds}),
            ),
            Self::Rejected { dedup_key, why } => {
                ("rejected", json!({"dedup_key": dedup_key, "why": why}))
            }
            Self::KeyRefused { key, why } => {
                ("PagerDuty refused a routing key", json!({"key": key, "why": why}))
            }
            Self::HealthCheckPassed => ("health check passed", json!({})),
            Self::HealthCheckFailed { why } => ("health check failed", json!({"why": why})),
            Self::TopicFault { what } => ("an SNS topic needs attention", json!({"what": what})),
        }
    }

    /// The metrics that it counts, with the values to add.
    pub(super) fn values(&self, now: DateTime<Utc>) -> Vec<(Metric, u64)> {
        match *self {
            Self::Triggered { lines, .. } => vec![
                (Metric::TakenIn, 1),
                (Metric::Triggered, 1),
                (Metric::WithEvidence, u64::from(lines > 0)),
                (Metric::WithoutEvidence, u64::from(lines == 0)),
            ],
            Self::Resolved { .. } => vec![(Metric::TakenIn, 1), (Metric::Resolved, 1)],
            Self::Unenriched { .. } => vec![(Metric::EnrichFailed, 1)],
            Self::Accepted { .. } => vec![(Metric::TakenIn, 1), (Metric::Accepted, 1)],
            Self::RequestRefused { .. } => vec![(Metric::RequestsRefused, 1)],
            Self::Delivered { attempts, since, .. } => {
                let mut values = vec![(Metric::Delivered, 1), (Metric::Attempts, attempts.into())];
                if let Some(since) = since {
                    let passed = u64::try_from((now - since).num_milliseconds());
                    values.push((Metric::TimeToAccepted, passed.unwrap_or(0)));
                }
                values
            }
            Self::Postponed { rate_limited, .. } => {
                vec![(Metric::Postponed, 1), (Metric::RateLimited, u64::from(rate_limited))]
            }
            Self::Rejected { .. } => vec![(Metric::Rejected, 1)],
            Self::KeyRefused { .. } => vec![(Metric::KeyRefused, 1)],
            Self::HealthCheckPassed => vec![(Metric::HealthCheckFailed, 0)],
            Self::HealthCheckFailed { .. } => vec![(Metric::HealthCheckFailed, 1)],
            Self::Paced { .. } | Self::TopicFault { .. } => Vec::new(),
        }
    }

    /// The line as it is written, with the metrics if a stack is given.
    #[must_use]
    pub fn line(&self, stack: Option<&str>, now: DateTime<Utc>) -> String {
        let (message, fields) = self.said();
        let mut line = Map::new();
        line.insert("timestamp".into(), json!(now.to_rfc3339_opts(SecondsFormat::Millis, true)));
        line.insert("level".into(), json!(self.level()));
        line.insert("message".into(), json!(message));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        if let Some(stack) = stack {
            line.extend(self.embedded(stack, now));
        }
        Value::Object(line).to_string()
    }

    /// The metrics in CloudWatch's embedded metric format; empty if there are none.
    fn embedded(&self, stack: &str, now: DateTime<Utc>) -> Map<String, Value> {
        let (mut names, mut fields) = (Vec::new(), Map::new());
        for (metric, value) in self.values(now) {
            let row = metric.row();
            if let Some(name) = row.cloudwatch {
                names.push(json!({"Name": name, "Unit": row.unit.name()}));
                fields.insert(name.to_owned(), json!(value));
            }
        }
        if names.is_empty() {
            return fields;
        }
        fields.insert("stack".into(), json!(stack));
        fields.insert(
            "_aws".into(),
            json!({"Timestamp": now.timestamp_millis(), "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [["stack"]], "Metrics": names}]}),
        );
        fields
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

    #[test]
    fn what_only_a_server_counts_is_not_sent_to_cloudwatch() {
        let now = DateTime::default();
        let signal = Signal::Resolved { dedup_key: "a" };
        assert!(signal.values(now).contains(&(Metric::TakenIn, 1)));
        let line: Value = serde_json::from_str(&signal.line(Some("prod"), now)).unwrap();
        let metrics = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"];
        assert_eq!(metrics, &json!([{"Name": "Resolved", "Unit": "Count"}]));
        let paced = Signal::Paced { dedup_key: "a", waiting: 1, seconds: 1.0 };
        assert!(!paced.line(Some("prod"), now).contains("_aws"));
    }

    #[test]
    fn a_wait_says_itself_whether_it_is_for_the_rate_limit() {
        let postponed = |rate_limited, why| {
            let signal = Signal::Postponed {
                dedup_key: "a",
                why,
                rate_limited,
                attempts: 1,
                waiting: 1,
                seconds: 1.0,
            };
            signal.values(DateTime::default())
        };
        let of = |limited| vec![(Metric::Postponed, 1), (Metric::RateLimited, limited)];
        assert_eq!(postponed(true, "HTTP 403"), of(1));
        assert_eq!(postponed(false, "HTTP 429"), of(0));
    }
}
