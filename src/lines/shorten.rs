//! Shortens a long line to what is kept of it. An object is read to its end, and its long values are
//! cut: the level and the message count, wherever the program writes them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::LINE_LIMIT;

/// Bytes that are kept of one text, and of all long texts together.
const TEXT: usize = 4_000;
const ALL: usize = 16_000;
/// A text of this length is always kept.
const SHORT: usize = 300;
/// How many entries of a list or an object are kept, and how deep.
const ENTRIES: usize = 100;
const DEPTH: usize = 8;

/// A line's text, with at most [`LINE_LIMIT`] bytes of it.
#[must_use]
pub fn kept(mut text: String) -> String {
    if text.len() > LINE_LIMIT {
        if let Some(short) = object(&text, &mut { ALL }) {
            text = short;
        }
        text.truncate(text.floor_char_boundary(LINE_LIMIT));
    }
    text.truncate(text.trim_end().len());
    text.shrink_to_fit();
    text
}

/// The object that begins the text or stands behind its head, with its long values cut.
fn object(text: &str, left: &mut usize) -> Option<String> {
    let start = text[..text.floor_char_boundary(400)].find('{')?;
    let mut deserializer = serde_json::Deserializer::from_str(&text[start..]);
    let seed = Short { left, depth: DEPTH };
    let value = seed.deserialize(&mut deserializer).ok()?;
    value.is_object().then(|| format!("{}{value}", &text[..start]))
}

/// Reads a value and keeps what fits; what is left out is never held in memory.
struct Short<'l> {
    left: &'l mut usize,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Short<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Short<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        if text.len() <= SHORT {
            return Ok(Value::String(text.to_owned()));
        }
        // A collector keeps the program's object in a text.
        if self.depth > 0
            && text.starts_with('{')
            && let Some(short) = object(text, self.left)
        {
            return Ok(Value::String(short));
        }
        let room = TEXT.min(*self.left);
        let kept = &text[..text.floor_char_boundary(room)];
        *self.left -= kept.len();
        let more = if kept.len() < text.len() { "…" } else { "" };
        Ok(Value::String(format!("{kept}{more}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        let mut seen = 0;
        loop {
            let depth = self.depth.saturating_sub(1);
            let short = Short { left: &mut *self.left, depth };
            let Some(value) = list.next_element_seed(short)? else { break };
            seen += 1;
            if seen <= ENTRIES && self.depth > 0 {
                kept.push(value);
            }
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let depth = self.depth.saturating_sub(1);
            let value = map.next_value_seed(Short { left: &mut *self.left, depth })?;
            if kept.len() < ENTRIES && self.depth > 0 && name.len() <= 200 {
                kept.insert(name, value);
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_behind_a_long_value_is_kept() {
        let body = "x".repeat(40_000);
        let line =
            format!(r#"{{"event":{{"body":"{body}"}},"level":"ERROR","message":"refused"}}"#);
        let short = kept(line);
        assert!(short.len() < LINE_LIMIT && short.contains(r#""message":"refused""#));
        let list = format!(
            "2026-02-02T12:05:31Z ERROR {{\"ids\":[{}7],\"msg\":\"a\"}}",
            "7,".repeat(40_000)
        );
        let short = kept(list);
        assert!(short.len() < LINE_LIMIT && short.ends_with("\"msg\":\"a\"}"), "{short}");
    }

    #[test]
    fn short_lines_and_text_stay_as_they_are() {
        assert_eq!(kept("{\"a\": 1}\n".into()), "{\"a\": 1}");
        let text = format!("{} {{", "日".repeat(20_000));
        let short = kept(text.clone());
        assert!(short.len() <= LINE_LIMIT && text.starts_with(&short));
    }
}
