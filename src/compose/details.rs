//! The details of an event: flat, with keys that PagerDuty's alphabetical order puts in reading
//! order.

use serde_json::{Map, Value};

use super::fit::Detail;
use crate::text::{clean, cut, one_line};

/// Builds `custom_details` for one level of detail, and counts what it cuts.
pub(super) struct Details<'a> {
    detail: &'a Detail,
    entries: Map<String, Value>,
    cut_texts: usize,
    dropped_lines: usize,
}

impl<'a> Details<'a> {
    pub(super) fn new(detail: &'a Detail) -> Self {
        Self { detail, entries: Map::new(), cut_texts: 0, dropped_lines: 0 }
    }

    /// The most trails that are shown.
    pub(super) fn trails(&self) -> usize {
        self.detail.trails
    }

    /// Adds a value on one line, unless it is empty.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.put(key.to_owned(), &one_line(value), self.detail.text);
    }

    /// Adds a value and keeps its line breaks.
    pub(super) fn block(&mut self, key: &str, value: &str) {
        self.put(key.to_owned(), clean(value).trim(), self.detail.text);
    }

    /// Adds to a value that lists several things.
    pub(super) fn append(&mut self, key: &str, value: &str) {
        match self.entries.get(key).and_then(Value::as_str) {
            None => self.text(key, value),
            Some(known) => {
                let joined = format!("{known}, {value}");
                self.text(key, &joined);
            }
        }
    }

    /// What is missing from the event. These keys come first, because they must be read first.
    pub(super) fn notes(&mut self, notes: &[String]) {
        let kept = notes.len().min(self.detail.lines.max(1));
        self.dropped_lines += notes.len() - kept;
        for (number, note) in (1..).zip(&notes[..kept]) {
            let key = if number == 1 { "0 note".to_owned() } else { format!("0 note {number}") };
            self.put(key, &one_line(note), self.detail.text);
        }
    }

    /// Adds numbered lines: `key.001`, `key.002`, … Keeps the newest.
    pub(super) fn lines(&mut self, key: &str, lines: impl ExactSizeIterator<Item = String>) {
        let dropped = lines.len().saturating_sub(self.detail.lines);
        self.dropped_lines += dropped;
        for (number, line) in (1..).zip(lines.skip(dropped)) {
            self.put(
                format!("{key}.{number:03}"),
                &clean(&line).replace('\t', "  "),
                self.detail.line,
            );
        }
    }

    pub(super) fn finish(mut self) -> Map<String, Value> {
        let mut cuts = Vec::new();
        if self.cut_texts > 0 {
            let (texts, limit) = (self.cut_texts, self.detail.line);
            cuts.push(format!("{texts} long texts were cut (log lines at {limit} characters)"));
        }
        if self.dropped_lines > 0 {
            cuts.push(format!("{} lines were left out", self.dropped_lines));
        }
        if let Some(what) = self.detail.cut {
            cuts.push(format!("the event was too large for PagerDuty: {what}"));
        }
        if !cuts.is_empty() {
            self.entries.insert("6 cut".to_owned(), Value::String(cuts.join("; ")));
        }
        self.entries
    }

    fn put(&mut self, key: String, value: &str, limit: usize) {
        let kept = cut(value, limit);
        if kept.len() < value.len() {
            self.cut_texts += 1;
        }
        if !kept.is_empty() {
            self.entries.insert(key, Value::String(kept));
        }
    }
}
