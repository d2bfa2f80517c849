//! Reads fields that can be missing, malformed or of another type. A bad field affects no other.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Utc};
use serde_json::Value;

/// A text, if it is not blank.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// The first of several names that holds a text.
pub(super) fn text_of(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(value, key))
}

pub(super) fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// `2025-02-02T12:06:35.472+0000`, which is not RFC 3339, or RFC 3339.
pub(crate) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .and_then(|time| plausible(time.to_utc()))
}

/// A time that a window can be computed from: near the ends of what can be represented, adding a
/// minute panics.
pub(super) fn plausible(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1970..=9999).contains(&time.year()).then_some(time)
}

/// Names and values, as an object or as a list of `{name, value}` or `{key, value}`
/// in either case.
pub(super) fn pairs(value: &Value) -> BTreeMap<String, String> {
    if let Some(object) = value.as_object() {
        let texts = object.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
        return texts.map(|(key, value)| (key.clone(), value.to_owned())).collect();
    }
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|pair| {
        let name = text_of(pair, &["name", "Name", "key", "Key"])?;
        Some((name, text_of(pair, &["value", "Value"])?))
    })
    .collect()
}

/// The values under any key that contains a word in any case, at most three levels deep. For
/// fields whose exact name AWS has not documented.
pub(super) fn under<'a>(value: &'a Value, word: &str) -> Vec<&'a Value> {
    under_key(value, &|key| key.contains(word))
}

/// The same for any key whose lower-case form `take` accepts.
pub(super) fn under_key<'a>(value: &'a Value, take: &dyn Fn(&str) -> bool) -> Vec<&'a Value> {
    fn walk<'a>(
        value: &'a Value,
        take: &dyn Fn(&str) -> bool,
        depth: usize,
        found: &mut Vec<&'a Value>,
    ) {
        for (key, value) in value.as_object().into_iter().flatten() {
            if take(&key.to_ascii_lowercase()) {
                found.push(value);
            } else if depth > 0 {
                walk(value, take, depth - 1, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(value, take, 2, &mut found);
    found
}
