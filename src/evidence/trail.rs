//! Trails: all lines of the requests that the matching lines belong to.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::calls::Calls;
use super::correlation::{RequestId, request_id};
use super::logs::{LogError, LogSource, Order, Query};
use super::search::search;
use super::{Limits, Line, Step, Trail};

/// A Lambda invocation ends after 15 minutes at the latest (Lambda quotas).
const LONGEST_REQUEST: TimeDelta = TimeDelta::minutes(15);
/// Lines of one request that are read before it is shortened to what is kept.
const MOST_READ: usize = 2_000;

/// A trail as far as it could be read, and what kept it from being read to its end.
pub(super) struct Followed {
    pub(super) trail: Option<Trail>,
    pub(super) failure: Option<(RequestId, String, LogError)>,
}

/// Fetches the trails of the newest requests among the matching lines, newest first.
pub(super) async fn follow(
    lines: &[Line],
    limits: &Limits,
    now: DateTime<Utc>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Vec<Followed> {
    let mut requests: Vec<(RequestId, &Line)> = Vec::new();
    for line in lines.iter().rev() {
        if requests.len() == limits.trails {
            break;
        }
        let known = |id: &RequestId| requests.iter().any(|(other, _)| other == id);
        if let Some(id) = request_id(&line.text).filter(|id| !known(id)) {
            requests.push((id, line));
        }
    }
    let trails = requests.into_iter().map(|(id, line)| fetch(id, line, limits, now, logs, calls));
    join_all(trails).await
}

/// One Lambda request writes to exactly one log stream: searching that stream for
/// the id alone also finds the platform's START, REPORT and time-out lines.
async fn fetch(
    id: RequestId,
    line: &Line,
    limits: &Limits,
    now: DateTime<Utc>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Followed {
    let query = Query {
        log_group: line.log_group.clone(),
        stream: Some(line.stream.clone()),
        pattern: id.pattern(),
        start: line.at - LONGEST_REQUEST,
        end: (line.at + LONGEST_REQUEST).min(now.max(line.at)),
        order: Order::OldestFirst,
    };
    let mut found = search(&query, MOST_READ, logs, calls).await;
    if !found.lines.iter().any(|other| other == line) {
        // The search ended early or lags behind: the line itself is known all the same.
        found.lines.push(line.clone());
        found.lines.sort_by_key(|line| line.at);
    }
    let failure = found.error.map(|error| (id.clone(), line.log_group.clone(), error));
    if failure.is_some() && found.lines.len() == 1 {
        // Nothing but the line that is known anyway.
        return Followed { trail: None, failure };
    }
    let unread = found.matched.seen.saturating_sub(found.lines.len());
    let steps = shorten(found.lines, line, limits.trail_lines, unread);
    let (log_group, stream) = (line.log_group.clone(), line.stream.clone());
    Followed { trail: Some(Trail { id, log_group, stream, steps }), failure }
}

/// Keeps the lines nearest to the trail's start, its end, and the failing line.
/// `before` lines were already dropped ahead of the first.
fn shorten(lines: Vec<Line>, failing: &Line, keep: usize, before: usize) -> Vec<Step> {
    let last = lines.len().saturating_sub(1);
    let failure = lines.iter().position(|line| line == failing).unwrap_or(last);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&at| at.min(last - at).min(at.abs_diff(failure)));
    let mut kept = vec![false; lines.len()];
    order.into_iter().take(keep.max(1)).for_each(|at| kept[at] = true);

    let mut steps = Vec::new();
    let mut gap = before;
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
        let steps = shorten(all, &failing, 8, 0);
        assert_eq!(shown(&steps).join(" "), "0 1 2 (46) 49 50 51 (46) 98 99");
    }

    #[test]
    fn a_short_trail_is_kept_whole() {
        let all = lines(3);
        let failing = all[1].clone();
        assert_eq!(shown(&shorten(all.clone(), &failing, 100, 0)), ["0", "1", "2"]);
        assert_eq!(shown(&shorten(all, &failing, 100, 7)), ["(7)", "0", "1", "2"]);
    }
}
