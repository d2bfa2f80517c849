//! The kinds among the matching lines: how often, from when to when, and an example of each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Kind;
use crate::lines::Line;
use crate::lines::digest::{Digest, Slot};
use crate::lines::record::Record;

/// The most kinds that are kept for one alarm.
const MOST_KINDS: usize = 10;
/// The most shapes for which an example is kept; the digest can join several into one kind.
const MOST_EXAMPLES: usize = 200;

/// Groups lines into kinds.
#[derive(Default)]
pub(super) struct KindsOf {
    digest: Digest,
    seen: HashMap<Slot, Seen>,
}

struct Seen {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    newest: Line,
}

impl KindsOf {
    pub(super) fn add(&mut self, line: &Line) {
        let slot = self.digest.add(&line.text);
        if let Some(seen) = self.seen.get_mut(&slot) {
            seen.first = seen.first.min(line.at);
            if line.at >= seen.last {
                seen.last = line.at;
                seen.newest = line.clone();
            }
        } else if self.seen.len() < MOST_EXAMPLES {
            let seen = Seen { first: line.at, last: line.at, newest: line.clone() };
            self.seen.insert(slot, seen);
        }
    }

    /// The most severe first, then the most frequent.
    pub(super) fn finish(self) -> Vec<Kind> {
        let kinds = self.digest.kinds();
        let mut joined: HashMap<usize, Seen> = HashMap::new();
        for (slot, seen) in self.seen {
            match joined.get_mut(&kinds.of(slot)) {
                None => drop(joined.insert(kinds.of(slot), seen)),
                Some(known) => {
                    known.first = known.first.min(seen.first);
                    if seen.last > known.last {
                        known.last = seen.last;
                        known.newest = seen.newest;
                    }
                }
            }
        }
        let counted = kinds.as_slice().iter().enumerate();
        counted
            .filter_map(|(number, kind)| {
                let seen = joined.remove(&number)?;
                Some(Kind {
                    name: Record::read(&seen.newest.text).headline(),
                    count: kind.count,
                    first: seen.first,
                    last: seen.last,
                    example: seen.newest,
                    trail: None,
                })
            })
            .take(MOST_KINDS)
            .collect()
    }
}
