//! Mends what PagerDuty could refuse although it is clear what was meant: encodings, numbers where
//! texts belong, capitals, texts that are too long, a routing key in the header only.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::rules::{action, is_longer, text};
use crate::pagerduty::{Endpoint, SUMMARY_LIMIT, Severity};
use crate::text::cut;

/// The header in which some clients send the routing key, instead of in the body.
pub const KEY_HEADER: &str = "x-routing-key";

/// A body after it was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    pub body: Vec<u8>,
    /// What was changed, for a log.
    pub changes: Vec<&'static str>,
}

/// Mends a body that was refused. `key` is the routing key in [`KEY_HEADER`]. `None` if there is
/// nothing to mend.
#[must_use]
pub fn mend(endpoint: Endpoint, raw: &[u8], key: Option<&str>) -> Option<Mended> {
    let mut changes = Vec::new();
    let mut body = read(raw, &mut changes)?;
    let mut mending = Mending { changes: &mut changes };
    match endpoint {
        Endpoint::V2 | Endpoint::Change => mending.v2(&mut body),
        Endpoint::V1 => mending.v1(&mut body),
        // Nobody but the vendor's integration knows what belongs where.
        Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {}
    }
    if let Some(field) = key_field(endpoint)
        && let Some(key) = key
        && text(&body, field).is_none()
    {
        body.insert(field.to_owned(), key.into());
        changes.push("the routing key is that of the header");
    }
    if changes.is_empty() {
        return None;
    }
    Some(Mended { body: Value::Object(body).to_string().into_bytes(), changes })
}

/// The body with the routing key that its request had only in [`KEY_HEADER`]. `None` if the body is
/// no object or has a key.
#[must_use]
pub fn with_key(endpoint: Endpoint, raw: &[u8], key: &str) -> Option<Vec<u8>> {
    let mut body: Map<String, Value> = serde_json::from_slice(raw).ok()?;
    let field = key_field(endpoint).filter(|field| text(&body, field).is_none())?;
    body.insert(field.to_owned(), key.into());
    Some(Value::Object(body).to_string().into_bytes())
}

fn key_field(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::V2 | Endpoint::Change => Some("routing_key"),
        Endpoint::V1 => Some("service_key"),
        Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => None,
    }
}

/// The object in a body, whatever it is written in.
fn read(raw: &[u8], changes: &mut Vec<&'static str>) -> Option<Map<String, Value>> {
    let written = decode(raw);
    let written = written.trim();
    let (object, how) = if let Some(object) = object(written) {
        (object, "the body is read as UTF-8")
    } else if let Some(object) = object(&escaped(written)) {
        (object, "what JSON does not allow in a text is escaped or replaced")
    } else {
        (of_form(written)?, "the form is read as JSON")
    };
    if written.as_bytes() != raw.trim_ascii() || !how.ends_with("UTF-8") {
        changes.push(how);
    }
    Some(object)
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// UTF-16 with its mark, or UTF-8 with or without one; bytes that are no UTF-8 become U+FFFD.
fn decode(raw: &[u8]) -> Cow<'_, str> {
    let units = |of: fn([u8; 2]) -> u16| -> Vec<u16> {
        raw[2..].as_chunks::<2>().0.iter().map(|unit| of(*unit)).collect()
    };
    match raw {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)).into(),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)).into(),
        _ => String::from_utf8_lossy(raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw)),
    }
}

/// The text with line breaks inside strings escaped, and with U+FFFD for halves of surrogate pairs.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut inside = false;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let mut length = letter.len_utf8();
        match letter {
            '\\' if inside => match surrogates(rest) {
                Some((read, true)) => length = read,
                Some((read, false)) => {
                    out.push_str("\\ufffd");
                    rest = &rest[read..];
                    continue;
                }
                None => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            },
            '"' => inside = !inside,
            _ if inside && letter < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
                rest = &rest[1..];
                continue;
            }
            _ => {}
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// The length of the escaped surrogates that begin here, and whether they are a pair.
fn surrogates(text: &str) -> Option<(usize, bool)> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0)?, unit(6)) {
        (0xd800..0xdc00, Some(0xdc00..0xe000)) => Some((12, true)),
        (0xd800..0xe000, _) => Some((6, false)),
        _ => None,
    }
}

/// A form's fields: a whole event under one name, or as the name; otherwise the event's own fields.
fn of_form(text: &str) -> Option<Map<String, Value>> {
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    if let [(name, value)] = fields.as_slice() {
        return object(value).or_else(|| object(name).filter(|_| value.is_empty()));
    }
    let fields: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    ["routing_key", "service_key", "event_type", "event_action"]
        .iter()
        .any(|name| fields.contains_key(*name))
        .then_some(fields)
}

struct Mending<'c> {
    changes: &'c mut Vec<&'static str>,
}

impl Mending<'_> {
    fn v2(&mut self, body: &mut Map<String, Value>) {
        for field in ["dedup_key", "client", "client_url"] {
            self.as_text(body, field);
        }
        self.lower(body, "event_action", |name| action(name).is_some());
        let Some(Value::Object(payload)) = body.get_mut("payload") else { return };
        for field in ["summary", "source", "component", "group", "class"] {
            self.as_text(payload, field);
        }
        self.lower(payload, "severity", |name| Severity::parse(name).is_some());
        self.time(payload);
        if matches!(payload.get("custom_details"), Some(Value::Number(_) | Value::Bool(_))) {
            self.as_text(payload, "custom_details");
        }
        self.shorter(payload, "summary", "custom_details");
    }

    fn v1(&mut self, body: &mut Map<String, Value>) {
        for field in ["incident_key", "description", "client", "client_url"] {
            self.as_text(body, field);
        }
        self.lower(body, "event_type", |name| action(name).is_some());
        self.shorter(body, "description", "details");
    }

    /// A number or a switch as a text.
    fn as_text(&mut self, object: &mut Map<String, Value>, field: &str) {
        if let Some(value @ (Value::Number(_) | Value::Bool(_))) = object.get_mut(field) {
            *value = Value::String(value.to_string());
            self.changes.push("a number is written as a text");
        }
    }

    /// A word in lower case, if PagerDuty knows it then.
    fn lower(
        &mut self,
        object: &mut Map<String, Value>,
        field: &str,
        is_known: impl Fn(&str) -> bool,
    ) {
        if let Some(Value::String(word)) = object.get_mut(field) {
            let lower = word.trim().to_lowercase();
            if lower != *word && is_known(&lower) {
                *word = lower;
                self.changes.push("an action or a severity is written in lower case");
            }
        }
    }

    /// Seconds or milliseconds since 1970, as ISO 8601.
    fn time(&mut self, payload: &mut Map<String, Value>) {
        let Some(time) = payload.get_mut("timestamp") else { return };
        let number = match &*time {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number.filter(|number| *number > 1e8) else { return };
        #[allow(clippy::cast_possible_truncation, reason = "a cast of a float is limited")]
        let milliseconds = if number < 1e11 { number * 1e3 } else { number } as i64;
        if let Some(at) = DateTime::from_timestamp_millis(milliseconds) {
            *time = at.to_rfc3339_opts(SecondsFormat::Millis, true).into();
            self.changes.push("a timestamp is written as ISO 8601");
        }
    }

    /// A title within PagerDuty's limit, with the whole text among the details.
    fn shorter(&mut self, object: &mut Map<String, Value>, field: &str, details: &str) {
        let Some(whole) = text(object, field).filter(|it| is_longer(it, SUMMARY_LIMIT)) else {
            return;
        };
        let whole = whole.to_owned();
        object.insert(field.to_owned(), cut(&whole, SUMMARY_LIMIT).into());
        let others = match object.remove(details) {
            Some(Value::Object(others)) => others,
            None | Some(Value::Null) => Map::new(),
            Some(other) => Map::from_iter([("details".to_owned(), other)]),
        };
        let mut others = others;
        others.entry("description").or_insert(json!(whole));
        object.insert(details.to_owned(), Value::Object(others));
        self.changes.push("a title is cut to PagerDuty's limit; the whole is in the details");
    }
}
