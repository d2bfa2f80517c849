//! Collecting evidence: sources, then their lines, then the trails, until the deadline.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::calls::Calls;
use super::logs::{LogError, LogSource, Order, Query};
use super::search::{Found, Newest, search};
use super::{Evidence, Limits, Line, Source, Step, Window, sources, trail, window};
use crate::alarm::Alarm;

/// Log lines become searchable seconds after they were written, so a search that
/// must find some is repeated after these waits.
const LATE_LINES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(6),
];

/// Collects what the logs say about an alarm. Never fails and never outlasts the
/// deadline: what could not be had is told in the notes.
pub async fn collect(
    alarm: &Alarm,
    logs: &impl LogSource,
    limits: &Limits,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Evidence {
    let calls = Calls::until(deadline);
    let window = window(alarm, now);
    let mut evidence = Evidence { window: Some(window), ..Evidence::default() };
    let at = &alarm.origin;

    let (found, errors) = sources::find(alarm, logs, &calls).await;
    evidence.sources = found;
    evidence.notes.extend(errors.iter().map(|error| {
        let what = "the metric filters of this alarm could not be read";
        explain(what, error, &Asked::filters(at))
    }));
    if evidence.sources.is_empty() {
        if errors.is_empty() {
            evidence.notes.push(no_source(alarm));
        }
        return evidence;
    }

    let mut found = search_all(&evidence.sources, window, limits, logs, &calls).await;
    for wait in LATE_LINES {
        let empty = found.iter().all(|found| found.matched.seen == 0);
        let denied = found.iter().all(|found| found.error.is_some());
        if !empty || denied || !alarm.proves_a_line() || !calls.pause(wait).await {
            break;
        }
        found = search_all(&evidence.sources, window, limits, logs, &calls).await;
    }
    take(&mut evidence, found, limits.lines, at);
    if evidence.lines.is_empty() {
        if evidence.notes.is_empty() {
            evidence.notes.push(no_line(&evidence.sources, window, alarm.proves_a_line()));
        }
        return evidence;
    }

    for followed in trail::follow(&evidence.lines, limits, now, logs, &calls).await {
        evidence.trails.extend(followed.trail);
        if let Some((id, log_group, error)) = followed.failure {
            let what = format!("the trail of request {id} in {log_group} could not all be read");
            evidence.notes.push(explain(&what, &error, &Asked::events(at, &log_group)));
        }
    }
    evidence
}

async fn search_all(
    sources: &[Source],
    window: Window,
    limits: &Limits,
    logs: &impl LogSource,
    calls: &Calls,
) -> Vec<Found> {
    let searches = sources.iter().map(|source| async move {
        let query = Query {
            log_group: source.log_group.clone(),
            stream: None,
            pattern: source.pattern.clone(),
            start: window.start,
            end: window.end,
            order: Order::NewestFirst,
        };
        search(&query, limits.lines, logs, calls).await
    });
    join_all(searches).await
}

/// Joins what the sources brought: the newest lines of all of them.
fn take(evidence: &mut Evidence, found: Vec<Found>, keep: usize, at: &crate::alarm::Origin) {
    let mut newest = Newest::new(keep);
    for (source, found) in evidence.sources.iter().zip(found) {
        evidence.matched.seen += found.matched.seen;
        evidence.matched.at_least |= found.matched.at_least;
        found.lines.into_iter().for_each(|line| newest.push(line));
        if let Some(error) = found.error {
            let group = &source.log_group;
            let what = if found.matched.seen == 0 {
                format!("no log lines from {group}")
            } else {
                format!("not all log lines from {group} were read")
            };
            evidence.notes.push(explain(&what, &error, &Asked::events(at, group)));
        }
    }
    evidence.lines = newest.into_lines();
}

/// A call that was made, as far as a person needs to know it to mend its failure.
struct Asked {
    action: &'static str,
    resource: String,
}

impl Asked {
    fn filters(at: &crate::alarm::Origin) -> Self {
        Self::new("logs:DescribeMetricFilters", at, "*")
    }

    fn events(at: &crate::alarm::Origin, log_group: &str) -> Self {
        Self::new("logs:FilterLogEvents", at, &format!("{log_group}:*"))
    }

    fn new(action: &'static str, at: &crate::alarm::Origin, log_group: &str) -> Self {
        let (partition, region, account) = (at.partition.name(), &at.region, &at.account);
        Self {
            action,
            resource: format!("arn:{partition}:logs:{region}:{account}:log-group:{log_group}"),
        }
    }
}

fn explain(what: &str, error: &LogError, asked: &Asked) -> String {
    let Asked { action, resource } = asked;
    match error {
        LogError::AccessDenied => format!(
            "{what}: access denied. Allow {action} on {resource} in the role of Pagetrail's \
             enrich function."
        ),
        LogError::NotFound => format!(
            "{what}: {resource} does not exist (any more). Recreate it or remove its metric filter."
        ),
        LogError::Throttled => format!(
            "{what}: CloudWatch Logs throttled {action} until the evidence deadline. Other readers \
             use up the account's rate in this Region; ask AWS to raise it."
        ),
        LogError::Unavailable(why) => format!(
            "{what}: {action} failed until the evidence deadline ({why}). Look at the log group \
             in the console."
        ),
        LogError::Refused(why) => format!("{what}: CloudWatch Logs refused {action}: {why}"),
        LogError::Deadline => format!(
            "{what}: the evidence deadline passed first. The page did not wait; raise \
             evidenceDeadlineSeconds if this happens often."
        ),
    }
}

fn no_source(alarm: &Alarm) -> String {
    let names: Vec<String> = alarm
        .metrics
        .iter()
        .map(|metric| format!("{}/{}", metric.namespace, metric.name))
        .collect();
    if names.is_empty() {
        return "no log lines: the alarm names no metric of its own, so no metric filter could \
                be looked up."
            .to_owned();
    }
    format!(
        "no log lines: no metric filter in account {} and Region {} feeds {}. If another \
         account or Region has it, install Pagetrail there.",
        alarm.origin.account,
        alarm.origin.region,
        names.join(", ")
    )
}

fn no_line(sources: &[Source], window: Window, must_exist: bool) -> String {
    let groups: Vec<&str> = sources.iter().map(|source| source.log_group.as_str()).collect();
    let why = if must_exist {
        "The metric counted at least one: it may have become searchable too late, or been deleted."
    } else {
        "The alarm's datapoints do not say that one must exist."
    };
    format!(
        "no log lines: nothing in {} matched between {} and {} UTC. {why}",
        groups.join(", "),
        window.start.format("%Y-%m-%d %H:%M:%S"),
        window.end.format("%Y-%m-%d %H:%M:%S"),
    )
}

impl Evidence {
    /// The matching lines that are in none of the trails, oldest first.
    pub fn lines_without_trail(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| {
            !self.trails.iter().any(|trail| {
                trail.steps.iter().any(|step| matches!(step, Step::Line(other) if other == *line))
            })
        })
    }
}
