//! What a line is within a record that a program wrote over several lines or events: its words, the
//! error, a frame of the stack, or a line that only says that an error follows.

use super::{Platform, Record, head, quote, stack};

/// The part that a line has in a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A line with a head of its own, or an object: it begins a record.
    Head,
    /// A line without a head that is none of the below.
    Words,
    /// A line without a head that names an error.
    Error,
    /// `Caused by: …`: the error inside the one before.
    Cause,
    /// A line that only says that an error follows.
    Lead,
    /// A line of an object that was printed over several lines.
    Member,
    /// A frame of a stack trace, or what stands between frames: also an empty line.
    Frame,
    /// What Lambda's platform says of a failed invocation.
    Platform(Platform),
}

/// Beginnings of lines that say nothing but that an error follows.
const LEADS: [&str; 21] = [
    "Error raised from handler method",
    "Traceback (most recent call last)",
    "Error handling request",
    "Exception in ",
    "Exception on ",
    "Exception while ",
    "Unhandled exception",
    "Unhandled Exception",
    "Uncaught exception",
    "Uncaught Exception",
    "Internal Server Error",
    "During handling of the above exception",
    "The above exception was the direct cause",
    "[signal SIG",
    "Stack trace:",
    "Task exception was never retrieved",
    "An unhandled exception has occurred",
    "An unhandled exception occurred",
    "terminate called after throwing an instance of",
    "node:internal/",
    "triggerUncaughtException(",
];

impl Piece {
    /// The part of the line that was read as `record`.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        if let Some(platform) = &record.platform {
            return if platform.failed { Self::Platform(platform.clone()) } else { Self::Head };
        }
        if !record.plain || record.message.contains('\n') {
            return Self::Head;
        }
        // The program's own line, out of a collector's envelope.
        let line = &record.message;
        let bare = line.trim();
        if bare.is_empty() {
            return Self::Frame;
        }
        let said = head::split(bare).1;
        if stack::is_frame(line) || stack::is_frame(said) || is_between_frames(said) {
            return Self::Frame;
        }
        if said.starts_with("Caused by: ") {
            return Self::Cause;
        }
        if is_lead(said) || (said.len() < bare.len() && quote::is_category(said)) {
            return Self::Lead;
        }
        if bare == "{" {
            return Self::Head;
        }
        if is_member(bare) {
            return Self::Member;
        }
        if stack::starts_with_error(bare) || quote::exception(bare).is_some() {
            return Self::Error;
        }
        if said.len() < bare.len() { Self::Head } else { Self::Words }
    }
}

/// `"level": "error",`, `{`, `}`.
fn is_member(line: &str) -> bool {
    let key = line.strip_prefix('"').and_then(|it| it.split_once('"'));
    matches!(line, "}" | "}," | "[" | "]" | "],")
        || key.is_some_and(|(_, rest)| rest.starts_with(':'))
}

fn is_lead(said: &str) -> bool {
    LEADS.iter().any(|lead| said.starts_with(lead))
        || (said.contains("panicked at ") && said.ends_with(':'))
        // The line of code that Node prints before the error.
        || (said.contains("throw new ") && !said.starts_with("throw new Error: "))
        || said.starts_with("raise ")
}

/// `^`, `goroutine 7 [running]:`, `... 20 more`, Go's `main.run()`, C++'s `what():  words`.
fn is_between_frames(said: &str) -> bool {
    let marks = !said.is_empty() && said.bytes().all(|byte| b"^~ |-+".contains(&byte));
    let goroutine = said.starts_with("goroutine ") && said.ends_with(':');
    let call = said.ends_with(')')
        && !said.contains(' ')
        && said.split_once('(').is_some_and(|(name, _)| name.contains('.'));
    // Go's frame of the panic itself: `panic({0xf74a80?, 0x1501420?})`.
    let panic = said.starts_with("panic(") && said.ends_with(')');
    marks || goroutine || call || panic || said.starts_with("what():")
}
