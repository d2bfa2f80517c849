//! Redacts JSON so that it stays JSON: only the content of strings is replaced. Everything else is
//! copied as written, including numbers and the order of keys.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::names::{self, Meaning, Named, Shape};
use super::scan::{self, Around};
use super::{Redactor, commands, mark};

/// The end of the JSON object, array or string that the text begins with.
pub(super) fn end(text: &str) -> Option<usize> {
    let space = text.len() - text.trim_start().len();
    let bytes = text.as_bytes();
    if !matches!(bytes.get(space), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Whether an object or array can begin here: a cheap check before the expensive one.
pub(super) fn may_begin(bytes: &[u8], at: usize) -> bool {
    let mut rest = bytes[at + 1..].iter().take(64).filter(|byte| !byte.is_ascii_whitespace());
    match bytes[at] {
        b'{' => rest.next() == Some(&b'"'),
        b'[' => matches!(rest.next(), Some(b'"' | b'{')),
        _ => false,
    }
}

/// What the context of a value says about it.
#[derive(Clone, Copy)]
enum Context {
    Plain,
    Secret(Named),
    Tracing,
}

impl Context {
    /// The context of the value with this name.
    fn under(self, name: &str) -> Self {
        match (names::meaning(name), self) {
            (Some(Meaning::Secret(named)), _) => Self::Secret(named),
            (Some(Meaning::Tracing), _) => Self::Tracing,
            (None, Self::Secret(_)) if matches!(name, "name" | "type" | "token_type") => {
                Self::Plain
            }
            (None, context) => context,
        }
    }

    /// The context of the values inside an object or array here.
    fn inside(self) -> Self {
        match self {
            Self::Secret(named) if named.spreads() => self,
            _ => Self::Plain,
        }
    }

    /// A field that names its sibling: `{"name": "Authorization", "value": "…"}`.
    fn is_label(name: &str) -> bool {
        ["name", "key", "header"].iter().any(|it| name.eq_ignore_ascii_case(it))
    }

    fn leaf<'t>(self, redactor: &Redactor, text: &'t str, around: Around) -> Cow<'t, str> {
        match self {
            Self::Secret(named) if redactor.is_on(named.category) && named.takes(text, false) => {
                if mark::length(text, 0, &redactor.patterns) == Some(text.len()) {
                    return Cow::Borrowed(text);
                }
                let mut out = String::new();
                mark::write(&mut out, named.mark);
                Cow::Owned(out)
            }
            Self::Tracing if names::is_id(text) => Cow::Borrowed(text),
            _ => scan::pass(redactor, text, Around { depth: around.depth + 1, ..around }),
        }
    }
}

/// The context of the array element after this string: Node logs raw headers as `["Cookie",
/// "a=b"]`.
fn after_element(text: &str) -> Context {
    match names::meaning(text) {
        Some(Meaning::Secret(named))
            if matches!(named.shape, Shape::Authorization | Shape::Cookie) =>
        {
            Context::Secret(named)
        }
        _ => Context::Plain,
    }
}

/// Redacts the strings of a text that is valid JSON.
pub(super) fn redact<'t>(redactor: &Redactor, text: &'t str, around: Around) -> Cow<'t, str> {
    let mut walk = Walk { redactor, text, around, at: 0, copied: 0, out: String::new() };
    walk.value(Context::Plain);
    if walk.copied == 0 {
        return Cow::Borrowed(text);
    }
    walk.out.push_str(&text[walk.copied..]);
    Cow::Owned(walk.out)
}

/// A pass through a text that is known to be valid JSON.
struct Walk<'t> {
    redactor: &'t Redactor,
    text: &'t str,
    around: Around,
    at: usize,
    copied: usize,
    out: String,
}

impl<'t> Walk<'t> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Copies one value. Returns the content of a string that can name its siblings.
    fn value(&mut self, context: Context) -> Option<Cow<'t, str>> {
        match self.peek() {
            b'{' => self.object(context),
            b'[' => self.array(context),
            b'"' => return Some(self.leaf(context, "")),
            _ => {
                let rest = &self.text[self.at..];
                let length = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
                // Always advance, whatever the text is.
                self.at += length.unwrap_or(rest.len()).max(1);
                self.at = self.at.min(self.text.len());
            }
        }
        None
    }

    /// Copies a string. `command`: the strings before it in its array, which can be a command's.
    fn leaf(&mut self, context: Context, command: &str) -> Cow<'t, str> {
        let start = self.at;
        let string = self.string();
        let redacted = commands::last_argument(self.redactor, command, &string)
            .map_or_else(|| context.leaf(self.redactor, &string, self.around), Cow::Owned);
        if let Cow::Owned(redacted) = redacted {
            self.out.push_str(&self.text[self.copied..start]);
            self.out.push_str(&Value::String(redacted).to_string());
            self.copied = self.at;
        }
        string
    }

    fn object(&mut self, context: Context) {
        self.at += 1;
        let inside = context.inside();
        let mut labelled = None;
        while self.peek() == b'"' {
            let name = self.string();
            self.peek();
            self.at += 1;
            let under = match labelled {
                Some(context) if name.eq_ignore_ascii_case("value") => context,
                _ => inside.under(&name),
            };
            let string = self.value(under);
            if let Some(string) = string.filter(|_| Context::is_label(&name)) {
                labelled = names::meaning(&string).map(|_| Context::Plain.under(&string));
            }
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn array(&mut self, context: Context) {
        self.at += 1;
        let inside = context.inside();
        let mut next = inside;
        let mut command = String::new();
        while !matches!(self.peek(), b']' | 0) {
            let string = match self.peek() {
                b'"' => Some(self.leaf(next, &command)),
                _ => self.value(next),
            };
            commands::add_argument(&mut command, string.as_deref().unwrap_or_default());
            next = match string.as_deref().map(after_element) {
                Some(Context::Secret(named)) => Context::Secret(named),
                _ => inside,
            };
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// Reads the string that begins here.
    fn string(&mut self) -> Cow<'t, str> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while bytes.get(end).is_some_and(|byte| *byte != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.at = (end + 1).min(bytes.len());
        let raw = self.text.get(start..end).unwrap_or_default();
        if !raw.contains('\\') {
            return Cow::Borrowed(raw);
        }
        let literal = &self.text[start - 1..self.at];
        serde_json::from_str(literal).map_or_else(|_| Cow::Owned(lossy(raw)), Cow::Owned)
    }
}

/// The content of a string with half a surrogate pair in it. JSON's grammar allows that, but a Rust
/// string cannot hold it.
fn lossy(raw: &str) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let length = if rest[at..].starts_with("\\u") { 6 } else { 2 };
        let pair = rest.get(at..at + 12).map(|pair| format!("\"{pair}\""));
        let single = rest.get(at..at + length).map(|single| format!("\"{single}\""));
        let decode = |literal: Option<String>| serde_json::from_str::<String>(&literal?).ok();
        let (decoded, length) = match decode(single) {
            Some(decoded) => (decoded, length),
            None => match decode(pair) {
                Some(decoded) => (decoded, 12),
                None => ("\u{fffd}".to_owned(), length),
            },
        };
        out.push_str(&decoded);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    out + rest
}
