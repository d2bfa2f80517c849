//! Ids with a name: fields of an object, and `key=value` or `key: value` in a text.

use serde_json::Value;

use super::{Correlation, Id, is_hex, is_uuid};
use crate::ids::{self, Scope};

/// How much of a text is searched for ids, and how many objects inside one another.
const TEXT_LIMIT: usize = 8_000;
const DEPTH: u8 = 6;
/// How many entries of a list are searched, how many ids are kept, and how many inner lines.
const MOST_LISTED: usize = 20;
const MOST_FOUND: usize = 40;
const MOST_CARRIED: usize = 4;
/// Fields in which a collector keeps the program's own line.
const CARRIERS: [&str; 9] =
    ["log", "message", "msg", "MESSAGE", "@message", "text", "body", "Message", "line"];
/// Objects with ids of something else: of a call that failed, of what the program was given.
const ASIDE: [&str; 17] = [
    "metadata",
    "responsemetadata",
    "response",
    "err",
    "error",
    "errors",
    "exception",
    "cause",
    "errordetails",
    "requestcontext",
    "event",
    "detail",
    "body",
    "payload",
    "input",
    "params",
    "records",
];
/// The same in a text, before the pair.
const ASIDE_TEXT: [&str; 3] = ["$metadata", "ResponseMetadata", "requestContext"];

/// An id and where it was found.
pub(super) struct At {
    pub(super) correlation: Correlation,
    /// How deep inside the line.
    pub(super) level: u8,
    /// It stands in data that is not about the line's own request.
    pub(super) aside: bool,
    /// The id is too short to search for.
    pub(super) short: bool,
}

impl At {
    /// An id at the line's beginning.
    pub(super) fn first(correlation: Correlation) -> Self {
        Self { correlation, level: 0, aside: false, short: false }
    }
}

/// The ids that were found in a line.
pub(super) struct Found {
    lambda: bool,
    pub(super) list: Vec<At>,
    /// Lines of a program inside a collector's envelope.
    pub(super) carried: Vec<String>,
}

/// Where in the line a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The name of the object around it.
    around: Option<&'a str>,
    level: u8,
    aside: bool,
}

impl Found {
    pub(super) fn new(lambda: bool) -> Self {
        Self { lambda, list: Vec::new(), carried: Vec::new() }
    }

    pub(super) fn read(&mut self, text: &str) {
        self.text(text, Place { around: None, level: 0, aside: false });
    }

    /// Reads a text's ids: the fields of the object in it, and the pairs before the object.
    fn text(&mut self, text: &str, place: Place<'_>) {
        let start = text.find('{');
        let mut values = start
            .map(|start| serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>());
        match values.as_mut().and_then(Iterator::next) {
            Some(Ok(json @ Value::Object(_))) => {
                let before = &text[..start.unwrap_or_default()];
                self.object(&json, place);
                self.pairs(before, place);
            }
            // A long line that was cut is not valid JSON any more; it is read as text.
            _ => self.pairs(text, place),
        }
    }

    /// Visits each text by its own name, and by the name of the object around it too: `{"faas":
    /// {"invocation_id": …}}` is the same as `"faas.invocation_id"`. A text that is a line of its
    /// own, in the envelope of a collector, is read too.
    fn object(&mut self, json: &Value, place: Place<'_>) {
        for (key, value) in json.as_object().into_iter().flatten() {
            let aside = place.aside || is_aside(key);
            let inner = Place { around: Some(key), level: place.level + 1, aside };
            match value {
                Value::String(text) => {
                    self.member(key, text, place);
                    let carrier = CARRIERS.contains(&key.as_str());
                    if place.level < DEPTH && (text.starts_with('{') || carrier) {
                        let aside = place.aside || (is_aside(key) && !carrier);
                        self.text(text, Place { around: None, level: place.level + 1, aside });
                        if carrier && self.carried.len() < MOST_CARRIED {
                            self.carried.push(text.clone());
                        }
                    }
                }
                Value::Number(number) if number.is_u64() => {
                    self.note(key, &number.to_string(), place);
                }
                Value::Object(_) if place.level < DEPTH => self.object(value, inner),
                Value::Array(list) if place.level < DEPTH => {
                    for value in list.iter().take(MOST_LISTED) {
                        // OpenTelemetry: {"key": "request_id", "value": {"stringValue": …}}.
                        let named = value.get("key").and_then(Value::as_str);
                        let held = value.get("value").map(|it| it.get("stringValue").unwrap_or(it));
                        if let (Some(name), Some(Value::String(text))) = (named, held) {
                            self.note(name, text, inner);
                        } else {
                            self.object(value, inner);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A field, by its name alone and with the name around it.
    fn member(&mut self, key: &str, text: &str, place: Place<'_>) {
        self.note(key, text, place);
        if let Some(around) = place.around {
            self.note(&format!("{around}.{key}"), text, place);
        }
        if ids::scope(key).is_some() {
            return;
        }
        // `mdc.requestId`, `http.request.id`.
        let mut parts = key.rsplitn(3, '.');
        let (last, before, first) = (parts.next(), parts.next(), parts.next());
        let (Some(last), Some(before)) = (last, before) else { return };
        let aside = place.aside || is_aside(before);
        self.note(last, text, Place { aside, ..place });
        if first.is_some() {
            self.note(&format!("{before}.{last}"), text, Place { aside, ..place });
        }
    }

    /// `key=value` and `key: value`, quoted or not, anywhere in a text.
    fn pairs(&mut self, text: &str, place: Place<'_>) {
        let text = &text[..text.floor_char_boundary(TEXT_LIMIT)];
        let first_line = text.find('\n').unwrap_or(text.len());
        let data = ASIDE_TEXT.iter().filter_map(|name| text.find(name)).min();
        let data = data.unwrap_or(text.len()).min(first_line);
        let in_name =
            |character: char| character.is_ascii_alphanumeric() || "_-.@".contains(character);
        let in_id =
            |character: char| character.is_ascii_alphanumeric() || "-_:=./".contains(character);
        for (at, _) in text.match_indices([':', '=']) {
            let before = text[..at].trim_end_matches([' ', '"', '\'', '\\']);
            let start = before
                .rfind(|character| !in_name(character))
                .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
            let behind = text[at + 1..].trim_start_matches([' ', '"', '\'', '\\']);
            let end = behind.find(|character| !in_id(character)).unwrap_or(behind.len());
            if start < before.len() && end > 0 {
                let place =
                    Place { level: place.level + 1, aside: place.aside || at > data, ..place };
                let id = behind[..end].trim_end_matches(['.', ':']);
                self.member(&before[start..], id, Place { around: None, ..place });
            }
        }
    }

    fn note(&mut self, name: &str, value: &str, place: Place<'_>) {
        if self.list.len() >= MOST_FOUND {
            return;
        }
        let lambda = self.lambda && !place.aside;
        let (level, aside) = (place.level, place.aside);
        if let Some(correlation) = correlation(name, value, lambda) {
            if correlation.id().is_telling() {
                self.list.push(At { correlation, level, aside, short: false });
            }
        } else if matches!(ids::scope(name), Some(Scope::Request | Scope::Work))
            && let Some(id) = Id::short(value)
        {
            let correlation = Correlation::Other { name: crate::text::cut(name, 40), id };
            self.list.push(At { correlation, level, aside, short: true });
        }
    }
}

fn is_aside(name: &str) -> bool {
    let plain = || name.bytes().filter(u8::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase());
    ASIDE.iter().any(|known| plain().eq(known.bytes()))
}

/// What a field means, by its name in any spelling, and by the format of its value.
fn correlation(name: &str, value: &str, lambda: bool) -> Option<Correlation> {
    let other = || {
        let id = Id::parse(value)?;
        Some(Correlation::Other { name: crate::text::cut(name, 40), id })
    };
    match ids::scope(name)? {
        Scope::Invocation => Some(Correlation::LambdaRequest(Id::parse(value)?)),
        Scope::Request if lambda && is_uuid(value) => {
            Some(Correlation::LambdaRequest(Id::parse(value)?))
        }
        Scope::Trace => trace(value).or_else(other),
        Scope::TraceOrWord => trace(value),
        Scope::Request | Scope::Work => other(),
        Scope::Ignored => None,
    }
}

/// The trace id in `1-…-…`, `Root=1-…-…;Parent=…`, 32 hex digits, a W3C traceparent, Zipkin's
/// `trace-span-1`, Jaeger's `trace:span:parent:flags` or Google's `projects/…/traces/…`.
fn trace(value: &str) -> Option<Correlation> {
    let value = value.strip_prefix("Root=").unwrap_or(value);
    let value = value.split(';').next().unwrap_or(value);
    let value = value.rsplit_once("traces/").map_or(value, |(_, trace)| trace);
    let id = match value.split(['-', ':', '/']).collect::<Vec<_>>()[..] {
        ["00", trace, _, _] | [trace] | [trace, ..] if is_hex(trace, 32) => trace,
        ["1", time, unique] if is_hex(time, 8) && is_hex(unique, 24) => value,
        _ => return None,
    };
    Some(Correlation::Trace(Id::parse(id)?))
}
