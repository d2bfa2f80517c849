//! One log line: what it says, which request it belongs to, and which kind of line it is. Pure
//! text: this module does not depend on AWS.
//!
//! - [`record`]: the line's level, message, error and fields.
//! - [`correlation`]: the ids by which a line can be followed.
//! - `shorten`: what is kept of a long line.
//! - `worker`: the thread or process that wrote the line.
//! - [`digest`]: groups many lines into kinds.

pub mod correlation;
pub mod digest;
pub mod record;
mod shorten;
pub(crate) mod worker;

pub use shorten::kept;

use chrono::{DateTime, Utc};

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    pub at: DateTime<Utc>,
    /// A name, or an ARN if the log group is in another account.
    pub log_group: String,
    pub stream: String,
    pub text: String,
}

/// Bytes kept of one log event. An event can have up to 1 MB (CloudWatch Logs quotas); of a longer
/// object the long values are cut, of a longer text the end.
pub const LINE_LIMIT: usize = 32_000;
