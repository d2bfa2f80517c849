//! Logs and metrics: one JSON object a line on standard output. In Lambda, which hands it to
//! CloudWatch Logs, a line that carries metrics has them in the embedded metric format; a
//! server counts them in a [`Tally`].
//!
//! - `metric`: the metrics, one row each.
//! - `signal`: what happens: the log line, and which metrics it counts.
//! - `tally`: what a server counted, for its status page and for Prometheus.
//!
//! A new metric is a row in `metric`, and a value in the signal that counts it.

mod metric;
mod signal;
mod tally;

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
pub use metric::{Counter, METRICS, Metric, Row, Unit};
pub use signal::Signal;
pub use tally::{Counts, MINUTES, Minute, Refusal, Tally};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The metrics' namespace in CloudWatch.
pub const NAMESPACE: &str = "Pagetrail";

/// Where the metrics go, set once at start.
static DESTINATION: OnceLock<Metrics> = OnceLock::new();

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
    let _ = DESTINATION.set(metrics);
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

impl Signal<'_> {
    /// Writes the line and counts the metrics.
    pub fn tell(&self) {
        match DESTINATION.get() {
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
        let stack = match DESTINATION.get() {
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
