//! Text lines: Lambda's columns, `key=value` lines, stack traces.

use serde_json::Value;

use super::{Exception, Record, stack};
use crate::text::clean;

const LEVELS: [&str; 9] =
    ["FATAL", "CRITICAL", "ERROR", "WARNING", "WARN", "NOTICE", "INFO", "DEBUG", "TRACE"];

impl Record {
    pub(super) fn of_text(line: &str) -> Self {
        let line = clean(line);
        // Node on Lambda: time, request id, level and message, separated by tabs.
        let mut columns = line.splitn(4, '\t');
        if let (Some(_), Some(_), Some(level), Some(message)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
            && LEVELS.contains(&level.trim())
        {
            let mut record = Self::of_message(message);
            record.level.get_or_insert_with(|| level.trim().to_owned());
            return record;
        }
        let mut record = Self {
            message: line.trim_end().to_owned(),
            exception: if line.contains('\n') { stack::exception(&line) } else { None },
            plain: true,
            ..Self::default()
        };
        if record.exception.is_none()
            && let Some((level, said, error)) = logfmt(&record.message)
        {
            record.level = level;
            match error {
                Some(error) => {
                    record.exception = Some(Exception { name: said, message: Some(error) });
                }
                None => record.said = Some(said),
            }
        }
        record
    }

    /// The text after the columns: a message, an object, or a message and an error object.
    fn of_message(message: &str) -> Self {
        let object = |text: &str| match serde_json::from_str(text.trim()) {
            Ok(Value::Object(fields)) => Some(Self::of_json(fields)),
            _ => None,
        };
        if message.starts_with('{')
            && let Some(record) = object(message)
            && !record.headline().is_empty()
        {
            return record;
        }
        // "Invoke Error ⇥{"errorType":…}"
        let error = message.split_once("\t{").and_then(|(_, rest)| object(&format!("{{{rest}")));
        let traced = || if message.contains('\n') { stack::exception(message) } else { None };
        Self {
            message: message.to_owned(),
            exception: error.and_then(|error| error.exception).or_else(traced),
            ..Self::default()
        }
    }
}

/// The level, message and error of a line like `level=error msg="no such user" err=…`.
fn logfmt(line: &str) -> Option<(Option<String>, String, Option<String>)> {
    let said = value(line, "msg").or_else(|| value(line, "message"))?;
    let level = value(line, "level").or_else(|| value(line, "lvl")).map(|it| it.to_uppercase());
    let error = value(line, "error").or_else(|| value(line, "err"));
    let error = error.filter(|error| !error.is_empty() && !said.contains(error.as_str()));
    Some((level, said, error))
}

/// The value of a key, without its quotes.
fn value(line: &str, key: &str) -> Option<String> {
    let mut from = 0;
    while let Some(found) = line[from..].find(key) {
        let begin = from + found;
        from = begin + key.len();
        let free = begin == 0 || line[..begin].ends_with([' ', '\t']);
        let Some(rest) = line[from..].strip_prefix('=').filter(|_| free) else { continue };
        let Some(quoted) = rest.strip_prefix('"') else {
            return Some(rest.split([' ', '\t']).next().unwrap_or("").to_owned());
        };
        let mut text = String::new();
        let mut escaped = false;
        for character in quoted.chars() {
            match character {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => break,
                _ => {
                    text.push(character);
                    escaped = false;
                }
            }
        }
        return Some(text);
    }
    None
}
