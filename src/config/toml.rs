//! `pagetrail.toml`: the settings of a server, with the lines they stand in.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Lookup;
use crate::text::{alike, did_you_mean, one_line};

/// Before the name of each environment variable.
const PREFIX: &str = "PAGETRAIL_";

/// A configuration file, read but not yet understood.
#[derive(Debug, Default)]
pub struct ConfigFile {
    name: String,
    /// Text and line of each setting, by the name of its environment variable.
    settings: BTreeMap<String, (String, usize)>,
    /// What could not be read, a sentence each.
    faults: Vec<String>,
}

impl ConfigFile {
    /// Reads what can be read. `name` is how people know the file, `known` the names of the
    /// settings there are.
    #[must_use]
    pub fn parse(name: &str, text: &str, known: &[&str]) -> Self {
        let mut file = Self { name: name.to_owned(), ..Self::default() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = line_of(text, error.span());
            file.faults.push(format!("{name}, line {line}: {}", one_line(error.message())));
        }
        for (key, value) in table.get_ref() {
            let line = line_of(text, Some(key.span()));
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                file.take(name, value, line);
            } else {
                let meant = did_you_mean(&alike(name, known.iter().copied(), 1));
                file.faults.push(format!("{}, line {line}: no such setting{meant}", file.name));
            }
        }
        file
    }

    /// The settings with the environment over them.
    pub(super) fn under<E: Fn(&str) -> Option<String>>(self, environment: E) -> Layered<E> {
        Layered { file: self, environment }
    }

    fn take(&mut self, name: &str, value: &Spanned<DeValue<'_>>, line: usize) {
        match text_of(value.get_ref()) {
            Some(text) => drop(self.settings.insert(variable(name), (text, line))),
            None => self.faults.push(format!(
                "{}, line {line}: {name} must be a text, a number, true or false, a list of \
                 texts, or a table of texts",
                self.name
            )),
        }
    }
}

/// A file's settings, and those of the environment, which come first.
pub(super) struct Layered<E> {
    file: ConfigFile,
    environment: E,
}

impl<E: Fn(&str) -> Option<String>> Layered<E> {
    pub(super) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.file.faults)
    }
}

impl<E: Fn(&str) -> Option<String>> Lookup for Layered<E> {
    fn get(&self, name: &str) -> Option<String> {
        let set = (self.environment)(name).filter(|value| !value.trim().is_empty());
        set.or_else(|| self.file.settings.get(name).map(|(text, _)| text.clone()))
    }

    fn place(&self, name: &str) -> String {
        let setting = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
        if (self.environment)(name).is_some_and(|value| !value.trim().is_empty()) {
            return name.to_owned();
        }
        match self.file.settings.get(name) {
            Some((_, line)) => format!("{}, line {line}: {setting}", self.file.name),
            None => format!("{setting} (or {name})"),
        }
    }
}

/// The name of a setting's environment variable.
fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_ascii_uppercase())
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start).min(text.len());
    text.get(..start).unwrap_or_default().matches('\n').count() + 1
}

/// The text that the environment variable would hold: words of a list by spaces, a table
/// as JSON.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Array(items) => {
            let words: Option<Vec<String>> =
                items.iter().map(|item| scalar(item.get_ref())).collect();
            Some(words?.join(" "))
        }
        DeValue::Table(_) => Some(json_of(value)?.to_string()),
        scalar_value => scalar(scalar_value),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn json_of(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| json_of(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table
                .iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), json_of(value.get_ref())?)));
            fields.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
        }
        scalar_value => scalar(scalar_value).map(Value::String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["listen", "rate_per_minute", "routing_keys", "redact_patterns"];

    fn layered(text: &str) -> Layered<impl Fn(&str) -> Option<String>> {
        ConfigFile::parse("pagetrail.toml", text, &KNOWN)
            .under(|name| (name == "PAGETRAIL_LISTEN").then(|| "[::1]:1".to_owned()))
    }

    #[test]
    fn values_become_what_the_variable_would_hold() {
        let settings = layered(
            "# a comment\nlisten = [\"a:1\", \"b:2\"]\nrate_per_minute = 60\n\
             [routing_keys]\ndefault = [\"k1\", \"k2\"]\ndb = \"k3\"\n",
        );
        assert_eq!(settings.get("PAGETRAIL_LISTEN").as_deref(), Some("[::1]:1"));
        assert_eq!(settings.place("PAGETRAIL_LISTEN"), "PAGETRAIL_LISTEN");
        assert_eq!(settings.get("PAGETRAIL_RATE_PER_MINUTE").as_deref(), Some("60"));
        assert_eq!(
            settings.place("PAGETRAIL_RATE_PER_MINUTE"),
            "pagetrail.toml, line 3: rate_per_minute"
        );
        assert_eq!(
            settings.get("PAGETRAIL_ROUTING_KEYS").as_deref(),
            Some(r#"{"db":"k3","default":["k1","k2"]}"#)
        );
        assert_eq!(settings.place("PAGETRAIL_QUEUE"), "queue (or PAGETRAIL_QUEUE)");
    }

    #[test]
    fn all_faults_of_the_file_with_their_lines() {
        let mut settings =
            layered("listne = 1\nrate_per_minute = 2020-01-01\n\nlisten = \nzzzzzzzzzzzz = 1\n");
        let faults = settings.take_faults();
        let has = |part: &str| faults.iter().any(|fault| fault.contains(part));
        assert!(has("line 1: no such setting; did you mean listen?"), "{faults:?}");
        assert!(has("line 2: rate_per_minute must be"), "{faults:?}");
        assert!(has("line 4: "), "{faults:?}");
        assert!(
            faults.iter().any(|fault| fault.ends_with("line 5: no such setting")),
            "{faults:?}"
        );
    }
}
