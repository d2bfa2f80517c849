//! Fits an event to a size limit: it is composed again with less detail until it fits.

use crate::pagerduty::Event;

/// How much of the evidence an event shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detail {
    /// The most characters of a row of a log line.
    pub(super) line: usize,
    /// The most characters of any other text.
    pub(super) text: usize,
    /// The most rows of each list.
    pub(super) rows: usize,
    pub(super) trails: usize,
    /// The most lines of each trail, beside what the user wants at most.
    pub(super) trail_lines: usize,
    pub(super) links: usize,
    /// What was cut on this level, for the reader.
    pub(super) cut: Option<&'static str>,
}

/// From the most detail to a level that always fits: the last level's texts need less than 60 kB
/// even if each character needs six bytes of JSON.
const LEVELS: [Detail; 5] = [
    Detail {
        line: 2_000,
        text: 4_000,
        rows: 600,
        trails: 10,
        trail_lines: 500,
        links: 10,
        cut: None,
    },
    Detail {
        line: 600,
        text: 2_000,
        rows: 300,
        trails: 5,
        trail_lines: 100,
        links: 10,
        cut: Some("long lines were cut further"),
    },
    Detail {
        line: 300,
        text: 1_000,
        rows: 60,
        trails: 3,
        trail_lines: 16,
        links: 10,
        cut: Some("lines were cut, and of each trail 16 lines at most are shown"),
    },
    Detail {
        line: 200,
        text: 500,
        rows: 20,
        trails: 1,
        trail_lines: 10,
        links: 5,
        cut: Some("lines were cut, and only one trail of 10 lines at most is shown"),
    },
    Detail {
        line: 100,
        text: 200,
        rows: 3,
        trails: 0,
        trail_lines: 1,
        links: 1,
        cut: Some("lines were cut, and no trail is shown"),
    },
];

/// The most detailed event within the limit, in bytes of JSON.
pub(super) fn fit(limit: usize, compose: impl Fn(&Detail) -> Event) -> Event {
    let [first, rest @ ..] = &LEVELS;
    let mut event = compose(first);
    for detail in rest {
        if size(&event) <= limit {
            break;
        }
        event = compose(detail);
    }
    event
}

/// The size of an event as JSON, in bytes.
fn size(event: &Event) -> usize {
    serde_json::to_vec(event).map_or(usize::MAX, |json| json.len())
}
