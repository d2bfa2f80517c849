//! Logs and metrics: one JSON object per line on standard output. Lambda passes the lines to
//! CloudWatch Logs, and lines with metrics have them in the embedded metric format. A server
//! counts the metrics in a [`Tally`].
//!
//! - `metric`: the metrics, one row each.
//! - `signal`: what happened: the log line, and the metrics that it counts.
//! - `tally`: the counts of a server, for its status page and for Prometheus.
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
pub use tally::{Counts, MINUTES, Minute, RecentRefusal, Tally};
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

/// Starts logging at the named level (`error`, `warn`, `info`, `debug`, `trace`; anything else
/// means `info`). Only this crate's own lines are logged: libraries can log payloads, and a
/// payload can contain sensitive data.
pub fn start(level: Option<&str>, metrics: Metrics) {
    let _ = DESTINATION.set(metrics);
    let level = level.and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let own = Targets::new().with_target("pagetrail", level);
    // A panic's message can quote the text that caused it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
    // An error only means that logging was already started.
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

    /// The same, but counts in this tally.
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
        // In Lambda, debug lines carry metrics, so they are always written. A server writes them
        // only at level debug.
        if stack.is_none() && self.level() == "DEBUG" && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        // If standard output is closed, the line cannot be written, and that is ignored.
        let _ = writeln!(std::io::stdout(), "{}", self.line(stack, now));
    }
}
