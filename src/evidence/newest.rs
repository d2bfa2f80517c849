//! The newest of any number of lines, in little memory.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};

use crate::lines::Line;

/// Keeps the newest lines; among lines with the same time, those that were written last.
pub(super) struct Newest {
    keep: usize,
    /// Whether lines arrive newest first.
    backwards: bool,
    arrivals: u64,
    oldest_on_top: BinaryHeap<Reverse<Entry>>,
}

impl Newest {
    /// For lines that arrive oldest first, or in no order.
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, backwards: false, arrivals: 0, oldest_on_top: BinaryHeap::new() }
    }

    /// For lines that arrive newest first.
    pub(super) fn backwards(keep: usize) -> Self {
        Self { backwards: true, ..Self::new(keep) }
    }

    pub(super) fn push(&mut self, line: Line) {
        self.arrivals += 1;
        let arrival = if self.backwards { u64::MAX - self.arrivals } else { self.arrivals };
        self.oldest_on_top.push(Reverse(Entry { arrival, line }));
        if self.oldest_on_top.len() > self.keep {
            self.oldest_on_top.pop();
        }
    }

    /// Oldest first; lines with the same time in the order in which they were written.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let mut entries: Vec<Entry> =
            self.oldest_on_top.into_iter().map(|Reverse(entry)| entry).collect();
        entries.sort();
        entries.into_iter().map(|entry| entry.line).collect()
    }
}

/// A line, ordered by time, then by arrival.
struct Entry {
    arrival: u64,
    line: Line,
}

impl Entry {
    fn key(&self) -> (DateTime<Utc>, u64) {
        (self.line.at, self.arrival)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}
