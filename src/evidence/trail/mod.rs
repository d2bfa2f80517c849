//! Trails: the lines that belong to a matching line, by an id, by their place in an invocation
//! (`invocation`), or at least next to it (`around`); `reading` reads them.

mod around;
mod invocation;
mod reading;
mod request;

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use super::calls::Calls;
use super::ports::{LogSource, LookupError, Order, Query};
use super::{Kind, Step, Trail, parts};
use crate::lines::Line;
use crate::lines::correlation::{Correlation, correlations, is_lambda, own};
use reading::{Read, read};

/// A Lambda invocation ends after 15 minutes at the latest (Lambda quotas). Other requests are
/// rarely longer.
const LONGEST_REQUEST: TimeDelta = TimeDelta::minutes(15);
/// The most lines of one request that are read before it is shortened.
const MOST_READ: usize = 2_000;
/// The most lines beside a line that are read, before it and behind it.
const MOST_BESIDE: usize = 500;
/// The most ids of a line that are tried, one after the other.
const MOST_IDS: usize = 3;
/// How far around a line of a Lambda request its other lines are read before it is known how long the
/// request took.
const NEAR: TimeDelta = TimeDelta::seconds(10);
/// How far around a line the rest of its record is searched.
const RECORD: TimeDelta = TimeDelta::milliseconds(500);
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
    let invoked = matches!(found.first(), Some(Correlation::LambdaRequest(_)));
    if invoked || is_lambda(&line.stream) {
        return follow_invocation(line, &found, reach, logs, calls).await;
    }
    let mut alone: Option<(Read, &Correlation)> = None;
    for correlation in found.iter().take(MOST_IDS) {
        let trace = if alone.is_none() { trace_of(&found) } else { None };
        let by_id = read(line, queries(line, correlation, trace, reach), logs, calls);
        // An object is one event; each line of a text can be an event.
        let whole = line.text.trim_start().starts_with('{') && !parts::is_cut(&line.text);
        let split = alone.is_none() && !whole;
        let (mut read, near) = tokio::join!(by_id, async {
            let near = around(line, RECORD, RECORD, reach.now);
            if split { Some(self::read(line, near, logs, calls).await) } else { None }
        });
        let others = read.lines.len() >= 2;
        read.join(near.map_or_else(Vec::new, |near| around::record(&near.lines, line)));
        if others {
            return read.followed(line, Some(correlation), reach);
        }
        alone = alone.or(Some((read, correlation)));
    }
    let mut beside = read(line, around(line, BEFORE, AFTER, reach.now), logs, calls).await;
    if found.is_empty() {
        // The head of the line's record can stand in an event before it.
        let record = around::record(&beside.lines, line);
        if let Some(id) = record.iter().flat_map(correlations).next() {
            let mut read = read(line, queries(line, &id, None, reach), logs, calls).await;
            read.join(record);
            return read.followed(line, Some(&id), reach);
        }
    }
    beside.lines = around::nearest(beside.lines, line, reach.trail_lines);
    beside.followed_or(line, alone, reach)
}

/// Follows a line of a Lambda function: by its request's id, and by its place between the lines
/// with that id, or between START and REPORT.
async fn follow_invocation(
    line: &Line,
    found: &[Correlation],
    reach: Reach<'_>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Followed {
    let mut by_id: Option<(Read, &Correlation)> = None;
    if let Some(first) = found.first() {
        let queries = queries(line, first, trace_of(found), reach);
        let is_request = matches!(first, Correlation::LambdaRequest(_));
        // What the function printed without the id stands between the lines with it. Most requests
        // are short, so it is read at the same time.
        let (mut read, near) = tokio::join!(self::read(line, queries, logs, calls), async {
            let near = Query { end: line.at + NEAR, start: line.at - NEAR, ..stretch(line) };
            if is_request { Some(self::read(line, vec![near], logs, calls).await) } else { None }
        });
        if let Some(near) = near
            && (read.lines.len() >= 2 || !read.failures.is_empty())
        {
            match between(line, &read.lines) {
                Some(query) if !near.covers(&query, line) => {
                    read.fill(self::read(line, vec![query], logs, calls).await, first);
                }
                Some(_) => read.fill(near, first),
                None => {}
            }
            return read.followed(line, Some(first), reach);
        }
        by_id = Some((read, first));
    }
    let queries = around(line, LONGEST_REQUEST, LONGEST_REQUEST, reach.now);
    let mut beside = read(line, queries, logs, calls).await;
    let Some((request, lines)) = invocation::of(&beside.lines, line) else {
        if let Some((read, id)) = by_id {
            if read.lines.len() >= 2 {
                return read.followed(line, Some(id), reach);
            }
            by_id = Some((read, id));
        }
        beside.lines = around::nearest(beside.lines, line, reach.trail_lines);
        return beside.followed_or(line, by_id, reach);
    };
    beside.lines = lines;
    let Some((read, id)) = by_id else { return beside.followed(line, request.as_ref(), reach) };
    // An invocation can handle several messages, each with an id of its own.
    beside.lines.retain(|line| {
        let ids = own(line);
        ids.contains(id) || !ids.iter().any(|other| other.is_same_kind(id))
    });
    let inside = beside.lines.len();
    beside.failures.extend(read.failures);
    beside.join(read.lines);
    let correlation = if beside.lines.len() > inside { Some(id) } else { request.as_ref() };
    beside.followed(line, correlation.or(Some(id)), reach)
}

fn trace_of(found: &[Correlation]) -> Option<&Correlation> {
    found.iter().find(|it| matches!(it, Correlation::Trace(_)))
}

/// A Lambda request is searched in its own stream: there, the id also finds the platform's
/// START, REPORT and time-out lines. Any other id is searched in its log group, a trace also in
/// those the user named.
fn queries(
    line: &Line,
    correlation: &Correlation,
    trace: Option<&Correlation>,
    reach: Reach<'_>,
) -> Vec<Query> {
    let query = |log_group: &str, stream: Option<&str>, correlation: &Correlation| Query {
        log_group: log_group.to_owned(),
        stream: stream.map(str::to_owned),
        pattern: correlation.pattern(),
        start: line.at - LONGEST_REQUEST,
        end: (line.at + LONGEST_REQUEST).min(reach.now.max(line.at)),
        order: Order::OldestFirst,
        most: None,
    };
    let lambda = matches!(correlation, Correlation::LambdaRequest(_));
    let stream = lambda.then_some(line.stream.as_str());
    let mut queries = vec![query(&line.log_group, stream, correlation)];
    if let Some(trace) = trace {
        let others = reach.trace_log_groups.iter().filter(|group| **group != line.log_group);
        queries.extend(others.map(|group| query(group, None, trace)));
    }
    queries
}

/// The lines just before and after in the same stream.
fn around(line: &Line, before: TimeDelta, after: TimeDelta, now: DateTime<Utc>) -> Vec<Query> {
    let query = |start, end, order| Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: String::new(),
        start,
        end,
        order,
        most: None,
    };
    vec![
        query(line.at - before, line.at, Order::NewestFirst),
        query(line.at, (line.at + after).min(now.max(line.at)), Order::OldestFirst),
    ]
}

/// The stretch of the stream between the first and the last line with the request's id.
fn between(line: &Line, lines: &[Line]) -> Option<Query> {
    let mut own = lines.iter().filter(|it| it.stream == line.stream);
    let (first, last) = (own.next()?, own.next_back()?);
    Some(Query { start: first.at, end: last.at, ..stretch(line) })
}

/// The line's stream at the time of the line.
fn stretch(line: &Line) -> Query {
    Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: String::new(),
        start: line.at,
        end: line.at,
        order: Order::OldestFirst,
        most: None,
    }
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
    let steps: Vec<Step> = steps.chain(lines.drain(left_out..).map(Step::Line)).collect();
    Some(Trail {
        correlation,
        log_group: last.log_group,
        stream: last.stream,
        failing: None,
        error: steps.len()..steps.len(),
        steps,
    })
}

/// Leaves out a kind's trail if an earlier kind's trail of the same request shows its line.
pub(super) fn show_each_trail_once(kinds: &mut [Kind]) {
    for at in 1..kinds.len() {
        let (before, from) = kinds.split_at_mut(at);
        let kind = &mut from[0];
        let Some(trail) = &kind.trail else { continue };
        let shown = before.iter().filter_map(|kind| kind.trail.as_ref()).any(|earlier| {
            earlier.correlation == trail.correlation && earlier.shows(&kind.example)
        });
        if shown {
            kind.trail = None;
        }
    }
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
