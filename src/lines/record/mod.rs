//! What one log line says: its level, message, error and other fields.
//!
//! A line is unwrapped layer by layer until the program's own words are found. An object is read by
//! what its fields mean (`json`, `fields`, with the table `names`), an object that only carries a
//! line is opened (`envelope`), and `error` finds the error in it. Any other line is text (`text`):
//! columns, an object behind a head or a message, `key=value` (`logfmt`), or a head of time, host,
//! level and logger (`head`, with the times of `time`) before the words (`quote`). `stack` finds the
//! error in a stack trace, `partial` reads what is not quite JSON, `tail` takes the ids away.
//! Lambda's platform (`platform`), other services (`services`) and web servers (`access`) write
//! records without a message. `piece` tells which part a line has in a record of several lines, and
//! `severity` how severe a line is.

mod access;
mod envelope;
mod error;
mod fields;
mod head;
mod json;
mod label;
mod logfmt;
mod names;
mod partial;
mod piece;
mod platform;
mod quote;
mod services;
mod severity;
mod stack;
mod tail;
mod text;
mod time;
mod words;

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::{memchr2_iter, memchr3, memchr3_iter, memmem};

use crate::text::{clean, one_line};
pub use piece::Piece;
pub use platform::{Mark, Platform};
pub use severity::Severity;

/// How many layers of a line are unwrapped: a container's envelope around a collector's around a
/// logger's, and one to spare.
const LAYERS: usize = 5;

/// A parsed log line: structured if it is JSON, otherwise text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    pub level: Option<String>,
    /// The message as logged.
    pub message: String,
    /// The exception's type and message, if the line has one.
    pub exception: Option<Exception>,
    /// The stack trace, if the line has one outside the message.
    pub stack: Option<String>,
    /// The errors inside the exception, from the outermost.
    pub causes: Vec<Exception>,
    /// The user's own fields, as `key=value`.
    pub fields: Vec<String>,
    /// What Lambda's platform says, if the line is its own.
    pub platform: Option<Platform>,
    /// The message is a text line as it was logged, with its head.
    plain: bool,
    /// What is quoted of the message, if not its first line.
    quote: Option<String>,
}

/// An exception's name and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub name: String,
    pub message: Option<String>,
}

/// Whether a text can hold more than a head and a message: columns, `msg=`, an object, a request or
/// a stack trace on one line. Most lines are plain, and some are long.
fn is_more_than_plain(line: &[u8]) -> bool {
    let follows = |at: usize, word: &[u8]| line[..at].ends_with(word);
    line.trim_ascii_end().ends_with(b"\"}")
        || memchr3(b'\n', b'\t', 0x1b, line).is_some()
        || memchr3_iter(b'=', b'{', b'[', line).any(|at| match line[at] {
            b'=' => follows(at, b"msg") || follows(at, b"message"),
            b'{' => line.get(at + 1) == Some(&b'"'),
            _ => follows(at, b" threw exception "),
        })
        || memchr2_iter(b'/', b':', line).any(|at| match line[at] {
            b'/' => follows(at, b" HTTP"),
            _ => follows(at, b"RequestId"),
        })
        || memmem::find(line, b"   at ").is_some()
}

/// A line's message as a person would quote it, and the severity in the line. The same as reading
/// the record and its headline, but cheaper for plain text.
#[must_use]
pub fn message(line: &str) -> (Option<Severity>, Cow<'_, str>) {
    let start = line.trim_start();
    let plain = !start.starts_with('{') && !is_more_than_plain(line.as_bytes());
    if plain {
        let (severity, message) = head::split(line);
        return (severity, Cow::Borrowed(message));
    }
    let record = Record::read(line);
    let severity = record.severity().or_else(|| head::split(line).0);
    let headline = record.headline();
    // An object without a message is quoted as it is.
    let headline = if headline.is_empty() { line.trim().to_owned() } else { headline };
    (severity, Cow::Owned(headline))
}

/// The head of a text line: what stands before the message.
#[must_use]
pub fn head(line: &str) -> &str {
    let line = line.lines().next().unwrap_or(line).trim_end();
    let (_, message) = head::split(line);
    line.strip_suffix(message).unwrap_or_default()
}

impl Record {
    /// Reads a line in any format, layer by layer.
    #[must_use]
    pub fn read(line: &str) -> Self {
        // Most lines need no cleaning, and an object's texts are cleaned when they are shown.
        if line.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
            return Self::of_any(line, LAYERS);
        }
        Self::of_any(&clean(line), LAYERS)
    }

    fn of_any(line: &str, depth: usize) -> Self {
        // Only text that looks like an object is parsed, since most lines are not JSON.
        if line.trim_start().starts_with('{')
            && let Some(record) = Self::of_objects(line, depth)
        {
            return record;
        }
        Self::of_text(line, depth)
    }

    /// Whether the line, out of its envelope, is text as it was logged.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.plain
    }

    /// The severity in the line, if it has one.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        Severity::of_level(self.level.as_deref()?)
    }

    /// What a person would quote: the exception if there is one, otherwise the message. One line,
    /// without ids.
    #[must_use]
    pub fn headline(&self) -> String {
        let first = self.message.lines().find(|it| !it.trim().is_empty()).unwrap_or("");
        let starts = |first: char| first.is_ascii_digit() || first == '[';
        let message =
            if self.plain || first.starts_with(starts) { head::split(first).1 } else { first };
        let quote = self.quote.as_deref().map(one_line).filter(|it| !it.is_empty());
        let quote = quote.unwrap_or_else(|| one_line(message));
        let headline = match self.named() {
            None => quote,
            Some(Exception { name, message: Some(said) }) if !said.trim().is_empty() => {
                let said = said.trim();
                // A cause without a name is told behind the error that wraps it.
                let outer = self.exception.as_ref().map_or("", |outer| &outer.name);
                let name = if name.is_empty() { outer } else { name };
                let again = said.strip_prefix(name).and_then(|it| it.strip_prefix(": "));
                one_line(format!("{name}: {}", again.unwrap_or(said)).trim_start_matches(": "))
            }
            Some(Exception { name, .. }) if quote.contains(name.as_str()) => quote,
            Some(Exception { name, .. }) if quote.is_empty() => one_line(name),
            Some(Exception { name, .. }) => one_line(&format!("{name}: {quote}")),
        };
        tail::without_ids(&headline)
    }

    /// The error that a title names: the innermost where the outer one only wraps it.
    fn named(&self) -> Option<&Exception> {
        let outer = self.exception.as_ref()?;
        let told = |cause: &&Exception| !cause.name.is_empty() && !stack::is_generic(cause);
        if stack::is_generic(outer) {
            let nameless = || self.causes.iter().rev().find(|cause| cause.message.is_some());
            return self.causes.iter().rev().find(told).or_else(nameless).or(Some(outer));
        }
        Some(outer)
    }

    /// The line as shown in a trail: level, message, exception, the user's fields, the stack.
    #[must_use]
    pub fn display(&self) -> String {
        let mut shown = String::new();
        // A text line already shows its level.
        if let Some(level) = self.level.as_ref().filter(|_| !self.plain) {
            shown.push_str(level);
            shown.push(' ');
        }
        shown.push_str(self.message.trim_end());
        if let Some(Exception { name, message }) = &self.exception {
            let said = message.as_deref().unwrap_or_default();
            if !self.message.contains(name.as_str()) || !self.message.contains(said) {
                let colon = if said.is_empty() { "" } else { ": " };
                let _ = write!(shown, " · {name}{colon}{said}");
            }
        }
        for Exception { name, message } in &self.causes {
            let said = message.as_deref().unwrap_or_default();
            let colon = if name.is_empty() { "" } else { ": " };
            let _ = write!(shown, " · caused by {name}{colon}{said}");
        }
        for field in &self.fields {
            shown.push(' ');
            shown.push_str(field);
        }
        if let Some(stack) = &self.stack {
            shown.push('\n');
            shown.push_str(stack.trim_end());
        }
        clean(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headline(line: &str) -> String {
        Record::read(line).headline()
    }

    #[test]
    fn powertools_for_python() {
        let line = r#"{"level":"ERROR","location":"handler:9","message":"charge failed","timestamp":"2025-02-02 12:05:31,120+0000","service":"checkout","cold_start":false,"function_name":"checkout","function_request_id":"52fdfc07-2182-454f-963f-5f0f9a621d72","order":42,"exception":"Traceback (most recent call last):\n  File \"/var/task/app.py\", line 9, in handler\nKeyError: 'amount'","exception_name":"KeyError"}"#;
        let record = Record::read(line);
        assert_eq!(record.headline(), "KeyError: 'amount'");
        assert_eq!(
            record.display(),
            "ERROR charge failed · KeyError: 'amount' order=42\n\
             Traceback (most recent call last):\n  File \"/var/task/app.py\", line 9, in handler\n\
             KeyError: 'amount'"
        );
    }

    #[test]
    fn powertools_for_typescript() {
        let line = r#"{"level":"ERROR","message":"Request failed","error":{"name":"TypeError","location":"app.js:3","message":"Cannot read properties of undefined (reading 'id')","stack":"TypeError: x\n    at handler"}}"#;
        assert_eq!(headline(line), "TypeError: Cannot read properties of undefined (reading 'id')");
    }

    #[test]
    fn lambda_native_json_and_text() {
        assert_eq!(
            headline(
                r#"{"timestamp":"t","level":"ERROR","message":{"errorType":"X"},"requestId":"r"}"#
            ),
            "X"
        );
        assert_eq!(
            headline(r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: x exited"}"#),
            "Runtime.ExitError: RequestId: x exited"
        );
        assert_eq!(
            headline("2025-02-02T12:05:31.120Z\t52fdfc07-2182\tERROR\tboom\n    at x"),
            "boom"
        );
        assert_eq!(headline("[ERROR] disk \u{1b}[31mfull"), "disk full");
    }

    #[test]
    fn ids_that_every_line_carries_are_left_out_and_others_stay() {
        let line = r#"{"message":"lost","request_id":"52fdfc07","AwsRequestId":"52fdfc07","otelTraceID":"67891233","x_ray_trace_id":"1-2","trace":"at f","correlation_id":"c-1","jobId":7}"#;
        assert_eq!(Record::read(line).display(), "lost correlation_id=c-1 jobId=7 trace=at f");
    }

    #[test]
    fn logfmt_is_quoted_by_its_message() {
        let line = r#"level=error msg="payment service unavailable" correlation_id=c-1"#;
        assert_eq!(headline(line), "payment service unavailable");
        assert_eq!(Record::read(line).display(), line);
        assert_eq!(headline(r#"lvl=error msg=failed err="no route""#), "failed: no route");
    }

    #[test]
    fn unusual_lines_are_text() {
        for line in ["", "{", "[1]", "null", "\"x\"", "\u{0}"] {
            let _ = headline(line);
        }
        assert_eq!(headline("{\"a\":"), "{\"a\":");
        assert_eq!(headline(r#"{"a":1,"b":"x"}"#), "a=1 b=x");
        assert_eq!(Record::read(r#"{"a":1,"b":"x"}"#).display(), " a=1 b=x");
    }
}
