//! Logs: one JSON object a line on standard output, which Lambda hands to CloudWatch Logs.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging at the named level (`error`, `warn`, `info`, `debug`, `trace`;
/// anything else means `info`). Only this crate's own lines: libraries may log
/// payloads, and a payload may hold what must not be seen.
pub fn start(level: Option<&str>) {
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
