//! Reads settings one by one and collects their faults.

use std::ops::RangeInclusive;

use super::{ConfigError, Lookup};

/// Reads variables and collects their faults. A fault never shows the value, because someone may
/// have put a key into the wrong variable.
pub(super) struct Reader<L> {
    pub lookup: L,
    pub faults: Vec<String>,
}

impl<L: Lookup> Reader<L> {
    pub(super) fn new(lookup: L) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.lookup.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn fault(&mut self, name: &str, expected: &str) {
        let state = if self.value(name).is_some() { "is not valid" } else { "is not set" };
        let place = self.lookup.place(name);
        self.faults.push(format!("{place} {state}: it must be {expected}"));
    }

    pub(super) fn required(
        &mut self,
        name: &str,
        expected: &str,
        valid: impl Fn(&str) -> bool,
    ) -> String {
        if let Some(value) = self.value(name).filter(|value| valid(value)) {
            return value;
        }
        self.fault(name, expected);
        String::new()
    }

    /// Words separated by spaces or commas.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let value = self.value(name).unwrap_or_default();
        let words = value.split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    pub(super) fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.value(name) else { return default };
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.fault(name, &expected);
                default
            }
        }
    }

    pub(super) fn count(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.number(name, default, range)).unwrap_or(usize::MAX)
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.value(name) else { return default };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == value) {
            return *chosen;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.fault(name, &format!("one of {}", words.join(", ")));
        default
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        self.choice(name, default, &[("true", true), ("false", false)])
    }

    pub(super) fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(config) } else { Err(ConfigError(self.faults)) }
    }
}
