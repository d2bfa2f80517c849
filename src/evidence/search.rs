//! Reading all pages of a query, keeping the newest lines and counting the rest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calls::Calls;
use super::logs::{LogError, LogSource, Query};
use super::{Count, Line};

/// Counting stops here: each further page costs a call of the five a second that
/// the whole account shares, and nobody decides anything by the difference.
const MOST_COUNTED: usize = 10_000;

/// What a search brought, also when it ended early.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Oldest first; of lines with the same time, in the order they came.
    pub(super) lines: Vec<Line>,
    pub(super) matched: Count,
    pub(super) error: Option<LogError>,
}

/// Pages through a query until its end, the deadline, or [`MOST_COUNTED`] lines.
pub(super) async fn search(
    query: &Query,
    keep: usize,
    logs: &impl LogSource,
    calls: &Calls,
) -> Found {
    let mut newest = Newest::new(keep);
    let mut matched = Count::default();
    let mut error = None;
    let mut token: Option<String> = None;
    loop {
        match calls.make(|| logs.events(query, token.as_deref())).await {
            Err(failure) => {
                matched.at_least = true;
                error = Some(failure);
                break;
            }
            Ok(page) => {
                matched.seen += page.items.len();
                page.items.into_iter().for_each(|line| newest.push(line));
                if page.next.is_none() || page.next == token {
                    break;
                }
                if matched.seen >= MOST_COUNTED {
                    matched.at_least = true;
                    break;
                }
                token = page.next;
            }
        }
    }
    Found { lines: newest.into_lines(), matched, error }
}

/// The newest lines of any number, in little memory.
pub(super) struct Newest {
    keep: usize,
    arrivals: u64,
    oldest_on_top: BinaryHeap<Reverse<Entry>>,
}

impl Newest {
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, arrivals: 0, oldest_on_top: BinaryHeap::with_capacity(keep + 1) }
    }

    pub(super) fn push(&mut self, line: Line) {
        self.arrivals += 1;
        self.oldest_on_top.push(Reverse(Entry { arrival: self.arrivals, line }));
        if self.oldest_on_top.len() > self.keep {
            self.oldest_on_top.pop();
        }
    }

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
    fn key(&self) -> (chrono::DateTime<chrono::Utc>, u64) {
        (self.line.at, self.arrival)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}
