//! Reads the lines of a trail: by a query, or several, and puts together what they found.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::super::calls::Calls;
use super::super::newest::Newest;
use super::super::ports::{LogSource, LookupError, Order, Query};
use super::super::search::search;
use super::{Followed, MOST_BESIDE, MOST_READ, NEAR, Reach, invocation, shorten};
use crate::evidence::Trail;
use crate::lines::Line;
use crate::lines::correlation::Correlation;

/// The lines that were read, oldest first, the followed line among them.
pub(super) struct Read {
    pub(super) lines: Vec<Line>,
    pub(super) failures: Vec<(String, LookupError)>,
}

impl Read {
    /// Adds the lines of another search that are not there yet.
    pub(super) fn join(&mut self, lines: Vec<Line>) {
        let known: HashSet<Line> = self.lines.iter().cloned().collect();
        self.lines.extend(lines.into_iter().filter(|line| !known.contains(line)));
        self.lines.sort_by_key(|line| line.at);
    }

    /// Whether these lines of the time near a line are all those of a query.
    pub(super) fn covers(&self, query: &Query, line: &Line) -> bool {
        let near = query.start >= line.at - NEAR && query.end <= line.at + NEAR;
        near && self.failures.is_empty() && self.lines.len() < MOST_BESIDE
    }

    /// Adds the lines without an id that stand between those of the request, unless another
    /// request wrote at the same time.
    pub(super) fn fill(&mut self, mut stretch: Self, id: &Correlation) {
        let known: HashSet<&Line> = self.lines.iter().collect();
        let first = stretch.lines.iter().position(|line| known.contains(line));
        let last = stretch.lines.iter().rposition(|line| known.contains(line));
        let (Some(first), Some(last)) = (first, last) else {
            self.failures.extend(stretch.failures);
            return;
        };
        let inside = &stretch.lines[first..=last];
        if inside.iter().any(|line| invocation::is_of_other(line, id)) {
            self.failures.extend(stretch.failures);
            return;
        }
        stretch.lines.truncate(last + 1);
        stretch.lines.drain(..first);
        let by_id = std::mem::replace(&mut self.lines, stretch.lines);
        self.failures.extend(stretch.failures);
        self.join(by_id);
    }

    /// These lines beside the line; where they could not be read, those that were found by an id.
    pub(super) fn followed_or(
        self,
        line: &Line,
        by_id: Option<(Self, &Correlation)>,
        reach: Reach<'_>,
    ) -> Followed {
        let alone = self.lines.len() == 1;
        let mut followed = self.followed(line, None, reach);
        if let Some((read, correlation)) = by_id {
            if alone || followed.trail.is_none() {
                followed.trail = read.followed(line, Some(correlation), reach).trail;
            } else {
                followed.failures.extend(read.failures);
            }
        }
        followed
    }

    pub(super) fn followed(
        self,
        line: &Line,
        correlation: Option<&Correlation>,
        reach: Reach<'_>,
    ) -> Followed {
        if self.lines.len() == 1 && !self.failures.is_empty() {
            // Only the line that is known anyway.
            return Followed { trail: None, failures: self.failures };
        }
        let steps = shorten(self.lines, line, reach.trail_lines);
        let failing = steps.iter().position(|step| step.is(line));
        let trail = Trail {
            correlation: correlation.cloned(),
            log_group: line.log_group.clone(),
            stream: line.stream.clone(),
            failing,
            error: failing.map_or(steps.len()..steps.len(), |at| at..at + 1),
            steps,
        };
        Followed { trail: Some(trail), failures: self.failures }
    }
}

pub(super) async fn read(
    line: &Line,
    queries: Vec<Query>,
    logs: &impl LogSource,
    calls: &Calls,
) -> Read {
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
