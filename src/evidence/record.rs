//! What one log line says: its level, its message, the error in it, and the rest.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::digest::Severity;
use crate::text::{clean, one_line};

/// A log line, read: structured where it is JSON, else by its text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    pub level: Option<String>,
    /// The message as logged.
    pub message: String,
    /// The exception's type and its own message, where the line holds one.
    pub exception: Option<Exception>,
    /// The stack trace, where the line holds one apart from the message.
    pub stack: Option<String>,
    /// The user's own fields, as `key=value`.
    pub fields: Vec<String>,
}

/// An exception's name and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub name: String,
    pub message: Option<String>,
}

/// Fields that every line carries and nobody reads at night.
const BOILERPLATE: [&str; 29] = [
    "AWSRequestId",
    "FunctionRequestId",
    "ColdStart",
    "cold_start",
    "coldStart",
    "faas.coldstart",
    "faas.execution",
    "function_arn",
    "functionArn",
    "function_memory_size",
    "functionMemorySize",
    "function_name",
    "functionName",
    "function_request_id",
    "functionRequestId",
    "function_version",
    "functionVersion",
    "location",
    "logger",
    "requestId",
    "sampling_rate",
    "service",
    "time",
    "timestamp",
    "@timestamp",
    "thread",
    "xRayTraceId",
    "xray_trace_id",
    "name",
];

const LEVELS: [&str; 9] =
    ["FATAL", "CRITICAL", "ERROR", "WARNING", "WARN", "NOTICE", "INFO", "DEBUG", "TRACE"];

impl Record {
    /// Reads a line in whatever form it was logged.
    #[must_use]
    pub fn read(line: &str) -> Self {
        match serde_json::from_str::<Value>(line.trim()) {
            Ok(Value::Object(fields)) => Self::of_json(fields),
            _ => Self::of_text(line),
        }
    }

    /// How bad the line says it is, where it says so.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        Severity::of_level(self.level.as_deref()?)
    }

    /// What a person would quote: the exception where there is one, else the message.
    /// One line.
    #[must_use]
    pub fn headline(&self) -> String {
        let message = one_line(self.message.lines().find(|it| !it.trim().is_empty()).unwrap_or(""));
        match &self.exception {
            None => message,
            Some(Exception { name, message: Some(said) }) if !said.trim().is_empty() => {
                one_line(&format!("{name}: {said}"))
            }
            Some(Exception { name, .. }) if message.contains(name.as_str()) => message,
            Some(Exception { name, .. }) => one_line(&format!("{name}: {message}")),
        }
    }

    /// The line as it reads in a trail: level, message, exception, the user's fields,
    /// the stack.
    #[must_use]
    pub fn display(&self) -> String {
        let mut shown = String::new();
        if let Some(level) = &self.level {
            shown.push_str(level);
            shown.push(' ');
        }
        shown.push_str(self.message.trim_end());
        if let Some(Exception { name, message }) = &self.exception {
            let said = message.as_deref().unwrap_or_default();
            if !self.message.contains(name.as_str()) || !self.message.contains(said) {
                let _ = write!(shown, " · {name}: {said}");
            }
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

    fn of_json(mut fields: Map<String, Value>) -> Self {
        if let Some(platform) = Self::of_platform(&fields) {
            return platform;
        }
        let mut record = Self {
            level: take_text(&mut fields, &["level", "Level", "log.level", "severity"])
                .map(|level| level.to_uppercase()),
            ..Self::default()
        };
        record.exception_of(&mut fields);
        record.message = match take(&mut fields, &["message", "Message", "msg", "errorMessage"]) {
            Some(Value::String(message)) => message,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        fields.retain(|key, value| {
            !BOILERPLATE.contains(&key.as_str()) && !value.is_null() && value != ""
        });
        record.fields = fields
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => format!("{key}={text}"),
                other => format!("{key}={other}"),
            })
            .collect();
        record
    }

    /// Powertools for Python writes `exception_name` and `exception`, for TypeScript
    /// and .NET an object; Lambda's own JSON `errorType` and `stackTrace`.
    fn exception_of(&mut self, fields: &mut Map<String, Value>) {
        for key in ["error", "exception", "Exception", "err"] {
            let Some(Value::Object(error)) = fields.get(key) else { continue };
            let mut error = error.clone();
            let names = ["name", "type", "errorType", "class", "Type"];
            let Some(name) = take_text(&mut error, &names) else { continue };
            let message = take_text(&mut error, &["message", "errorMessage", "Message"]);
            let stacks = ["stack", "stack_trace", "stackTrace", "StackTrace"];
            self.stack = take(&mut error, &stacks).map(|stack| stack_text(&stack));
            self.exception = Some(Exception { name, message });
            fields.remove(key);
            return;
        }
        let Some(name) = take_text(fields, &["exception_name", "errorType", "exception.type"])
        else {
            return;
        };
        let stacks = ["exception", "stackTrace", "stack_trace", "stack", "exception.stacktrace"];
        let stack = take(fields, &stacks).map(|stack| stack_text(&stack));
        let message = take_text(fields, &["exception.message"]).or_else(|| {
            let said = stack.as_deref().and_then(|stack| last_words(stack, &name));
            said.or_else(|| fields.get("errorMessage")?.as_str().map(str::to_owned))
        });
        self.exception = Some(Exception { name, message });
        self.stack = stack;
    }

    /// Lambda's platform events, as they are written in JSON log format.
    fn of_platform(fields: &Map<String, Value>) -> Option<Self> {
        let kind = fields.get("type")?.as_str()?.strip_prefix("platform.")?;
        let record = fields.get("record")?.as_object()?;
        let mut message = format!("{} RequestId", kind.to_uppercase());
        if let Some(status) = record.get("status").and_then(Value::as_str) {
            message = format!("{} status={status}", kind.to_uppercase());
        }
        for key in ["errorType", "metrics"] {
            if let Some(value) = record.get(key) {
                let _ = write!(message, " {key}={value}");
            }
        }
        Some(Self { message, ..Self::default() })
    }

    fn of_text(line: &str) -> Self {
        let line = clean(line);
        // Node on Lambda: time, request id, level, message, between tabs.
        let mut columns = line.splitn(4, '\t');
        if let (Some(_), Some(_), Some(level), Some(message)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
            && LEVELS.contains(&level.trim())
        {
            return Self {
                level: Some(level.trim().to_owned()),
                message: message.to_owned(),
                ..Self::default()
            };
        }
        Self { message: line.trim_end().to_owned(), ..Self::default() }
    }
}

fn take(fields: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    names.iter().find_map(|name| fields.remove(*name))
}

fn take_text(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let name = names.iter().find(|name| fields.get(**name).is_some_and(Value::is_string))?;
    fields.remove(*name).and_then(|value| value.as_str().map(str::to_owned))
}

fn stack_text(stack: &Value) -> String {
    match stack {
        Value::String(text) => text.clone(),
        Value::Array(frames) => {
            let frames: Vec<String> = frames.iter().map(stack_text).collect();
            frames.join("\n")
        }
        other => other.to_string(),
    }
}

/// What the exception said: the last line of a Python traceback is `Name: words`.
fn last_words(stack: &str, name: &str) -> Option<String> {
    let last = stack.lines().rev().find(|line| !line.trim().is_empty())?;
    let (_, said) = last.split_once(name)?;
    said.strip_prefix(": ").map(str::to_owned)
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
            r#"{"errorType":"X"}"#
        );
        assert_eq!(
            headline(r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: x exited"}"#),
            "Runtime.ExitError: RequestId: x exited"
        );
        assert_eq!(
            headline("2025-02-02T12:05:31.120Z\t52fdfc07-2182\tERROR\tboom\n    at x"),
            "boom"
        );
        assert_eq!(headline("[ERROR] disk \u{1b}[31mfull"), "[ERROR] disk full");
    }

    #[test]
    fn odd_lines_are_text() {
        for line in ["", "{", "[1]", "null", "\"x\"", "\u{0}"] {
            let _ = headline(line);
        }
        assert_eq!(headline("{\"a\":"), "{\"a\":");
        assert_eq!(Record::read(r#"{"a":1,"b":"x"}"#).display(), " a=1 b=x");
    }
}
