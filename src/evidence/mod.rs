//! Evidence: what the logs say about an alarm, until a deadline.
//!
//! `collect` runs the steps. `tags` and `subjects` say which alarms to investigate, `sources`
//! (with [`table`] for AWS's own metrics and its [`words`]) says where to search, and `window`
//! when. `search`
//! reads the lines, `records` puts those of one failure together, `kinds` and `newest` keep the
//! important ones, `trail` follows one line of each kind through its request, and `whole` names the
//! kind by the whole record found there; `parts` knows lines that were cut into several events.
//! All calls go through [`ports`], which [`aws`] implements
//! and [`Redacted`] wraps, within the time that `calls` has left. `notes` says what could not
//! be read.

pub mod aws;
mod calls;
mod collect;
mod kinds;
mod newest;
mod notes;
mod parts;
pub mod ports;
mod records;
mod redacted;
mod search;
mod sources;
mod subjects;
pub mod table;
pub mod tags;
mod trail;
mod whole;
mod window;
pub mod words;

use std::num::NonZeroUsize;
use std::ops::Range;

use chrono::{DateTime, Utc};

pub use collect::{Collector, Limits};
pub use redacted::Redacted;
pub use sources::{Source, Why};
pub use window::{Window, breach, window};

use crate::lines::Line;
use crate::lines::correlation::Correlation;

/// What was found about an alarm before the deadline, and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// One part for a simple alarm; one for each child of a composite alarm.
    pub parts: Vec<Part>,
    /// What is missing, and what to do about it.
    pub notes: Vec<String>,
}

/// How far the evidence is, for questions that are asked meanwhile.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The part's place in [`Evidence::parts`].
    pub place: usize,
    pub stage: Stage,
    pub part: Part,
}

/// What is known of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Where and when its lines are searched.
    Sources,
    /// Its lines and kinds; the trails are followed next.
    Lines,
}

/// What was found about one alarm: the one that fired, or a child of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The name of the child alarm; nothing for the alarm itself.
    pub child: Option<String>,
    /// Where the search was done.
    pub sources: Vec<Source>,
    /// The time span that was searched.
    pub window: Window,
    /// The time span of its lines: the time of the breach, or the whole searched time if no line
    /// matched during the breach.
    pub span: Window,
    /// How many lines matched.
    pub matched: Count,
    /// The kinds among them, the most severe and frequent first.
    pub kinds: Vec<Kind>,
    /// The newest matching lines, oldest first.
    pub lines: Vec<Line>,
    /// Where nothing matched: the last lines of the place that was searched.
    pub latest: Option<Trail>,
}

/// A group of matching lines that differ only in ids, numbers and times.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// The part that a person would quote, on one line.
    pub name: String,
    pub count: usize,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// The newest line of the kind, which the trail follows.
    pub example: Line,
    /// The line of the same failure that names the error, if that is another one.
    pub naming: Option<Line>,
    /// The same for all lines of the kind, wherever and whenever they are read.
    pub fingerprint: String,
    pub trail: Option<Trail>,
}

/// How many were seen: an exact number or a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub seen: usize,
    /// There can be more: the search ended before everything was read.
    pub at_least: bool,
}

/// The lines of one request, run or trace, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// What the lines have in common; nothing if they are only neighbours in the stream.
    pub correlation: Option<Correlation>,
    /// The log group and stream of the line where the trail started.
    pub log_group: String,
    pub stream: String,
    pub steps: Vec<Step>,
    /// The step with the line that was followed; nothing if the trail is not that of an error.
    pub failing: Option<usize>,
    /// The steps of the failing line's record, which can be several events. Without a failing
    /// line it is empty, and stands behind the last step.
    pub error: Range<usize>,
}

/// One entry of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Line(Line),
    /// The number of lines that are not shown here.
    LeftOut(NonZeroUsize),
}

impl Part {
    /// The matching lines that no trail shows, oldest first.
    pub fn lines_without_trail(&self) -> impl Iterator<Item = &Line> {
        let trails = || self.kinds.iter().filter_map(|kind| kind.trail.as_ref());
        let shown = move |line: &Line| trails().any(|trail| trail.shows(line));
        self.lines.iter().filter(move |line| !shown(line))
    }
}

impl Kind {
    /// The line that names the error.
    #[must_use]
    pub fn naming_line(&self) -> &Line {
        self.naming.as_ref().unwrap_or(&self.example)
    }
}

impl Trail {
    fn shows(&self, line: &Line) -> bool {
        self.steps.iter().any(|step| step.is(line))
    }
}

impl Step {
    fn is(&self, line: &Line) -> bool {
        matches!(self, Self::Line(other) if other == line)
    }
}
