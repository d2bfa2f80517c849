//! Objects that are not quite JSON: cut at the end, cut at the begin, or with quotes that were not
//! escaped. What can be read of their own fields is read.

use serde_json::{Map, Value};

/// Fields that are read at most.
const MOST: usize = 100;

/// Reads the begin of an object: its fields up to where it was cut.
pub(super) fn read(text: &str) -> Option<Map<String, Value>> {
    let map = members(text.trim_start().strip_prefix('{')?);
    (!map.is_empty()).then_some(map)
}

/// Reads the end of an object whose begin is in an earlier event: `…","message":"failed"}`.
pub(super) fn end_of_object(text: &str) -> Option<Map<String, Value>> {
    let end = text.trim_end();
    if !end.ends_with('}') || end.starts_with('{') {
        return None;
    }
    let at = end.find("\",\"")?;
    let known = ["\"message\":\"", "\"msg\":\"", "\"errorMessage\":\"", "\"level\":\""];
    known.iter().any(|key| end[at..].contains(key)).then(|| members(&end[at + 2..]))
}

fn members(text: &str) -> Map<String, Value> {
    let mut map = Map::new();
    let mut rest = text;
    while map.len() < MOST {
        rest = rest.trim_start_matches([',', ' ', '\t', '\n', '\r']);
        let Some((name, behind)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        else {
            break;
        };
        let Some(behind) = behind.trim_start().strip_prefix(':') else { break };
        let behind = behind.trim_start();
        let end = match behind.as_bytes().first() {
            Some(b'"') => text_end(behind),
            Some(b'{' | b'[') => nested_end(behind),
            _ => behind.find([',', '}']).unwrap_or(behind.len()),
        };
        let raw = &behind[..end];
        if raw.trim().is_empty() {
            break;
        }
        let value = serde_json::from_str(raw).unwrap_or_else(|_| {
            // Cut, or with quotes inside: the text as it is.
            Value::String(unescaped(raw.trim_matches('"')))
        });
        map.insert(name.to_owned(), value);
        rest = &behind[end..];
    }
    map
}

/// Where a quoted text ends: at a quote before `,`, `}` or the end, so that a quote that was not
/// escaped belongs to the text.
fn text_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => {
                let next = text[at + 1..].trim_start();
                let ends = next.is_empty()
                    || next.starts_with('}')
                    || next.strip_prefix(',').is_some_and(|it| it.trim_start().starts_with('"'));
                if ends {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Where an object or a list ends.
fn nested_end(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"")
}
