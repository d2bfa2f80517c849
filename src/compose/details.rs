//! The details of an event, in PagerDuty's terms: few keys, which it shows A–Z; a list is shown as a
//! row an entry, an object as a small table, and line breaks inside a text are suppressed.

use serde_json::{Map, Value};

use super::fit::Detail;
use crate::text::{clean, cut, one_line};

/// Which rows of a list stay if not all of them fit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    First,
    Last,
}

/// Builds `custom_details` for one level of detail, and says what it cuts.
pub(super) struct Details<'a> {
    detail: &'a Detail,
    entries: Map<String, Value>,
    cut_texts: usize,
    cuts: Vec<String>,
}

impl<'a> Details<'a> {
    pub(super) fn new(detail: &'a Detail) -> Self {
        Self { detail, entries: Map::new(), cut_texts: 0, cuts: Vec::new() }
    }

    /// The level of detail.
    pub(super) fn detail(&self) -> &'a Detail {
        self.detail
    }

    /// Says that something is missing because the event would be too large.
    pub(super) fn say_cut(&mut self, what: String) {
        self.cuts.push(what);
    }

    /// Adds a list of texts, unless it is empty. Each is put on one line.
    pub(super) fn texts(&mut self, key: &str, texts: impl IntoIterator<Item = String>, keep: Keep) {
        let limit = self.detail.text;
        let texts = texts.into_iter().map(|text| one_line(&text)).collect();
        self.rows(key, texts, limit, keep);
    }

    /// Adds a list of log lines' rows, unless it is empty.
    pub(super) fn lines(&mut self, key: &str, lines: Vec<String>, keep: Keep) {
        let limit = self.detail.line;
        let clean = |line: String| clean(&line).replace(['\n', '\t'], "  ");
        self.rows(key, lines.into_iter().map(clean).collect(), limit, keep);
    }

    /// Adds a table of names and values. Empty values are left out.
    pub(super) fn table(&mut self, key: &str, rows: Vec<(String, String)>) {
        let (most, all) = (self.detail.rows, rows.len());
        if all > most {
            self.cuts.push(format!("{key}: only the first {most} of {all} rows are shown"));
        }
        let mut table = Map::new();
        for (name, value) in rows.into_iter().take(most) {
            let value = self.fitted(&one_line(&value), self.detail.text);
            if !value.is_empty() {
                table.insert(cut(&one_line(&name), 100), Value::String(value));
            }
        }
        if !table.is_empty() {
            self.entries.insert(key.to_owned(), Value::Object(table));
        }
    }

    pub(super) fn finish(mut self) -> Map<String, Value> {
        if self.cut_texts > 0 {
            let (texts, limit) = (self.cut_texts, self.detail.line);
            self.cuts
                .push(format!("{texts} long texts were cut (log lines at {limit} characters)"));
        }
        if let Some(what) = self.detail.cut {
            self.cuts.insert(0, format!("the event was too large for PagerDuty: {what}"));
        }
        if !self.cuts.is_empty() {
            let cuts = self.cuts.into_iter().map(Value::String).collect();
            self.entries.insert("7 cut".to_owned(), cuts);
        }
        self.entries
    }

    fn rows(&mut self, key: &str, mut rows: Vec<String>, limit: usize, keep: Keep) {
        let most = self.detail.rows;
        if rows.len() > most {
            let (all, which) = (rows.len(), if keep == Keep::Last { "last" } else { "first" });
            self.cuts.push(format!("{key}: only the {which} {most} of {all} rows are shown"));
            if keep == Keep::Last {
                rows.drain(..all - most);
            } else {
                rows.truncate(most);
            }
        }
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| Value::String(self.fitted(row, limit)))
            .filter(|row| row.as_str() != Some(""))
            .collect();
        if !rows.is_empty() {
            self.entries.insert(key.to_owned(), Value::Array(rows));
        }
    }

    fn fitted(&mut self, value: &str, limit: usize) -> String {
        let kept = cut(value, limit);
        if kept.len() < value.len() {
            self.cut_texts += 1;
        }
        kept
    }
}
