//! Structured lines: where each logger writes level, message, error and stack.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Exception, Record, stack};
use crate::ids::{self, Scope};

/// Fields that every line has and that do not help the reader.
const BOILERPLATE: [&str; 44] = [
    "ColdStart",
    "cold_start",
    "coldStart",
    "faas.coldstart",
    "function_arn",
    "functionArn",
    "function_memory_size",
    "functionMemorySize",
    "function_name",
    "functionName",
    "function_version",
    "functionVersion",
    "location",
    "logger",
    "sampling_rate",
    "service",
    "time",
    "timestamp",
    "@timestamp",
    "thread",
    "name",
    // pino, bunyan, zap, slog
    "pid",
    "hostname",
    "v",
    "ts",
    "caller",
    // logback, log4j2
    "@version",
    "level_value",
    "logger_name",
    "loggerName",
    "loggerFqcn",
    "thread_name",
    "threadId",
    "threadPriority",
    "instant",
    "endOfBatch",
    // serilog
    "@t",
    "@i",
    "Timestamp",
    "MessageTemplate",
    // OpenTelemetry
    "observedTimestamp",
    "severityNumber",
    "instrumentationScope",
    "resource",
];

/// The ids of an invocation, a request and a trace count too: the head of the trail already shows
/// them.
fn is_boilerplate(key: &str) -> bool {
    let id = ids::scope(key);
    BOILERPLATE.contains(&key)
        || matches!(id, Some(Scope::Invocation | Scope::Request | Scope::Trace))
}

const LEVELS: [&str; 9] = [
    "level",
    "Level",
    "log.level",
    "severity",
    "severityText",
    "SeverityText",
    "severity_text",
    "@l",
    "levelname",
];

/// The rendered message comes before its template, and the logger's message before the error's.
const MESSAGES: [&str; 13] = [
    "message",
    "Message",
    "msg",
    "@m",
    "RenderedMessage",
    "@mt",
    "MessageTemplate",
    "body",
    "Body",
    "event",
    "log",
    "errorMessage",
    "text",
];

const STACKS: [&str; 12] = [
    "stack",
    "stack_trace",
    "stackTrace",
    "StackTrace",
    "stacktrace",
    "extendedStackTrace",
    "exception",
    "Exception",
    "@x",
    "exc_info",
    "exception.stacktrace",
    "error.stack_trace",
];

impl Record {
    pub(super) fn of_json(mut fields: Map<String, Value>) -> Self {
        if let Some(platform) = Self::of_platform(&fields) {
            return platform;
        }
        let level = take(&mut fields, &LEVELS, |value| value.is_string() || value.is_u64());
        let mut record = Self {
            level: level.map(|level| match level {
                Value::String(name) => name.to_uppercase(),
                number => number_name(&number),
            }),
            ..Self::default()
        };
        record.exception_of(&mut fields);
        record.message_of(&mut fields);
        fields.retain(|key, value| !is_boilerplate(key) && !value.is_null() && value != "");
        record.fields = fields
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => format!("{key}={text}"),
                other => format!("{key}={other}"),
            })
            .collect();
        record
    }

    fn message_of(&mut self, fields: &mut Map<String, Value>) {
        self.message = match take(fields, &MESSAGES, |_| true) {
            Some(Value::String(message)) => message,
            Some(Value::Object(inner)) => self.nested(inner),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        // zap and slog: the error is a separate text field.
        for key in ["error", "err"] {
            if self.exception.is_none()
                && let Some(Value::String(error)) = fields.get(key)
                && !error.trim().is_empty()
            {
                if self.message.trim().is_empty() {
                    self.message.clone_from(error);
                } else if !self.message.contains(error.as_str()) {
                    self.message = format!("{}: {error}", self.message.trim_end());
                }
                fields.remove(key);
            }
        }
    }

    /// A message that is an object: OpenTelemetry's typed value, or an object logged in Lambda's
    /// JSON format.
    fn nested(&mut self, mut inner: Map<String, Value>) -> String {
        if let Some(Value::String(message)) = inner.get("stringValue") {
            return message.clone();
        }
        let shown = Value::Object(inner.clone()).to_string();
        if self.exception.is_some() {
            return shown;
        }
        self.exception_of(&mut inner);
        match &self.exception {
            Some(Exception { name, message: Some(said) }) => format!("{name}: {said}"),
            Some(Exception { name, .. }) => name.clone(),
            None => shown,
        }
    }

    /// The error in the fields: an object, separate fields, or the text of a stack trace.
    fn exception_of(&mut self, fields: &mut Map<String, Value>) {
        for key in ["error", "exception", "Exception", "err", "thrown"] {
            let Some(Value::Object(error)) = fields.get(key) else { continue };
            let mut error = error.clone();
            let names = ["name", "type", "errorType", "class", "Type", "ClassName"];
            let Some(name) = take_text(&mut error, &names) else { continue };
            let message = take_text(&mut error, &["message", "errorMessage", "Message"]);
            self.stack = take(&mut error, &STACKS, |_| true).map(|stack| stack_text(&stack));
            self.exception = Some(Exception { name, message });
            fields.remove(key);
            return;
        }
        // OpenTelemetry keeps the error among the attributes.
        if let Some(mut attributes) = attributes(fields) {
            self.exception_fields(&mut attributes);
        }
        if self.exception.is_none() {
            self.exception_fields(fields);
        }
        if self.exception.is_some() {
            return;
        }
        // logback, winston, structlog, serilog: the error's name is only in the stack's text.
        let trace = |value: &Value| match value {
            Value::String(text) => stack::exception(text).is_some(),
            Value::Array(_) => true,
            _ => false,
        };
        if let Some(text) = take(fields, &STACKS, trace).map(|stack| stack_text(&stack)) {
            self.exception = stack::exception(&text);
            self.stack = Some(text);
        }
    }

    fn exception_fields(&mut self, fields: &mut Map<String, Value>) {
        let names = ["exception_name", "errorType", "exception.type", "error.type", "exc_type"];
        let Some(name) = take_text(fields, &names) else { return };
        let stack = take(fields, &STACKS, |_| true).map(|stack| stack_text(&stack));
        let said = ["exception.message", "error.message", "exception_message"];
        let message = take_text(fields, &said).or_else(|| {
            let said = stack.as_deref().and_then(|stack| stack::words_of(stack, &name));
            said.or_else(|| fields.get("errorMessage")?.as_str().map(str::to_owned))
        });
        self.exception = Some(Exception { name, message });
        self.stack = stack;
    }

    /// Lambda's platform events in JSON log format.
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
}

/// The names of the level numbers of pino and bunyan.
fn number_name(level: &Value) -> String {
    match level.as_u64() {
        Some(10) => "TRACE".to_owned(),
        Some(20) => "DEBUG".to_owned(),
        Some(30) => "INFO".to_owned(),
        Some(40) => "WARN".to_owned(),
        Some(50) => "ERROR".to_owned(),
        Some(60) => "FATAL".to_owned(),
        _ => level.to_string(),
    }
}

/// OpenTelemetry's attributes: an object, or a list of keys and typed values.
fn attributes(fields: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let key = ["attributes", "Attributes"].into_iter().find(|key| fields.contains_key(*key))?;
    let holds = |map: &Map<String, Value>| map.contains_key("exception.type");
    match fields.get(key)? {
        Value::Object(map) if holds(map) => {
            let map = map.clone();
            fields.remove(key);
            Some(map)
        }
        Value::Array(pairs) => {
            let map: Map<String, Value> = pairs
                .iter()
                .filter_map(|pair| {
                    let value = pair.get("value")?;
                    let value = value.get("stringValue").unwrap_or(value);
                    Some((pair.get("key")?.as_str()?.to_owned(), value.clone()))
                })
                .collect();
            holds(&map).then(|| {
                fields.remove(key);
                map
            })
        }
        _ => None,
    }
}

fn take(
    fields: &mut Map<String, Value>,
    names: &[&str],
    fits: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let name = names.iter().find(|name| fields.get(**name).is_some_and(&fits))?;
    fields.remove(*name)
}

fn take_text(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    match take(fields, names, Value::is_string) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
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
