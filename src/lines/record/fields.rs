//! The fields of an object, found by what their names mean.

use serde_json::{Map, Value};

use super::names::{Role, Roles};

/// How deep an object is searched.
pub(super) const DEPTH: usize = 4;

/// One field and what its name can mean.
struct Field {
    name: String,
    value: Value,
    roles: Roles,
}

/// An object's fields. Empty values are left out.
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn of(map: Map<String, Value>) -> Self {
        let field = |(name, value): (String, Value)| {
            let roles = Roles::of(&name);
            Field { name, value, roles }
        };
        Self(map.into_iter().filter(|(_, value)| !is_empty(value)).map(field).collect())
    }

    /// The most trusted field with a role whose value fits.
    fn find(&self, role: Role, fits: impl Fn(&Value) -> bool) -> Option<usize> {
        let ranked = self.0.iter().enumerate().filter(|(_, field)| fits(&field.value));
        let ranked = ranked.filter_map(|(at, field)| Some((field.roles.rank(role)?, at)));
        ranked.min().map(|(_, at)| at)
    }

    pub(super) fn has(&self, role: Role, fits: impl Fn(&Value) -> bool) -> bool {
        self.find(role, fits).is_some()
    }

    /// Takes the most trusted field with a role whose value fits: its name and its value.
    pub(super) fn take(
        &mut self,
        role: Role,
        fits: impl Fn(&Value) -> bool,
    ) -> Option<(String, Value)> {
        let field = self.0.remove(self.find(role, fits)?);
        Some((field.name, field.value))
    }

    pub(super) fn take_text(&mut self, role: Role) -> Option<String> {
        match self.take(role, is_text)?.1 {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// All values that fit a role, the most trusted first, each with its name.
    pub(super) fn all(&self, role: Role) -> Vec<(&str, &Value)> {
        let mut ranked: Vec<_> =
            self.0.iter().filter_map(|field| Some((field.roles.rank(role)?, field))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, field)| (field.name.as_str(), &field.value)).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|field| (field.name.as_str(), &field.value))
    }

    /// Whether a field with a role fits.
    pub(super) fn any(&self, role: Role, fits: impl Fn(&str, &Value) -> bool) -> bool {
        self.0.iter().any(|field| field.roles.has(role) && fits(&field.name, &field.value))
    }

    /// Takes a field by its own name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|field| field.name == name)?;
        Some(self.0.remove(at).value)
    }

    /// Removes the fields for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(&str, Roles, &Value) -> bool) {
        self.0.retain(|field| keep(&field.name, field.roles, &field.value));
    }

    /// Adds fields; one that is there already stays.
    pub(super) fn extend(&mut self, map: Map<String, Value>) {
        for field in Self::of(map).0 {
            if !self.0.iter().any(|known| known.name == field.name) {
                self.0.push(field);
            }
        }
    }

    /// Each field as `name=value`.
    pub(super) fn shown(&self) -> Vec<String> {
        self.iter()
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            })
            .collect()
    }
}

pub(super) fn is_text(value: &Value) -> bool {
    matches!(value, Value::String(text) if !text.trim().is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// A text, or the text in OpenTelemetry's typed value.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("stringValue")?.as_str())
}

/// The object that a text holds, if the text is JSON.
pub(super) fn object_in(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    serde_json::from_str(text).ok()
}
