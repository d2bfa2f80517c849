//! Evidence: what the logs say about an alarm, until a deadline.
//!
//! `collect` leads through it: `tags` and `subjects` say which alarms to look into,
//! `sources` (with [`table`] for AWS's own metrics) where, `window` when; `search` reads
//! the lines, `kinds` and `newest` keep what counts of them, `trail` follows a line of
//! each kind through its request. All of them ask through [`ports`], which [`aws`] fills
//! and [`Redacted`] guards, with the time that `calls` leaves, and `notes` says in plain
//! words what could not be had.

pub mod aws;
mod calls;
mod collect;
mod kinds;
mod newest;
mod notes;
pub mod ports;
mod redacted;
mod search;
mod sources;
mod subjects;
pub mod table;
pub mod tags;
mod trail;
mod window;

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};

pub use collect::{Collector, Limits};
pub use redacted::Redacted;
pub use sources::{Source, Why};
pub use window::{Window, breach, window};

use crate::lines::Line;
use crate::lines::correlation::Correlation;

/// What was found about an alarm until the deadline, and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// One part for a plain alarm; for a composite alarm one for each child.
    pub parts: Vec<Part>,
    /// What is missing and what to do about it, in plain words.
    pub notes: Vec<String>,
}

/// What was found about one alarm: the one that fired, or a child of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name of the child alarm; nothing for the alarm itself.
    pub child: Option<String>,
    /// Where it was searched.
    pub sources: Vec<Source>,
    /// When it was searched.
    pub window: Window,
    /// The time that its lines are from: that of the breach, or all that was searched where
    /// the breach's own time held none.
    pub span: Window,
    /// How many lines matched.
    pub matched: Count,
    /// The kinds among them, the most severe and frequent first.
    pub kinds: Vec<Kind>,
    /// The newest matching lines, oldest first.
    pub lines: Vec<Line>,
}

/// A group of matching lines that differ only in ids, numbers and times.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// What a person would quote of it, on one line.
    pub name: String,
    pub count: usize,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// The newest line of the kind.
    pub example: Line,
    pub trail: Option<Trail>,
}

/// A number of things seen, or at least seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub seen: usize,
    /// There may be more: the search ended before all was read.
    pub at_least: bool,
}

/// The lines of one request, run or trace, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// What ties the lines together; nothing where they only stand side by side.
    pub correlation: Option<Correlation>,
    /// The log group and stream of the line it was followed from.
    pub log_group: String,
    pub stream: String,
    pub steps: Vec<Step>,
}

/// One entry of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Line(Line),
    /// So many lines of the trail are not shown here.
    LeftOut(NonZeroUsize),
}

impl Part {
    /// The matching lines that no trail shows, oldest first.
    pub fn lines_without_trail(&self) -> impl Iterator<Item = &Line> {
        let trails = || self.kinds.iter().filter_map(|kind| kind.trail.as_ref());
        let shown =
            move |line: &Line| trails().any(|trail| trail.steps.iter().any(|step| step.is(line)));
        self.lines.iter().filter(move |line| !shown(line))
    }
}

impl Step {
    fn is(&self, line: &Line) -> bool {
        matches!(self, Self::Line(other) if other == line)
    }
}
