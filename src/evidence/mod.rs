//! Evidence: what the logs say about an alarm. Alarm → sources → window → search → trails.

mod calls;
pub mod cloudwatch;
mod collect;
pub mod correlation;
pub mod digest;
pub mod logs;
pub mod record;
mod search;
mod sources;
mod trail;
mod window;

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};

pub use collect::collect;
use correlation::RequestId;
pub use window::{Window, breach, window};

/// What was found about an alarm until the deadline, and what was not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// Where it was searched.
    pub sources: Vec<Source>,
    pub window: Option<Window>,
    /// The newest matching lines, oldest first.
    pub lines: Vec<Line>,
    /// How many lines matched; the lines kept may be fewer.
    pub matched: Count,
    /// The requests the newest matching lines belong to, newest first.
    pub trails: Vec<Trail>,
    /// What is missing and how to mend it, in plain words.
    pub notes: Vec<String>,
}

/// One metric filter that feeds the alarm: where to look, and for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub log_group: String,
    /// CloudWatch Logs filter pattern; empty matches every line.
    pub pattern: String,
}

/// A number of things seen, or at least seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub seen: usize,
    /// There may be more: the search ended before all was read.
    pub at_least: bool,
}

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: DateTime<Utc>,
    pub log_group: String,
    pub stream: String,
    pub text: String,
}

/// The lines of one request, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    pub id: RequestId,
    pub log_group: String,
    pub stream: String,
    pub steps: Vec<Step>,
}

/// One entry of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Line(Line),
    /// So many lines of the request are not shown here.
    LeftOut(NonZeroUsize),
}

/// How much evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Matching lines kept per alarm.
    pub lines: usize,
    /// Requests whose trail is fetched.
    pub trails: usize,
    /// Lines kept per trail.
    pub trail_lines: usize,
}

/// Bytes kept of one log event; an event may have up to 1 MB (CloudWatch Logs quotas),
/// and what stands behind this much is never shown.
pub const LINE_LIMIT: usize = 32_000;
