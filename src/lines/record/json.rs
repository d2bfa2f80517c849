//! Structured lines: level, message, error and the other fields, whatever names the logger uses.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::envelope::{self, Opened};
use super::fields::{DEPTH, Fields, is_text, object_in, text_of};
use super::names::Role;
use super::severity::Severity;
use super::{Exception, Record, error, quote, services, stack};
use crate::ids::{self, Scope};
use crate::text::{clean, cut, one_line};

/// How many fields stand for a message where there is none.
const FEW: usize = 6;

impl Record {
    /// Reads an object. `depth` is how many more layers are unwrapped.
    pub(super) fn of_json(map: Map<String, Value>, depth: usize) -> Self {
        if let Some(record) = services::read(&map) {
            return record;
        }
        let mut fields = Fields::of(map);
        let within = envelope::lift(&mut fields);
        if let Some(opened) = envelope::open(&mut fields, depth) {
            return Self::of_opened(opened, fields);
        }
        let mut record = Self { level: level(&mut fields, within), ..Self::default() };
        // OpenTelemetry keeps the error among the attributes.
        let mut attributes = attributes(&mut fields);
        let found = attributes.as_mut().and_then(error::take);
        if let Some(found) = found.or_else(|| error::take(&mut fields)) {
            record.exception = found.exception;
            record.stack = found.stack;
            record.causes = found.causes;
            if record.causes.is_empty()
                && let (Some(outer), Some(stack)) = (&record.exception, &record.stack)
                && stack::is_generic(outer)
            {
                record.causes.extend(stack::inside(stack, outer));
            }
            record.fields = found.details;
        }
        record.message = message(&mut fields, &mut record.exception);
        if record.exception.is_none() {
            let first = record.message.lines().next().unwrap_or_default();
            record.exception =
                stack::exception(&record.message).or_else(|| quote::exception(first));
        }
        record.error_text(&mut fields);
        record.name_of_words();
        if record.message.trim().is_empty() && record.exception.is_none() {
            record.quote = Some(in_place_of_message(&fields));
        }
        let kept = |name: &str, roles: super::names::Roles, value: &Value| {
            !(roles.has(Role::Boilerplate) && !(name == "name" && value.is_object()))
                && !roles.has(Role::Level)
                && !name.starts_with('_')
                && !is_followed(name)
        };
        fields.retain(kept);
        record.fields.extend(fields.shown());
        if let Some(mut attributes) = attributes {
            attributes.retain(kept);
            record.fields.extend(attributes.shown());
        }
        record
    }

    /// The line that an envelope held, with the envelope's level where the line has none.
    fn of_opened(opened: Opened, mut fields: Fields) -> Self {
        let mut record = match opened {
            Opened::Object(map, depth) => Self::of_json(map, depth),
            // Colours are escaped in JSON, and so still there.
            Opened::Text(text, depth) => Self::of_text(&clean(&text), depth),
        };
        if record.level.is_none() {
            record.level = level(&mut fields, true);
        }
        if record.severity().is_none() {
            record.level = record.level.filter(|_| false);
        }
        record
    }

    /// zap, slog, zerolog: the error is a text field beside the message.
    fn error_text(&mut self, fields: &mut Fields) {
        if self.exception.is_some() {
            return;
        }
        let Some(said) =
            fields.take_text(Role::Error).or_else(|| fields.take_text(Role::FlatWords))
        else {
            self.context_words(fields);
            return;
        };
        // `"reason": "AUTHORIZATION_FAILURE", "details": "Client is not allowed …"`.
        let words = if said.contains(' ') { None } else { fields.take_text(Role::Words) };
        let said = words.map_or(said.clone(), |words| format!("{said}: {words}"));
        if let Some(error) = super::stack::php_object(&said) {
            self.exception = Some(error);
            return;
        }
        if self.message.trim().is_empty() {
            self.message = said;
        } else if !self.message.contains(said.trim()) {
            self.message = format!("{}: {said}", self.message.trim_end());
        }
    }

    /// MongoDB and others keep what went wrong among the attributes: `"msg": "WiredTiger error",
    /// "attr": {"message": …}`.
    fn context_words(&mut self, fields: &Fields) {
        const CONTEXTS: [&str; 6] = ["attr", "attributes", "data", "details", "context", "meta"];
        if self.severity().is_some_and(|severity| severity < Severity::Error) {
            return;
        }
        let inner = fields.iter().filter(|(name, _)| CONTEXTS.contains(name));
        let said = inner.filter_map(|(_, value)| {
            ["error", "err", "errmsg", "message", "reason"]
                .iter()
                .find_map(|it| value.get(*it)?.as_str())
        });
        let said: Vec<&str> = said.filter(|said| !self.message.contains(said.trim())).collect();
        if let Some(said) = said.first() {
            self.message = format!("{}: {said}", self.message.trim_end());
        }
    }

    /// An error without a type is its words; the message comes before them where it says more.
    fn name_of_words(&mut self) {
        let Some(Exception { name, message: Some(said) }) = &self.exception else { return };
        if !name.is_empty() && !is_go_type(name) {
            return;
        }
        let said = said.clone();
        let message = self.message.trim();
        if message.is_empty() || said.contains(message) {
            self.message = said;
        } else if !message.contains(said.trim()) {
            self.message = format!("{message}: {said}");
        }
        self.exception = None;
    }
}

/// Go's types for errors that were made from a text.
fn is_go_type(name: &str) -> bool {
    let last = name.rsplit(['.', '*']).next().unwrap_or(name);
    matches!(
        last,
        "errorString"
            | "wrapError"
            | "wrapErrors"
            | "joinError"
            | "fundamental"
            | "withStack"
            | "withMessage"
    )
}

/// The level in any spelling: a name, a number of pino, syslog or OpenTelemetry, an object with a
/// name. `status` and `type` are levels only where the value is the name of one.
fn level(fields: &mut Fields, wrapped: bool) -> Option<String> {
    let gelf = fields.iter().any(|(name, _)| matches!(name, "short_message" | "MESSAGE"));
    let named = fields.all(Role::Level).into_iter().find_map(|(name, value)| {
        let value = match value {
            Value::Object(map) => map.get("name").or_else(|| map.get("standardLevel"))?,
            value => value,
        };
        let level = match value {
            Value::Number(number) => number_name(number.as_u64()?, name, gelf)?.to_owned(),
            Value::String(text) => {
                let text = text.trim();
                match text.parse::<u64>() {
                    Ok(number) => number_name(number, name, gelf)?.to_owned(),
                    Err(_) => text.to_uppercase(),
                }
            }
            _ => return None,
        };
        let strict = wrapped || !name.to_ascii_lowercase().contains("level");
        (!strict || Severity::of_level(&level).is_some()).then(|| (name.to_owned(), level))
    });
    let (name, level) = named?;
    fields.remove(&name);
    Some(level)
}

/// The names of the level numbers of pino and bunyan, of syslog (GELF, journald) and of
/// OpenTelemetry.
fn number_name(level: u64, name: &str, gelf: bool) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if gelf || lower.contains("priority") || (lower.contains("severity") && level < 8) {
        return ["EMERG", "ALERT", "CRIT", "ERROR", "WARN", "NOTICE", "INFO", "DEBUG"]
            .get(usize::try_from(level).ok()?)
            .copied();
    }
    if lower.contains("number") {
        return Some(match level {
            1..=4 => "TRACE",
            5..=8 => "DEBUG",
            9..=12 => "INFO",
            13..=16 => "WARN",
            17..=20 => "ERROR",
            21..=24 => "FATAL",
            _ => return None,
        });
    }
    if !lower.contains("level") && !lower.contains("severity") && lower != "l" {
        return None;
    }
    // pino and bunyan count in tens, Monolog in hundreds, syslog from 0 for the worst.
    Some(match level {
        10 => "TRACE",
        7 | 20 | 100 => "DEBUG",
        6 | 30 | 200 => "INFO",
        250 => "NOTICE",
        4 | 40 | 300 => "WARN",
        3 | 50 | 400 => "ERROR",
        0..=2 | 500 => "CRITICAL",
        60 => "FATAL",
        550 => "ALERT",
        600 => "EMERGENCY",
        _ => return None,
    })
}

/// Takes the message: a text, or what stands for it.
fn message(fields: &mut Fields, exception: &mut Option<Exception>) -> String {
    let fits = |value: &Value| match value {
        Value::String(_) => is_text(value),
        Value::Object(_) => true,
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    let text = fields.take(Role::Message, is_text).or_else(|| fields.take(Role::Message, fits));
    match text {
        Some((name, Value::String(template))) if name == "@mt" || name == "MessageTemplate" => {
            fill(&template, fields)
        }
        Some((_, Value::String(message))) => message,
        Some((_, Value::Object(inner))) => nested(&inner, exception),
        Some((_, Value::Array(parts))) => {
            let parts: Vec<String> = parts
                .iter()
                .take(FEW)
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                .collect();
            parts.join(" ")
        }
        Some((_, other)) => other.to_string(),
        None => String::new(),
    }
}

/// A message that is an object: OpenTelemetry's typed value, or an object logged in Lambda's
/// JSON format.
fn nested(inner: &Map<String, Value>, exception: &mut Option<Exception>) -> String {
    if let Some(Value::String(message)) = inner.get("stringValue") {
        return message.clone();
    }
    let record = Record::of_json(inner.clone(), 1);
    if exception.is_none() {
        exception.clone_from(&record.exception);
    }
    let headline = record.headline();
    if record.message.trim().is_empty() && record.exception.is_some() {
        return headline;
    }
    let shown = one_line(&record.display());
    if shown.contains(&headline) || headline.is_empty() { shown } else { headline }
}

/// Serilog's template with its fields filled in: `Order {Id} rejected`, `{@Cart}`, `{Sum:0.00}`.
fn fill(template: &str, fields: &Fields) -> String {
    let properties = fields.iter().find(|(name, _)| *name == "Properties").map(|(_, it)| it);
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((hole, after)) = behind.split_once('}') else {
            filled.push('{');
            rest = behind;
            continue;
        };
        let name = hole.split([':', ',']).next().unwrap_or(hole).trim_start_matches(['@', '$']);
        let value = fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value);
        match value.or_else(|| properties?.get(name)) {
            Some(Value::String(text)) => filled.push_str(text),
            Some(value) => filled.push_str(&cut(&value.to_string(), 200)),
            None => {
                let _ = write!(filled, "{{{hole}}}");
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// What is quoted of an object without a message: the longest text that reads like a sentence,
/// otherwise its first fields.
fn in_place_of_message(fields: &Fields) -> String {
    let mut longest = String::new();
    for (_, value) in fields.iter() {
        sentence(value, DEPTH, &mut longest);
    }
    if !longest.is_empty() {
        return longest;
    }
    let told = fields.iter().filter(|(name, value)| {
        !super::names::Roles::of(name).has(Role::Boilerplate)
            && !is_followed(name)
            && !value.is_object()
            && !value.is_array()
    });
    let told: Vec<String> = told
        .take(FEW)
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}={}", cut(text, 80)),
            other => format!("{name}={other}"),
        })
        .collect();
    if told.is_empty() { fields.shown().join(" ") } else { told.join(" ") }
}

fn sentence(value: &Value, depth: usize, longest: &mut String) {
    match value {
        Value::String(text) => {
            if depth > 0
                && let Some(map) = object_in(text)
            {
                sentence(&Value::Object(map), depth - 1, longest);
            } else if reads_like_a_sentence(text) && text.len() > longest.len() {
                longest.clone_from(text);
            }
        }
        Value::Object(map) if depth > 0 => {
            map.values().for_each(|value| sentence(value, depth - 1, longest));
        }
        Value::Array(list) if depth > 0 => {
            list.iter().take(20).for_each(|value| sentence(value, depth - 1, longest));
        }
        _ => {}
    }
}

/// Three words or more that are mostly letters; not a browser's name and not a stack trace.
fn reads_like_a_sentence(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| {
        word.chars().filter(|letter| letter.is_alphabetic()).count() * 2 > word.chars().count()
    });
    let unspaced = text.chars().filter(|letter| *letter > '\u{2e80}').count() >= 6;
    (words.take(3).count() == 3 || unspaced)
        && text.len() <= 2_000
        && !text.starts_with("Mozilla/")
        && !text.contains("\n    at ")
}

/// The ids of an invocation, a request and a trace: the head of the trail already shows them.
fn is_followed(name: &str) -> bool {
    matches!(ids::scope(name), Some(Scope::Invocation | Scope::Request | Scope::Trace))
}

/// OpenTelemetry's attributes: an object, or a list of keys and typed values.
fn attributes(fields: &mut Fields) -> Option<Fields> {
    let value = ["attributes", "Attributes"].iter().find_map(|name| fields.remove(name))?;
    match value {
        Value::Object(map) => Some(Fields::of(map)),
        Value::Array(pairs) => Some(Fields::of(envelope::pairs(&pairs))),
        _ => None,
    }
}

/// A typed value's text, for the tables of OpenTelemetry.
pub(super) fn plain(value: &Value) -> Value {
    text_of(value).map_or_else(|| value.clone(), |text| Value::String(text.to_owned()))
}
