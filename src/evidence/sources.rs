//! Where to look: the metric filters that feed an alarm.

use futures_util::future::join_all;

use super::Source;
use super::calls::Calls;
use super::logs::{LogError, LogSource};
use crate::alarm::{Alarm, Metric};

/// All metric filters over the alarm's metrics, each once, and what went wrong
/// while asking for them.
pub(super) async fn find(
    alarm: &Alarm,
    logs: &impl LogSource,
    calls: &Calls,
) -> (Vec<Source>, Vec<LogError>) {
    let asked = join_all(alarm.metrics.iter().map(|metric| of_metric(metric, logs, calls))).await;
    let mut sources = Vec::new();
    let mut errors = Vec::new();
    for (found, error) in asked {
        sources.extend(found);
        errors.extend(error);
    }
    sources.sort();
    sources.dedup();
    errors.dedup();
    (sources, errors)
}

async fn of_metric(
    metric: &Metric,
    logs: &impl LogSource,
    calls: &Calls,
) -> (Vec<Source>, Option<LogError>) {
    let mut sources = Vec::new();
    // AWS's own metrics come from no metric filter: that namespace cannot be written to.
    if metric.namespace.starts_with("AWS/") {
        return (sources, None);
    }
    let mut token: Option<String> = None;
    loop {
        match calls.make(|| logs.metric_filters(metric, token.as_deref())).await {
            Err(error) => return (sources, Some(error)),
            Ok(page) => {
                sources.extend(page.items);
                if page.next.is_none() || page.next == token {
                    return (sources, None);
                }
                token = page.next;
            }
        }
    }
}
