//! Text lines: columns, a head before JSON, JSON behind a message, `key=value`, stack traces.

use serde_json::{Map, Value};

use super::fields::object_in;
use super::{Exception, Record, access, error, head, logfmt, partial, quote, stack, tail};
use crate::lines::record::severity::Severity;

/// How many places in a line are tried as the begin of an object.
const TRIED: usize = 4;

impl Record {
    /// Reads a text line without colour codes. `depth` is how many more layers are unwrapped.
    pub(super) fn of_text(line: &str, depth: usize) -> Self {
        if let Some(record) = Self::of_platform_text(line.trim()) {
            return record;
        }
        if depth > 0 {
            // The container runtime's head: `TIME stdout F …`.
            if let Some(line) = behind_cri(line) {
                return Self::of_any(line, depth - 1);
            }
            if let Some((level, message)) = columns(line) {
                let mut record = Self::of_message(message, depth - 1);
                record.plain = false;
                record.level = record.level.or_else(|| level.map(str::to_owned));
                return record;
            }
            let (level, message) = head::split(line.trim_start());
            if message.starts_with('{')
                && let Some(mut record) = Self::of_objects(message, depth - 1)
            {
                record.level = record.level.or_else(|| level.map(name_of));
                return record;
            }
        }
        let mut record = Self::of_message(line, depth);
        line.trim_end().clone_into(&mut record.message);
        record.plain = true;
        record
    }

    /// Reads a message without columns: text, an object, or text with an object behind it.
    fn of_message(message: &str, depth: usize) -> Self {
        if message.trim_start().starts_with('{')
            && let Some(record) = Self::of_objects(message, depth)
        {
            return record;
        }
        if let Some(cut) = partial::end_of_object(message) {
            return Self::of_json(cut, depth);
        }
        let mut record = Self { message: message.to_owned(), ..Self::default() };
        if let Some(access) = access::of_text(message) {
            record.quote = Some(access.quote);
            record.level = access.severity.map(name_of);
            return record;
        }
        let (text, context) = behind(message);
        record.exception = stack::exception(text);
        let (level, quote) = quote::of(text);
        record.level = level.map(name_of);
        record.exception = record.exception.or_else(|| quote::exception(&quote));
        if let Some(context) = context {
            record.add_context(&context, &quote);
        }
        if record.exception.is_none()
            && record.quote.is_none()
            && let Some(said) = logfmt::read(text)
        {
            record.level = said.level.or(record.level);
            match said.error {
                Some(error) => {
                    record.exception = Some(Exception { name: said.message, message: Some(error) });
                }
                None => record.quote = Some(said.message),
            }
            return record;
        }
        record.quote.get_or_insert(quote);
        record
    }

    /// An object at the begin of a text. Behind it can be a stack trace or more objects.
    pub(super) fn of_objects(text: &str, depth: usize) -> Option<Self> {
        let text = text.trim();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let map = match values.next()? {
            Ok(Value::Object(map)) => map,
            Ok(_) => return None,
            Err(_) => {
                let record = Self::of_json(partial::read(text)?, depth);
                return (!record.headline().is_empty()).then_some(record);
            }
        };
        let behind = text[values.byte_offset()..].trim();
        let mut record = Self::of_json(map, depth);
        if record.exception.is_none()
            && let Some(exception) = stack::exception(behind)
        {
            record.exception = Some(exception);
            record.stack = Some(behind.to_owned());
        }
        Some(record)
    }

    /// The object behind a message: a logger's context, or the error that was logged.
    fn add_context(&mut self, context: &Map<String, Value>, quote: &str) {
        let inner = Self::of_json(context.clone(), 1);
        let level = inner.level.filter(|level| Severity::of_level(level).is_some());
        self.level = self.level.take().or(level);
        if self.exception.is_none() {
            self.exception = inner
                .exception
                .or_else(|| error::of_object(context, false).and_then(|found| found.exception));
        }
        self.causes = inner.causes;
        let error = ["error", "err", "exception", "reason", "cause"];
        let error = error.iter().find_map(|name| context.get(*name)?.as_str());
        let generic = quote.is_empty() || quote.ends_with(':');
        self.quote = Some(match error {
            Some(error) if let Some(found) = stack::php_object(error) => {
                self.exception.get_or_insert(found);
                quote.to_owned()
            }
            Some(error) if !quote.contains(error) && quote.is_empty() => error.to_owned(),
            Some(error) if !quote.contains(error) => {
                format!("{}: {error}", quote.trim_end_matches(':'))
            }
            None if generic => format!("{quote} {}", inner.message).trim().to_owned(),
            _ => quote.to_owned(),
        });
    }
}

pub(super) fn name_of(severity: Severity) -> String {
    match severity {
        Severity::Warning => "WARN".to_owned(),
        other => other.as_str().to_uppercase(),
    }
}

/// The line behind `2026-11-25T03:05:12.101123456Z stderr F `.
fn behind_cri(line: &str) -> Option<&str> {
    let mut parts = line.splitn(4, ' ');
    let (time, stream, flag) = (parts.next()?, parts.next()?, parts.next()?);
    let head = time.contains('T')
        && time.starts_with(|first: char| first.is_ascii_digit())
        && matches!(stream, "stdout" | "stderr")
        && matches!(flag, "F" | "P");
    if head { parts.next() } else { None }
}

/// The message behind columns that tabs separate, and the level in them: Lambda's runtimes (`time,
/// id, LEVEL`, `[LEVEL], time, id`), zap (`time, LEVEL, logger, caller`).
fn columns(line: &str) -> Option<(Option<&str>, &str)> {
    let mut rest = line;
    let mut level = None;
    let mut known = 0;
    while let Some((column, behind)) = rest.split_once('\t') {
        let word = column.trim().trim_matches(['[', ']']);
        if column.len() > 80 || word.contains('\n') {
            break;
        }
        if level.is_none() && Severity::of_level(word).is_some() {
            level = Some(word);
        } else if !(head::is_time(word) || is_request(word)) {
            // A logger's name or a caller stands directly behind the level.
            let named = level.is_some() && known >= 2 && is_place(word);
            if !named {
                break;
            }
        }
        known += 1;
        rest = behind;
    }
    (known >= 2 && level.is_some()).then_some((level, rest))
}

/// The id of an invocation, or what stands for it at the start of the runtime.
fn is_request(word: &str) -> bool {
    matches!(word, "undefined" | "N/A" | "null" | "-") || tail::is_hex(word, 8)
}

/// `worker/main.go:42`, `shop.orders`.
fn is_place(word: &str) -> bool {
    !word.contains(' ')
        && (word.contains('.') || word.contains(':'))
        && !word.ends_with(':')
        && !word.contains('{')
}

/// A text and the object behind it: `charge failed {"order": 45}`, Laravel's `… {"userId":18} []`.
fn behind(text: &str) -> (&str, Option<Map<String, Value>>) {
    let first = text.trim_start().lines().next().unwrap_or(text).trim_end();
    let whole = text.trim_end();
    let end = if whole.ends_with('}') || whole.ends_with("[]") { whole } else { first };
    let end = end.strip_suffix("[]").map_or(end, str::trim_end);
    if !end.ends_with('}') {
        return (text, None);
    }
    let pretty = end.match_indices("{\n");
    for (at, _) in end.match_indices("{\"").take(TRIED).chain(pretty.take(1)) {
        if at > 0 && !end[..at].ends_with(char::is_whitespace) && !end[..at].ends_with([':', '=']) {
            continue;
        }
        // Laravel's context has raw line feeds in its texts.
        let raw = || end[at..].contains('\n').then(|| partial::read(&end[at..]))?;
        if let Some(map) = object_in(&end[at..]).or_else(raw) {
            return (end[..at].trim_end(), Some(map));
        }
    }
    (text, None)
}
