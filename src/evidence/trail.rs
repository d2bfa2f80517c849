//! Trails: the lines that belong to a matching line, or at least are next to it.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::calls::Calls;
use super::newest::Newest;
use super::ports::{LogSource, LookupError, Order, Query};
use super::search::search;
use super::{Step, Trail};
use crate::lines::Line;
use crate::lines::correlation::{Correlation, correlations};

/// A Lambda invocation ends after 15 minutes at the latest (Lambda quotas). Other requests are
/// rarely longer.
const LONGEST_REQUEST: TimeDelta = TimeDelta::minutes(15);
/// The most lines of one request that are read before it is shortened.
const MOST_READ: usize = 2_000;
/// How far around a line without an id its neighbours are searched.
const BEFORE: TimeDelta = TimeDelta::minutes(2);
const AFTER: TimeDelta = TimeDelta::seconds(30);

/// How long a trail can be, and where else to search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) trail_lines: usize,
    /// Further log groups in which a trace is searched.
    pub(super) trace_log_groups: &'a [String],
    pub(super) now: DateTime<Utc>,
}

/// The part of a trail that could be read, and what failed.
pub(super) struct Followed {
    pub(super) trail: Option<Trail>,
    /// The log group and the failure.
    pub(super) failures: Vec<(String, LookupError)>,
}

/// Follows a line by the most trusted id in it, else by its place in the stream.
pub(super) async fn follow(
    line: &Line,
    reach: Reach<'_>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Followed {
    let found = correlations(line);
    let queries = queries(line, &found, reach);
    let mut followed = read(line, found.first(), queries, reach, logs, calls).await;
    let alone = followed.trail.as_ref().is_none_or(|trail| trail.steps.len() < 2);
    if alone && !matches!(found.first(), Some(Correlation::LambdaRequest(_))) {
        let beside = read(line, None, around(line, reach.now), reach, logs, calls).await;
        followed.failures.extend(beside.failures);
        followed.trail = beside.trail.or(followed.trail);
    }
    followed
}

/// A Lambda request is searched in its own stream: there, the id also finds the platform's
/// START, REPORT and time-out lines. A trace is searched in its log group and in those the user
/// named, any other id in its log group.
fn queries(line: &Line, found: &[Correlation], reach: Reach<'_>) -> Vec<Query> {
    let query = |log_group: &str, stream: Option<&str>, correlation: &Correlation| Query {
        log_group: log_group.to_owned(),
        stream: stream.map(str::to_owned),
        pattern: correlation.pattern(),
        start: line.at - LONGEST_REQUEST,
        end: (line.at + LONGEST_REQUEST).min(reach.now.max(line.at)),
        order: Order::OldestFirst,
    };
    let mut queries = Vec::new();
    if let Some(first) = found.first() {
        let stream = matches!(first, Correlation::LambdaRequest(_)).then_some(line.stream.as_str());
        queries.push(query(&line.log_group, stream, first));
    }
    let trace = found.iter().find(|it| matches!(it, Correlation::Trace(_)));
    if let Some(trace) = trace {
        let others = reach.trace_log_groups.iter().filter(|group| **group != line.log_group);
        queries.extend(others.map(|group| query(group, None, trace)));
    }
    queries
}

/// The lines just before and after in the same stream.
fn around(line: &Line, now: DateTime<Utc>) -> Vec<Query> {
    let query = |start, end, order| Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: String::new(),
        start,
        end,
        order,
    };
    vec![
        query(line.at - BEFORE, line.at, Order::NewestFirst),
        query(line.at, (line.at + AFTER).min(now.max(line.at)), Order::OldestFirst),
    ]
}

async fn read(
    line: &Line,
    correlation: Option<&Correlation>,
    queries: Vec<Query>,
    reach: Reach<'_>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Followed {
    let searches = queries.into_iter().map(|query| async move {
        let enough = if query.pattern.is_empty() { reach.trail_lines } else { MOST_READ };
        let mut first = Vec::new();
        let mut newest = Newest::new(enough);
        let (_, error) = search(&query, enough, logs, calls, |line| match query.order {
            Order::NewestFirst => newest.push(line),
            Order::OldestFirst if first.len() < MOST_READ => first.push(line),
            Order::OldestFirst => {}
        })
        .await;
        first.extend(newest.into_lines());
        (first, error.map(|error| (query.log_group, error)))
    });
    let mut lines: Vec<Line> = Vec::new();
    let mut failures = Vec::new();
    for (found, failure) in join_all(searches).await {
        lines.extend(found);
        failures.extend(failure);
    }
    let mut known = HashSet::new();
    lines.retain(|line| known.insert(line.clone()));
    if !known.contains(line) {
        // The search ended early, or the line is not searchable yet. The line itself is known.
        lines.push(line.clone());
    }
    lines.sort_by_key(|line| line.at);
    if lines.len() == 1 && !failures.is_empty() {
        // Only the line that is known anyway.
        return Followed { trail: None, failures };
    }
    let trail = Trail {
        correlation: correlation.cloned(),
        log_group: line.log_group.clone(),
        stream: line.stream.clone(),
        steps: shorten(lines, line, reach.trail_lines),
    };
    Followed { trail: Some(trail), failures }
}

/// Keeps the lines nearest to the trail's start, its end, and the failing line.
fn shorten(lines: Vec<Line>, failing: &Line, keep: usize) -> Vec<Step> {
    let last = lines.len().saturating_sub(1);
    let failure = lines.iter().position(|line| line == failing).unwrap_or(last);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&at| at.min(last - at).min(at.abs_diff(failure)));
    let mut kept = vec![false; lines.len()];
    order.into_iter().take(keep.max(1)).for_each(|at| kept[at] = true);

    let mut steps = Vec::new();
    let mut gap = 0;
    for (line, kept) in lines.into_iter().zip(kept) {
        if kept {
            steps.extend(NonZeroUsize::new(gap).map(Step::LeftOut));
            gap = 0;
            steps.push(Step::Line(line));
        } else {
            gap += 1;
        }
    }
    steps.extend(NonZeroUsize::new(gap).map(Step::LeftOut));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: i64) -> Vec<Line> {
        (0..count)
            .map(|at| Line {
                at: DateTime::from_timestamp(at, 0).unwrap(),
                log_group: "g".into(),
                stream: "s".into(),
                text: format!("line {at}"),
            })
            .collect()
    }

    fn shown(steps: &[Step]) -> Vec<String> {
        steps
            .iter()
            .map(|step| match step {
                Step::Line(line) => line.text.trim_start_matches("line ").to_owned(),
                Step::LeftOut(count) => format!("({count})"),
            })
            .collect()
    }

    #[test]
    fn a_long_trail_keeps_its_ends_and_the_failure() {
        let all = lines(100);
        let failing = all[50].clone();
        let steps = shorten(all, &failing, 8);
        assert_eq!(shown(&steps).join(" "), "0 1 2 (46) 49 50 51 (46) 98 99");
    }

    #[test]
    fn a_short_trail_is_kept_whole() {
        let all = lines(3);
        let failing = all[1].clone();
        assert_eq!(shown(&shorten(all, &failing, 100)), ["0", "1", "2"]);
    }
}
