//! Envelopes: objects that only carry a line of somebody else, and are opened until the line itself
//! is found.

use serde_json::{Map, Value};

use super::fields::{Fields, is_text, object_in};
use super::json::plain;
use super::names::{Role, Roles};

/// What an envelope held, and how many more layers may be opened.
pub(super) enum Opened {
    Object(Map<String, Value>, usize),
    Text(String, usize),
}

/// Lifts the members of an inner record (Rust's tracing, loguru, Stackdriver, OpenTelemetry's
/// export, ECS's nested `log`) to the record itself. Returns whether there was one.
pub(super) fn lift(fields: &mut Fields) -> bool {
    if let Some(logged) = fields.remove("resourceLogs").and_then(|it| first_record(&it)) {
        fields.extend(logged);
        return true;
    }
    if let Some(Value::Object(log)) = fields.remove("log").map(|it| keep_text(fields, "log", it)) {
        let log = log.into_iter().map(|(name, value)| (format!("log.{name}"), value));
        fields.extend(log.collect());
    }
    let inner = fields.take(Role::Inner, |value| match value {
        Value::Object(map) => {
            map.iter().any(|(name, value)| is_text(value) && Roles::of(name).has(Role::Message))
        }
        _ => false,
    });
    let Some((name, Value::Object(inner))) = inner else { return false };
    if name == "record" {
        // loguru: `text` is the same line once more, formatted.
        fields.remove("text");
    }
    fields.extend(inner);
    true
}

/// Puts a text back, and passes on anything else.
fn keep_text(fields: &mut Fields, name: &str, value: Value) -> Value {
    if value.is_object() {
        return value;
    }
    fields.extend(Map::from_iter([(name.to_owned(), value)]));
    Value::Null
}

/// Opens an envelope: a text field that holds JSON, or a whole line of text with a head of its
/// own beside what a collector adds.
pub(super) fn open(fields: &mut Fields, depth: usize) -> Option<Opened> {
    if depth == 0 {
        return None;
    }
    let carrier = |name: &str| {
        matches!(
            name,
            "log"
                | "message"
                | "Message"
                | "MESSAGE"
                | "msg"
                | "textPayload"
                | "body"
                | "line"
                | "event"
                | "data"
                | "@message"
        )
    };
    let held = |(name, value): (&str, &Value)| match value {
        Value::String(text) if carrier(name) => Some((name.to_owned(), object_in(text)?)),
        _ => None,
    };
    let found = fields.iter().find_map(held);
    if let Some((name, object)) = found {
        fields.remove(&name);
        return Some(Opened::Object(object, depth - 1));
    }
    let wrapped = fields.any(Role::Wrapper, |name, value| match name {
        "host" | "source" | "tag" => false,
        "stream" => matches!(value.as_str(), Some("stdout" | "stderr")),
        _ => true,
    });
    let alone = fields.iter().all(|(name, _)| matches!(name, "log" | "time" | "date" | "stream"));
    if !wrapped && !alone {
        return None;
    }
    let name = ["log", "message", "MESSAGE", "@message", "line"]
        .into_iter()
        .find(|name| fields.iter().any(|(field, value)| field == *name && is_text(value)))?;
    match fields.remove(name)? {
        Value::String(text) => Some(Opened::Text(text, depth - 1)),
        _ => None,
    }
}

/// The first record of OpenTelemetry's export, with its attributes.
fn first_record(logs: &Value) -> Option<Map<String, Value>> {
    let logs = logs.get(0)?.get("scopeLogs")?.get(0)?.get("logRecords")?.get(0)?;
    Some(logs.as_object()?.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// OpenTelemetry's list of keys and typed values as an object.
pub(super) fn pairs(pairs: &[Value]) -> Map<String, Value> {
    let pair =
        |pair: &Value| Some((pair.get("key")?.as_str()?.to_owned(), plain(pair.get("value")?)));
    pairs.iter().filter_map(pair).collect()
}
