//! Trails: the lines that belong to a matching line, by an id, by their place in an invocation
//! (`invocation`), or at least next to it (`around`).

mod around;
mod invocation;

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
use crate::lines::correlation::{Correlation, correlations, is_lambda};

/// A Lambda invocation ends after 15 minutes at the latest (Lambda quotas). Other requests are
/// rarely longer.
const LONGEST_REQUEST: TimeDelta = TimeDelta::minutes(15);
/// The most lines of one request that are read before it is shortened.
const MOST_READ: usize = 2_000;
/// The most lines beside a line that are read, before it and behind it.
const MOST_BESIDE: usize = 500;
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
    let mut read = read(line, queries, logs, calls).await;
    if let Some(Correlation::LambdaRequest(_)) = found.first() {
        // What the function printed without the id stands between its START and its REPORT.
        if let Some(query) = between(line, &read.lines) {
            read.join(self::read(line, vec![query], logs, calls).await);
        }
        return read.followed(line, found.first(), reach);
    }
    if read.lines.len() >= 2 {
        return read.followed(line, found.first(), reach);
    }
    let lambda = is_lambda(&line.stream);
    let mut beside = self::read(line, around(line, lambda, reach.now), logs, calls).await;
    let invocation = if lambda { invocation::of(&beside.lines, line) } else { None };
    if let Some((id, lines)) = invocation {
        beside.lines = lines;
        beside.failures.extend(read.failures);
        return beside.followed(line, id.as_ref(), reach);
    }
    beside.lines = around::nearest(beside.lines, line, reach.trail_lines);
    let mut followed = beside.followed(line, None, reach);
    if followed.trail.is_none() {
        followed.trail = read.followed(line, found.first(), reach).trail;
    } else {
        followed.failures.extend(read.failures);
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

/// The lines just before and after in the same stream; of a Lambda function up to the longest
/// invocation.
fn around(line: &Line, lambda: bool, now: DateTime<Utc>) -> Vec<Query> {
    let query = |start, end, order| Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: String::new(),
        start,
        end,
        order,
    };
    let (before, after) = if lambda { (LONGEST_REQUEST, LONGEST_REQUEST) } else { (BEFORE, AFTER) };
    vec![
        query(line.at - before, line.at, Order::NewestFirst),
        query(line.at, (line.at + after).min(now.max(line.at)), Order::OldestFirst),
    ]
}

/// The stretch of the stream between an invocation's first and last line, if both its START and its
/// end were found.
fn between(line: &Line, lines: &[Line]) -> Option<Query> {
    let begins = |start: &str| lines.iter().find(|line| line.text.starts_with(start));
    let json = |kind: &str| lines.iter().find(|line| line.text.contains(kind));
    let first = begins("START ").or_else(|| json("\"platform.start\""))?;
    let last = begins("REPORT ").or_else(|| json("\"platform.report\""))?;
    Some(Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: String::new(),
        start: first.at,
        end: last.at,
        order: Order::OldestFirst,
    })
}

/// The lines that were read, oldest first, the followed line among them.
struct Read {
    lines: Vec<Line>,
    failures: Vec<(String, LookupError)>,
}

impl Read {
    /// Adds the lines of another search that are not there yet.
    fn join(&mut self, other: Self) {
        let known: HashSet<Line> = self.lines.iter().cloned().collect();
        let more = other.lines.into_iter().filter(|line| !known.contains(line));
        self.lines.extend(more);
        self.lines.sort_by_key(|line| line.at);
        self.failures.extend(other.failures);
    }

    fn followed(
        self,
        line: &Line,
        correlation: Option<&Correlation>,
        reach: Reach<'_>,
    ) -> Followed {
        if self.lines.len() == 1 && !self.failures.is_empty() {
            // Only the line that is known anyway.
            return Followed { trail: None, failures: self.failures };
        }
        let trail = Trail {
            correlation: correlation.cloned(),
            log_group: line.log_group.clone(),
            stream: line.stream.clone(),
            steps: shorten(self.lines, line, reach.trail_lines),
        };
        Followed { trail: Some(trail), failures: self.failures }
    }
}

async fn read(line: &Line, queries: Vec<Query>, logs: &impl LogSource, calls: &Calls) -> Read {
    let searches = queries.into_iter().map(|query| async move {
        let enough = if query.pattern.is_empty() { MOST_BESIDE } else { MOST_READ };
        let mut first = Vec::new();
        let mut newest = Newest::backwards(enough);
        let (_, error) = search(&query, enough, logs, calls, |line| match query.order {
            Order::NewestFirst => newest.push(line),
            Order::OldestFirst if first.len() < enough => first.push(line),
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
    Read { lines, failures }
}

/// The last lines of the stream that wrote last, at most `keep`; of a Lambda function its last
/// invocation. `lines` are oldest first.
pub(super) fn latest(mut lines: Vec<Line>, keep: usize) -> Option<Trail> {
    let last = lines.last()?.clone();
    lines.retain(|line| line.stream == last.stream);
    let invocation = if is_lambda(&last.stream) { invocation::of(&lines, &last) } else { None };
    let (correlation, mut lines) = invocation.unwrap_or((None, lines));
    let left_out = lines.len().saturating_sub(keep);
    let steps = NonZeroUsize::new(left_out).map(Step::LeftOut).into_iter();
    let steps = steps.chain(lines.drain(left_out..).map(Step::Line)).collect();
    Some(Trail { correlation, log_group: last.log_group, stream: last.stream, steps })
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
