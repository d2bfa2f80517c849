//! The error in a structured line: an object, separate fields, or the text of a stack trace.

use serde_json::{Map, Value};

use super::fields::{DEPTH, Fields, is_text, object_in, text_of};
use super::names::{Role, Roles};
use super::{Exception, stack};
use crate::text::cut;

/// Most causes that are kept of one error.
const CAUSES: usize = 5;
/// Longest detail of an error that is shown.
const DETAIL: usize = 200;

/// An error, its stack trace, the errors inside it from the outermost, and what else it says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) exception: Option<Exception>,
    pub(super) stack: Option<String>,
    pub(super) causes: Vec<Exception>,
    pub(super) details: Vec<String>,
}

/// Takes the error out of a record's fields.
pub(super) fn take(fields: &mut Fields) -> Option<Found> {
    by_name(fields).or_else(|| flat(fields)).or_else(|| traced(fields)).or_else(|| {
        let (name, found) = fields
            .iter()
            .find_map(|(name, value)| Some((name.to_owned(), anywhere(name, value, DEPTH)?)))?;
        fields.remove(&name);
        Some(found)
    })
}

/// `"error": {"name": …}`, `"exception": ["Name", "words"]`, `"err": {"message": …, "stack": …}`.
fn by_name(fields: &mut Fields) -> Option<Found> {
    let (name, found) = fields.all(Role::Error).into_iter().find_map(|(name, value)| {
        let found = match value {
            Value::Object(error) => of_object(error, true)?,
            Value::Array(list) => of_list(list)?,
            Value::String(text) => of_object(&object_in(text)?, true)?,
            _ => return None,
        };
        Some((name.to_owned(), found))
    })?;
    fields.remove(&name);
    // Powertools writes the same error as text and as an object.
    let trace = fields.take(Role::Stack, |it| is_text(it) || is_frames(it));
    let mut found = found;
    if found.stack.is_none() {
        found.stack = trace.map(|(_, stack)| stack_text(&stack));
    }
    fields.retain(|_, roles, value| !(roles.has(Role::FlatType) && value.is_string()));
    Some(found)
}

/// `"errorType": …, "errorMessage": …, "stackTrace": […]` among the other fields.
fn flat(fields: &mut Fields) -> Option<Found> {
    let name = fields.take_text(Role::FlatType)?;
    // Lambda for Ruby: `Function<NoMethodError>`.
    let inner = name.strip_prefix("Function<").and_then(|it| it.strip_suffix('>'));
    let name = inner.map_or_else(|| name.clone(), str::to_owned);
    let stack = fields.take(Role::Stack, |it| is_text(it) || is_frames(it));
    let stack = stack.map(|(_, stack)| stack_text(&stack));
    // The same trace may be there once more, as an object.
    fields.retain(|_, roles, value| !(roles.has(Role::Stack) && value.is_object()));
    let said = stack.as_deref().and_then(|stack| stack::words_of(stack, &name));
    let message = match said {
        Some(said) if !fields.has(Role::FlatWords, is_text) => Some(said),
        said => fields.take_text(Role::FlatWords).or(said),
    };
    Some(Found { exception: Some(Exception { name, message }), stack, ..Found::default() })
}

/// Logback, winston, structlog, Serilog: the error's name is only in the stack's text.
fn traced(fields: &mut Fields) -> Option<Found> {
    let trace = |value: &Value| match value {
        Value::String(text) => stack::exception(text).is_some() || stack::named(text).is_some(),
        Value::Array(_) => is_frames(value),
        _ => false,
    };
    let (_, stack) = fields.take(Role::Stack, trace)?;
    let text = stack_text(&stack);
    let exception = stack::exception(&text).or_else(|| stack::named(text.lines().next()?));
    Some(Found { exception, stack: Some(text), ..Found::default() })
}

/// An error under any name: an object with a type or a stack, and words.
fn anywhere(name: &str, value: &Value, depth: usize) -> Option<Found> {
    match value {
        Value::Object(map) => {
            let known = ["err", "exception", "fault"]
                .iter()
                .any(|it| name.to_ascii_lowercase().contains(it));
            of_object(map, known).or_else(|| {
                if depth == 0 {
                    return None;
                }
                map.iter().find_map(|(name, value)| anywhere(name, value, depth - 1))
            })
        }
        Value::Array(list) if depth > 0 => {
            list.iter().take(8).find_map(|value| anywhere(name, value, depth - 1))
        }
        Value::String(text) if depth > 0 && text.starts_with('{') => {
            anywhere(name, &Value::Object(object_in(text)?), depth - 1)
        }
        _ => None,
    }
}

/// Reads an object as an error. `known` tells that the field's name already says it is one.
pub(super) fn of_object(map: &Map<String, Value>, known: bool) -> Option<Found> {
    let mut fields = Fields::of(map.clone());
    let stack = fields.take(Role::Stack, |it| is_text(it) || is_frames(it));
    let mut stack = stack.map(|(_, stack)| stack_text(&stack));
    let trace = stack
        .as_deref()
        .and_then(|stack| stack::exception(stack).or_else(|| stack::named(stack.lines().next()?)));
    let is_name = |value: &Value| text_of(value).is_some_and(|name| !name.contains(' '));
    let mut name =
        fields.take(Role::Type, is_name).and_then(|(_, name)| text_of(&name).map(str::to_owned));
    let message = fields
        .take(Role::Words, |value| text_of(value).is_some())
        .and_then(|(_, words)| text_of(&words).map(str::to_owned));
    if name.is_none() || (message.is_none() && name.as_deref().is_some_and(is_code)) {
        name = trace.as_ref().map(|it| it.name.clone()).or(name);
    }
    let told = name.as_deref().is_some_and(stack::is_error_name);
    let is_error = stack.as_deref().is_some_and(stack::has_frames)
        || trace.is_some()
        || (told && message.is_some())
        || (known && (name.is_some() || message.is_some()));
    if !is_error {
        return None;
    }
    let message = message.or_else(|| trace.and_then(|it| it.message));
    // "ENOENT: no such file" has its code already.
    let name = name.filter(|name| {
        !(is_code(name) && message.as_deref().is_some_and(|said| said.contains(name.as_str())))
    });
    let exception = match (name, message) {
        (Some(name), message) => Exception { name, message },
        (None, Some(message)) => stack::named(&message)
            .unwrap_or(Exception { name: String::new(), message: Some(message) }),
        (None, None) => return None,
    };
    if stack.as_deref().is_some_and(|it| it.trim().is_empty()) {
        stack = None;
    }
    let causes = causes(&mut fields, CAUSES);
    let details = details(&fields);
    Some(Found { exception: Some(exception), stack, causes, details })
}

fn of_list(list: &[Value]) -> Option<Found> {
    match list {
        [Value::String(name), Value::String(words)] if stack::is_type_name(name) => Some(Found {
            exception: Some(Exception { name: name.clone(), message: Some(words.clone()) }),
            ..Found::default()
        }),
        [Value::Object(first), ..] => {
            let told = first
                .iter()
                .any(|(name, value)| is_text(value) && Roles::of(name).has(Role::Words));
            of_object(first, told)
        }
        _ => None,
    }
}

/// The errors inside an error, from the outermost.
fn causes(fields: &mut Fields, most: usize) -> Vec<Exception> {
    let Some((_, inside)) = fields
        .take(Role::Cause, |it| matches!(it, Value::Object(_) | Value::Array(_)) || is_text(it))
    else {
        return Vec::new();
    };
    let inside = match inside {
        Value::Array(list) => list.into_iter().next().unwrap_or_default(),
        other => other,
    };
    let inside = match &inside {
        Value::String(text) => object_in(text).map_or(inside, Value::Object),
        _ => inside,
    };
    match inside {
        Value::String(text) => stack::named(&text)
            .or(Some(Exception { name: String::new(), message: Some(text) }))
            .into_iter()
            .collect(),
        Value::Object(map) if most > 0 => {
            // Quarkus: {"causedBy": {"exception": {…}}}.
            let map = match map.get("exception") {
                Some(Value::Object(inner)) if map.len() == 1 => inner.clone(),
                _ => map,
            };
            let Some(found) = of_object(&map, true) else { return Vec::new() };
            found.exception.into_iter().chain(found.causes).take(most).collect()
        }
        _ => Vec::new(),
    }
}

/// `code`, `statusCode`, the request id of an AWS error: what an error says beside its words.
fn details(fields: &Fields) -> Vec<String> {
    let mut details = Vec::new();
    for (name, value) in fields.iter().filter(|(name, _)| *name != "module") {
        let shown = match value {
            Value::String(text) if !text.contains('\n') => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Object(inner) if name == "$metadata" || Roles::of(name).has(Role::Words) => {
                details.extend(super::fields::Fields::of(inner.clone()).shown());
                continue;
            }
            _ => continue,
        };
        details.push(format!("{name}={}", cut(&shown, DETAIL)));
    }
    details
}

fn is_frames(value: &Value) -> bool {
    value.is_array()
}

/// `ENOENT`, `E_LEDGER`: a code in place of a type.
fn is_code(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

pub(super) fn stack_text(stack: &Value) -> String {
    match stack {
        Value::String(text) => text.clone(),
        Value::Array(frames) => {
            let frames: Vec<String> = frames.iter().map(frame).collect();
            frames.join("\n")
        }
        other => other.to_string(),
    }
}

/// One frame: a text, or an object with a class, a method, a file and a line.
fn frame(frame: &Value) -> String {
    let Value::Object(map) = frame else { return stack_text(frame) };
    let part = |names: &[&str]| {
        names.iter().find_map(|name| match map.get(*name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let place = [
        part(&["class", "className", "declaringClass", "module"]),
        part(&["method", "methodName", "name", "function", "func"]),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    let file = part(&["file", "fileName", "filename", "source"]).unwrap_or_default();
    let line = part(&["line", "lineNumber", "lineno"]).unwrap_or_default();
    if place.is_empty() && file.is_empty() {
        return frame.to_string();
    }
    format!("    at {}({file}:{line})", place.join("."))
}
