//! Correlation ids: they connect a log line to the other lines of its request.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::Line;
use crate::ids::{self, Scope};
use crate::text::clean;

/// Shortest and longest accepted id. A span id has 16 characters, an X-Ray trace id 35; a
/// correlation id can be any text that a client sent.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
/// How much of a text line is searched for ids.
const TEXT_LIMIT: usize = 8_000;
const DEPTH: usize = 6;
/// How many entries of a list, and how many brackets, are searched for ids.
const MOST_LISTED: usize = 20;
const MOST_BRACKETS: usize = 24;
/// Fields in which a collector keeps the program's own line.
const CARRIERS: [&str; 8] =
    ["log", "message", "msg", "MESSAGE", "@message", "text", "body", "Message"];

/// An id that is safe in a filter pattern. Anyone can write log content, so only `A–Z a–z 0–9 - _ :
/// = . /` are accepted; none of these has a special meaning between quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// `None` if the text has other characters or an unusual length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:=./".contains(&byte);
        (LENGTHS.contains(&text.len()) && text.bytes().all(safe)).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a line can be followed by, the most trusted first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Correlation {
    /// A Lambda request; it writes to exactly one log stream.
    LambdaRequest(Id),
    /// An X-Ray or W3C trace; it can cross log groups.
    Trace(Id),
    /// Any other id, with the name it was logged under.
    Other { name: String, id: Id },
}

impl Correlation {
    /// The filter pattern for the lines with this id. X-Ray and W3C write the same trace id with
    /// and without hyphens.
    #[must_use]
    pub fn pattern(&self) -> String {
        match self {
            Self::LambdaRequest(id) | Self::Other { id, .. } => id.quoted(),
            Self::Trace(id) => match (w3c_of(id.as_str()), xray_of(id.as_str())) {
                (Some(other), _) | (_, Some(other)) => format!("?{} ?\"{other}\"", id.quoted()),
                _ => id.quoted(),
            },
        }
    }

    /// A trace's id in the form that X-Ray's console accepts.
    #[must_use]
    pub fn xray(&self) -> String {
        let id = self.id().as_str();
        xray_of(id).unwrap_or_else(|| id.to_owned())
    }

    /// The most trusted first; of other ids, a request's before a piece of work's.
    fn rank(&self) -> u8 {
        match self {
            Self::LambdaRequest(_) => 0,
            Self::Trace(_) => 1,
            Self::Other { name, .. } => match ids::scope(name) {
                Some(Scope::Trace | Scope::TraceOrWord) => 2,
                Some(Scope::Invocation | Scope::Request) => 3,
                _ if name.to_ascii_lowercase().contains("request") => 3,
                _ => 4,
            },
        }
    }

    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::LambdaRequest(id) | Self::Trace(id) | Self::Other { id, .. } => id,
        }
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaRequest(id) => write!(formatter, "request {id}"),
            Self::Trace(id) => write!(formatter, "trace {id}"),
            Self::Other { name, id } => write!(formatter, "{name} {id}"),
        }
    }
}

/// Everything that a line can be followed by, the most trusted first.
#[must_use]
pub fn correlations(line: &Line) -> Vec<Correlation> {
    let lambda = is_lambda(&line.stream);
    let mut found = Vec::new();
    let mut note = |name: &str, value: &str| found.extend(correlation(name, value, lambda));
    let text = clean(line.text.trim());
    read(&text, DEPTH, &mut note);
    if lambda {
        found.extend(column(&text));
    }
    if found.is_empty() {
        found.extend(bracketed(&text));
    }
    found.sort_by_key(Correlation::rank);
    let mut known = HashSet::new();
    found.retain(|it| known.insert(it.id().clone()));
    found
}

/// Reads a text's ids: the fields of the object in it, and the pairs before the object.
fn read(text: &str, depth: usize, note: &mut impl FnMut(&str, &str)) {
    let start = text.find('{');
    let mut values =
        start.map(|start| serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>());
    match values.as_mut().and_then(Iterator::next) {
        Some(Ok(json @ Value::Object(_))) => {
            walk(&json, None, depth, note);
            pairs(&text[..start.unwrap_or_default()], note);
        }
        // A long line that was cut is not valid JSON any more; it is read as text.
        _ => pairs(text, note),
    }
}

/// Lambda names its streams `2026/11/14/[$LATEST]…`.
#[must_use]
pub fn is_lambda(stream: &str) -> bool {
    stream.contains("[$LATEST]") || (stream.starts_with("20") && stream.contains("/["))
}

/// Visits each text by its own name, and by the name of the object around it too: `{"faas":
/// {"invocation_id": …}}` is the same as `"faas.invocation_id"`. A text that is a line of its own,
/// in the envelope of a collector, is read too.
fn walk(json: &Value, around: Option<&str>, depth: usize, note: &mut impl FnMut(&str, &str)) {
    for (key, value) in json.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => {
                note(key, text);
                if let Some(around) = around {
                    note(&format!("{around}.{key}"), text);
                }
                if depth > 0 && (text.starts_with('{') || CARRIERS.contains(&key.as_str())) {
                    read(text, depth - 1, note);
                }
            }
            Value::Number(number) if number.is_u64() => note(key, &number.to_string()),
            Value::Object(_) if depth > 0 => walk(value, Some(key), depth - 1, note),
            Value::Array(list) if depth > 0 => {
                for value in list.iter().take(MOST_LISTED) {
                    // OpenTelemetry: {"key": "request_id", "value": {"stringValue": …}}.
                    let named = value.get("key").and_then(Value::as_str);
                    let held = value.get("value").map(|it| it.get("stringValue").unwrap_or(it));
                    if let (Some(name), Some(Value::String(text))) = (named, held) {
                        note(name, text);
                    } else {
                        walk(value, Some(key), depth - 1, note);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `key=value` and `key: value`, quoted or not, anywhere in a text.
fn pairs(text: &str, note: &mut impl FnMut(&str, &str)) {
    let text = &text[..text.floor_char_boundary(TEXT_LIMIT)];
    let in_name = |character: char| character.is_ascii_alphanumeric() || "_-.@".contains(character);
    for (at, _) in text.match_indices([':', '=']) {
        let before = text[..at].trim_end_matches([' ', '"', '\'']);
        let start = before
            .rfind(|character| !in_name(character))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let behind = text[at + 1..].trim_start_matches([' ', '"', '\'']);
        let in_id =
            |character: char| character.is_ascii_alphanumeric() || "-_:=./".contains(character);
        let end = behind.find(|character| !in_id(character)).unwrap_or(behind.len());
        if start < before.len() && end > 0 {
            note(&before[start..], behind[..end].trim_end_matches(['.', ':']));
        }
    }
}

/// The request id that Lambda's runtimes write in the first columns of a text line.
fn column(text: &str) -> Option<Correlation> {
    let words = text.split_whitespace().take(8).map(|word| word.trim_matches(['[', ']', '(', ')']));
    let id = words.into_iter().find(|column| is_uuid(column))?;
    Some(Correlation::LambdaRequest(Id::parse(id)?))
}

/// An id without a name, by the brackets around it: Spring's `[trace-span]` and
/// `[app,trace,span]`, Rails's `[id]`, API Gateway's `(id)`, Celery's `task[id]`.
fn bracketed(text: &str) -> Option<Correlation> {
    let text = &text[..text.floor_char_boundary(TEXT_LIMIT)];
    for (at, _) in text.match_indices(['[', '(']).take(MOST_BRACKETS) {
        let inside = &text[at + 1..];
        let Some(end) = inside.find([']', ')']) else { break };
        let inside = &inside[..end];
        if inside.len() > 120 {
            continue;
        }
        if is_uuid(inside) || (is_hex(inside, 24) && !inside.bytes().all(|it| it.is_ascii_digit()))
        {
            let name = "request".to_owned();
            return Some(Correlation::Other { name, id: Id::parse(inside)? });
        }
        let mut parts = inside.split(['-', ',']).map(str::trim);
        while let Some(part) = parts.next() {
            let span = parts.clone().next().is_some_and(|span| is_hex(span, 16));
            if span && is_hex(part, 32) {
                return Some(Correlation::Trace(Id::parse(part)?));
            }
            if span && is_hex(part, 16) {
                let name = "trace".to_owned();
                return Some(Correlation::Other { name, id: Id::parse(part)? });
            }
        }
    }
    None
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

/// The trace id in `1-…-…`, `Root=1-…-…;Parent=…`, 32 hex digits or a W3C traceparent.
fn trace(value: &str) -> Option<Correlation> {
    let value = value.strip_prefix("Root=").unwrap_or(value);
    let value = value.split(';').next().unwrap_or(value);
    let id = match value.split('-').collect::<Vec<_>>()[..] {
        ["00", trace, _, _] | [trace] if is_hex(trace, 32) => trace,
        ["1", time, unique] if is_hex(time, 8) && is_hex(unique, 24) => value,
        _ => return None,
    };
    Some(Correlation::Trace(Id::parse(id)?))
}

fn w3c_of(xray: &str) -> Option<String> {
    Some(xray.strip_prefix("1-")?.replace('-', ""))
}

fn xray_of(w3c: &str) -> Option<String> {
    is_hex(w3c, 32).then(|| format!("1-{}-{}", &w3c[..8], &w3c[8..]))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| is_hex(group, group.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";
    const XRAY: &str = "1-67891233-abcdef012345678912345678";
    const W3C: &str = "67891233abcdef012345678912345678";

    fn of(text: &str, stream: &str) -> Vec<String> {
        let line = Line {
            at: chrono::DateTime::UNIX_EPOCH,
            log_group: "g".into(),
            stream: stream.into(),
            text: text.into(),
        };
        correlations(&line).iter().map(ToString::to_string).collect()
    }

    fn lambda(text: &str) -> Option<String> {
        of(text, "2026/11/14/[$LATEST]a1").into_iter().next()
    }

    fn service(text: &str) -> Option<String> {
        of(text, "i-0123456789").into_iter().next()
    }

    #[test]
    fn every_spelling_of_powertools_comes_first() {
        for name in
            ["function_request_id", "faas.execution", "functionRequestId", "FunctionRequestId"]
        {
            let line = format!(
                r#"{{"correlation_id":"abcdefgh","xray_trace_id":"{XRAY}","{name}":"{ID}"}}"#
            );
            assert_eq!(lambda(&line), Some(format!("request {ID}")), "{name}");
        }
    }

    #[test]
    fn opentelemetrys_names_flat_and_nested() {
        for line in [
            format!(r#"{{"faas.execution":"{ID}","message":"x"}}"#),
            format!(r#"{{"faas.invocation_id":"{ID}","message":"x"}}"#),
            format!(r#"{{"faas":{{"name":"shop","execution":"{ID}"}},"message":"x"}}"#),
            format!(r#"{{"faas":{{"name":"shop","invocation_id":"{ID}"}},"message":"x"}}"#),
            format!(r#"{{"resource":{{"faas":{{"invocation_id":"{ID}"}}}}}}"#),
            format!("level=error faas.invocation_id={ID} msg=x"),
        ] {
            assert_eq!(service(&line), Some(format!("request {ID}")), "{line}");
        }
        // An id whose name only contains that name is not a function's.
        let other = format!(r#"{{"job":{{"invocation_id":"{ID}"}}}}"#);
        assert_eq!(service(&other), Some(format!("invocation_id {ID}")));
    }

    #[test]
    fn ids_named_by_the_object_around_them() {
        for (line, expected) in [
            (format!(r#"{{"trace":{{"id":"{W3C}"}}}}"#), format!("trace {W3C}")),
            (format!(r#"{{"request":{{"id":"{ID}"}}}}"#), format!("request.id {ID}")),
            (format!(r#"{{"user":{{"id":"{ID}"}}}}"#), String::new()),
        ] {
            assert_eq!(service(&line).unwrap_or_default(), expected, "{line}");
        }
    }

    #[test]
    fn lambda_in_json_platform_events_and_text() {
        for line in [
            format!(r#"{{"timestamp":"t","level":"ERROR","requestId":"{ID}","message":"x"}}"#),
            format!(
                r#"{{"type":"platform.report","record":{{"requestId":"{ID}","status":"timeout"}}}}"#
            ),
            format!(r#"{{"AWSRequestId":"{ID}","message":"java"}}"#),
            format!("2026-11-14T03:05:00.000Z\t{ID}\tERROR\tboom"),
            format!("[ERROR]\t2026-11-14T03:05:00.000Z\t{ID}\tboom"),
            format!("START RequestId: {ID} Version: $LATEST"),
            format!("2026-11-14T03:05:00.123Z {ID} Task timed out after 3.00 seconds"),
            format!(r#"{{"function_request_id":"{ID}","stack":"cut here"#),
        ] {
            assert_eq!(lambda(&line), Some(format!("request {ID}")), "{line}");
        }
        assert_eq!(service(&format!("RequestId: {ID}")), Some(format!("RequestId {ID}")));
    }

    #[test]
    fn traces_in_every_format() {
        for line in [
            format!(r#"{{"xray_trace_id":"{XRAY}"}}"#),
            format!("X-Amzn-Trace-Id: Root={XRAY};Parent=53995c3f42cd8ad8;Sampled=1"),
            format!("level=error trace_id={XRAY} msg=x"),
        ] {
            assert_eq!(service(&line), Some(format!("trace {XRAY}")), "{line}");
        }
        for line in [
            format!(r#"{{"a":{{"b":{{"otelTraceID":"{W3C}"}}}}}}"#),
            format!("traceparent: 00-{W3C}-00f067aa0ba902b7-01"),
            format!("traceId={W3C}"),
        ] {
            assert_eq!(service(&line), Some(format!("trace {W3C}")), "{line}");
        }
        let both = format!("?\"{XRAY}\" ?\"{W3C}\"");
        assert_eq!(Correlation::Trace(Id::parse(XRAY).unwrap()).pattern(), both);
    }

    #[test]
    fn other_ids_in_json_logfmt_and_text() {
        for (line, expected) in [
            (
                r#"{"http":{"headers":{"X-Request-ID":"req/12345678"}}}"#,
                "X-Request-ID req/12345678",
            ),
            ("ts=1 level=error correlation_id=\"c-0001:7=x\" msg", "correlation_id c-0001:7=x"),
            ("ERROR x-amzn-requestid: abcdef-12345 failed", "x-amzn-requestid abcdef-12345"),
            ("日本requestId=abcdefgh12.", "requestId abcdefgh12"),
        ] {
            assert_eq!(service(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn pattern_syntax_is_not_an_id() {
        for evil in [
            "x\" || \"yyyy",
            "?ERROR ?WARN",
            "a*bcdefgh",
            "%regex%abc",
            "short",
            "日本語日本語日本",
        ] {
            let line = serde_json::json!({"function_request_id": evil}).to_string();
            assert_eq!(lambda(&line), None, "{evil}");
            assert!(Id::parse(evil).is_none());
        }
    }

    #[test]
    fn lines_without_any() {
        for line in [
            "ERROR boom",
            "{",
            "{}",
            r#"{"function_request_id":7}"#,
            "[1,2]",
            "",
            "a:",
            ":=",
            "=:=:",
        ] {
            assert_eq!(lambda(line), None, "{line}");
        }
    }
}
