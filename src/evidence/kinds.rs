//! The kinds among the matching lines: how often, from when to when, and an example of each.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Kind;
use super::records::{Failure, Form, Matched, join};
use crate::lines::Line;
use crate::lines::correlation::correlations;
use crate::lines::digest::{Digest, Severity, Slot};
use crate::lines::record::Record;

/// The most kinds that are kept for one alarm.
const MOST_KINDS: usize = 10;
/// The most shapes for which an example is kept; the digest can join several into one kind.
const MOST_EXAMPLES: usize = 200;

/// Groups lines into kinds.
#[derive(Default)]
pub(super) struct KindsOf {
    digest: Digest,
    lines: Vec<Matched>,
    newest: HashMap<(Slot, Form), (usize, Line)>,
}

/// What is known of a kind before its example is chosen.
struct Known {
    severity: Severity,
    failures: Vec<Failure>,
}

impl KindsOf {
    pub(super) fn add(&mut self, line: &Line) {
        let record = Record::read(&line.text);
        let headline = record.headline();
        let message = if headline.is_empty() { line.text.trim() } else { &headline };
        let slot = self.digest.add_read(&line.text, message, record.severity());
        let arrival = self.lines.len();
        let matched = Matched::of(line, &record, slot, arrival);
        // One failure can be logged in several forms with the same words.
        let key = (slot, matched.form());
        self.lines.push(matched);
        let keep = match self.newest.get(&key) {
            Some((_, newest)) => line.at > newest.at,
            None => self.newest.len() < MOST_EXAMPLES,
        };
        if keep {
            self.newest.insert(key, (arrival, line.clone()));
        }
    }

    /// The kinds, the most severe first, then the most frequent; and how many failures there were,
    /// which can be fewer than lines.
    pub(super) fn finish(self) -> (Vec<Kind>, usize) {
        let kinds = self.digest.kinds();
        let severity =
            |line: &Matched| kinds.as_slice().get(kinds.of(line.slot)).map(|it| it.severity);
        let failures = join(self.lines);
        let count = failures.len();
        let mut known: HashMap<usize, Known> = HashMap::new();
        for failure in failures {
            let of = known.entry(kinds.of(failure.name().slot));
            let of = of.or_insert(Known { severity: Severity::Debug, failures: Vec::new() });
            let worst = failure.lines.iter().filter_map(severity).max();
            of.severity = of.severity.max(worst.unwrap_or(Severity::Unknown));
            of.failures.push(failure);
        }
        let mut known: Vec<Known> = known.into_values().collect();
        known.sort_by_key(|it| {
            let first = it.failures.iter().map(Failure::first).min();
            (Reverse(it.severity), Reverse(it.failures.len()), first)
        });
        let fingerprint = |slot: Slot| {
            let kind = kinds.as_slice().get(kinds.of(slot));
            kind.map(|kind| kind.fingerprint.clone()).unwrap_or_default()
        };
        let found = known.iter().filter_map(|it| kind(&it.failures, &self.newest, fingerprint));
        (found.take(MOST_KINDS).collect(), count)
    }
}

/// What a kind is called by the record of one line.
fn name(record: &Record) -> String {
    let headline = record.headline();
    headline.strip_prefix("Caused by: ").map_or(headline.clone(), str::to_owned)
}

/// A kind by its failures. The example is the newest failure whose line was kept; it is followed by
/// the line that carries an id, else by the one with a head, and named by the line that names the error.
fn kind(
    failures: &[Failure],
    newest: &HashMap<(Slot, Form), (usize, Line)>,
    fingerprint: impl Fn(Slot) -> String,
) -> Option<Kind> {
    let kept = |line: &Matched| {
        let kept = newest.get(&(line.slot, line.form()));
        kept.filter(|(arrival, _)| *arrival == line.arrival).map(|(_, line)| line)
    };
    let mut newest_first: Vec<&Failure> = failures.iter().collect();
    newest_first.sort_by_key(|failure| Reverse(failure.last()));
    let (failure, named) = newest_first
        .into_iter()
        .find_map(|failure| Some((failure, failure.by_tells().find_map(kept)?)))?;
    let lines: Vec<(&Matched, &Line)> = failure
        .by_tells()
        .filter(|line| !line.is_platform())
        .filter_map(|line| Some((line, kept(line)?)))
        .collect();
    let with_id = lines.iter().find(|(_, line)| !correlations(line).is_empty());
    let with_head = || lines.iter().find(|(line, _)| line.begins());
    let followed = with_id.or_else(with_head).map_or(named, |(_, line)| line);
    Some(Kind {
        name: name(&Record::read(&named.text)),
        count: failures.len(),
        first: failures.iter().map(Failure::first).min()?,
        last: failures.iter().map(Failure::last).max()?,
        example: followed.clone(),
        naming: (named != followed).then(|| named.clone()),
        fingerprint: fingerprint(failure.name().slot),
        trail: None,
    })
}
