//! Which matching lines are one record. Collectors make an event of each line, so one failure can
//! match several times: its words, the error, frames of the stack, what the platform reports.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use chrono::{DateTime, TimeDelta, Utc};

use super::parts;
use crate::lines::Line;
use crate::lines::digest::Slot;
use crate::lines::record::{Piece, Record};

/// Lines of one record are written at once. A collector may add some milliseconds to each.
pub(super) const APART: TimeDelta = TimeDelta::seconds(1);
/// A failure that is logged twice, in two forms, is logged twice at once.
pub(super) const TWICE: TimeDelta = TimeDelta::milliseconds(100);
/// A platform's report is written shortly after what it reports.
const REPORTED: TimeDelta = TimeDelta::milliseconds(500);
/// Ids that are kept of one line, and how much of it is searched for them.
const IDS: usize = 4;
const SEARCHED: usize = 4_000;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Form {
    tells: u8,
    object: bool,
}

/// One matching line, without its text.
#[expect(clippy::struct_excessive_bools, reason = "five separate facts about a line")]
pub(super) struct Matched {
    pub(super) at: DateTime<Utc>,
    pub(super) slot: Slot,
    /// Later lines come first in a search.
    pub(super) arrival: usize,
    place: u64,
    piece: Piece,
    /// The line is an object, or holds one.
    object: bool,
    /// The line is indented, as the lines below a head are.
    indented: bool,
    /// The line holds nothing: frameworks print such lines between an error and its stack.
    blank: bool,
    /// The line is the begin of an object that goes on in the next event.
    cut: bool,
    /// The line can be the rest of such an object.
    rest: bool,
    ids: Vec<u64>,
}

impl Matched {
    pub(super) fn of(line: &Line, record: &Record, slot: Slot, arrival: usize) -> Self {
        let lambda = line.stream.contains("/[") || line.log_group.starts_with("/aws/lambda/");
        Self {
            at: line.at,
            slot,
            arrival,
            place: hash(&(&line.log_group, &line.stream)),
            piece: Piece::of(record),
            object: line.text.contains("{\""),
            indented: record.message.starts_with([' ', '\t']),
            blank: line.text.trim().is_empty(),
            cut: parts::is_cut(&line.text),
            rest: parts::is_end(&line.text),
            ids: if lambda { ids(&line.text) } else { Vec::new() },
        }
    }

    pub(super) fn is_platform(&self) -> bool {
        matches!(self.piece, Piece::Platform(_))
    }

    /// How the line is written: which part of a record, and whether as an object.
    pub(super) fn form(&self) -> Form {
        Form { tells: self.tells(), object: self.object }
    }

    /// Whether the line begins a record: its head can name the worker that wrote it.
    pub(super) fn begins(&self) -> bool {
        matches!(self.piece, Piece::Head | Piece::Lead)
    }

    /// How well this line names the failure.
    fn tells(&self) -> u8 {
        match &self.piece {
            Piece::Cause => 6,
            Piece::Error => 5,
            Piece::Head => 4,
            Piece::Words => 3,
            Piece::Platform(_) => 2,
            Piece::Lead | Piece::Member => 1,
            Piece::Frame => 0,
        }
    }
}

/// The matching lines of one failure, in the order in which they were written.
pub(super) struct Failure {
    pub(super) lines: Vec<Matched>,
    /// Which line names it.
    pub(super) named: usize,
}

impl Failure {
    fn new(line: Matched) -> Self {
        Self { lines: vec![line], named: 0 }
    }

    fn add(&mut self, line: Matched) {
        if line.tells() > self.lines[self.named].tells() {
            self.named = self.lines.len();
        }
        self.lines.push(line);
    }

    pub(super) fn name(&self) -> &Matched {
        &self.lines[self.named]
    }

    pub(super) fn first(&self) -> DateTime<Utc> {
        self.lines.iter().map(|line| line.at).min().unwrap_or_default()
    }

    pub(super) fn last(&self) -> DateTime<Utc> {
        self.name().at
    }

    /// The lines, from the one that names the failure best.
    pub(super) fn by_tells(&self) -> impl Iterator<Item = &Matched> {
        let others = self.lines.iter().enumerate().filter(|(at, _)| *at != self.named);
        let mut others: Vec<&Matched> = others.map(|(_, line)| line).collect();
        others.sort_by_key(|line| std::cmp::Reverse(line.tells()));
        std::iter::once(self.name()).chain(others)
    }

    fn has(&self, wanted: impl Fn(&Piece) -> bool) -> bool {
        self.lines.iter().any(|line| wanted(&line.piece))
    }

    fn is_platform(&self) -> bool {
        self.lines.iter().all(Matched::is_platform)
    }

    /// Whether the next line of the stream belongs to this failure.
    fn takes(&self, line: &Matched) -> bool {
        let Some(last) = self.lines.last() else { return false };
        let gap = line.at - last.at;
        if gap > APART || matches!(last.piece, Piece::Platform(_)) {
            return false;
        }
        if last.cut && line.rest && gap <= TWICE {
            return true;
        }
        let told = self.has(|piece| matches!(piece, Piece::Error));
        match &line.piece {
            Piece::Frame | Piece::Cause => true,
            Piece::Error => {
                let lead = self.has(|piece| matches!(piece, Piece::Lead));
                // A logger writes the error right behind its message.
                let logged = matches!(last.piece, Piece::Head) && !last.object && gap <= TWICE;
                !told && (lead || logged)
            }
            Piece::Lead => {
                // A traceback behind the line that announces it.
                !told && matches!(last.piece, Piece::Head | Piece::Lead)
            }
            Piece::Head => {
                gap <= TWICE
                    && last.slot == line.slot
                    && self.lines.iter().all(|known| known.object != line.object)
            }
            // An object that was printed over several lines.
            Piece::Member => matches!(last.piece, Piece::Member | Piece::Lead | Piece::Head),
            // Microsoft's console: the words below the category.
            Piece::Words => line.indented && matches!(last.piece, Piece::Lead),
            Piece::Platform(_) => false,
        }
    }
}

/// Puts the matching lines of each stream together.
pub(super) fn join(mut lines: Vec<Matched>) -> Vec<Failure> {
    if lines.iter().any(|line| !line.blank) {
        lines.retain(|line| !line.blank);
    }
    lines.sort_by_key(|line| (line.place, line.at, usize::MAX - line.arrival));
    let mut failures: Vec<Failure> = Vec::new();
    let mut place = None;
    for line in lines {
        match failures.last_mut() {
            Some(failure) if place == Some(line.place) && failure.takes(&line) => failure.add(line),
            _ => {
                place = Some(line.place);
                failures.push(Failure::new(line));
            }
        }
    }
    reported(failures)
}

/// Gives what the platform says of an invocation to the failure that it reports.
fn reported(failures: Vec<Failure>) -> Vec<Failure> {
    if !failures.iter().any(Failure::is_platform) {
        return failures;
    }
    let mut kept: Vec<Failure> = Vec::with_capacity(failures.len());
    let mut begin = 0;
    // The failures that carry an id of an invocation, by that id.
    let mut by_id: HashMap<u64, usize> = HashMap::new();
    for failure in failures {
        if kept.last().is_none_or(|last| last.name().place != failure.name().place) {
            begin = kept.len();
            by_id.clear();
        }
        let told = if let Piece::Platform(platform) = &failure.name().piece {
            platform.clone()
        } else {
            for id in failure.lines.iter().flat_map(|line| &line.ids) {
                by_id.entry(*id).or_insert(kept.len());
            }
            kept.push(failure);
            continue;
        };
        let request = told.request.as_ref().map(hash);
        let same = request.and_then(|id| by_id.get(&id).copied());
        let taken = told.milliseconds.map_or(REPORTED, |taken| {
            #[expect(clippy::cast_possible_truncation, reason = "a duration in milliseconds")]
            let taken = TimeDelta::milliseconds(taken as i64);
            taken + REPORTED
        });
        let at = failure.name().at;
        let owner = same.or_else(|| {
            let before = kept[begin..].iter().enumerate().rev();
            let near = before.take_while(|(_, it)| at - it.name().at <= taken);
            // A failure that names another invocation is not this one's.
            let fits = |it: &Failure| {
                let ids = it.lines.iter().flat_map(|line| &line.ids);
                request.is_none() || !it.is_platform() && ids.count() == 0 || it.is_start()
            };
            near.into_iter().find(|(_, it)| fits(it)).map(|(at, _)| begin + at)
        });
        if let Some(owner) = owner {
            if let Some(id) = request {
                by_id.insert(id, owner);
            }
            let failure_lines = failure.lines;
            kept[owner].report(failure_lines);
        } else {
            if let Some(id) = request {
                by_id.insert(id, kept.len());
            }
            kept.push(failure);
        }
    }
    warned(kept)
}

/// Gives what the platform wrote just before a failure, such as Lambda's warning of an unhandled
/// exception, to that failure.
fn warned(failures: Vec<Failure>) -> Vec<Failure> {
    let mut kept: Vec<Failure> = Vec::with_capacity(failures.len());
    for mut failure in failures {
        let (place, first) = (failure.name().place, failure.first());
        let warning = kept.last().is_some_and(|before| {
            before.is_start()
                && !failure.is_platform()
                && before.name().place == place
                && first - before.last() <= REPORTED
        });
        if warning && let Some(before) = kept.pop() {
            failure.lines.extend(before.lines);
        }
        kept.push(failure);
    }
    kept
}

impl Failure {
    /// A report on the start of the runtime, which names no invocation.
    fn is_start(&self) -> bool {
        self.is_platform()
            && self.lines.iter().all(|line| match &line.piece {
                Piece::Platform(told) => told.request.is_none(),
                _ => false,
            })
    }

    /// Adds the platform's lines. A later report says more than the line before it.
    fn report(&mut self, lines: Vec<Matched>) {
        let alone = self.is_platform();
        self.lines.extend(lines);
        if alone {
            self.named = self.lines.len() - 1;
        }
    }
}

/// The first UUIDs of a line, hashed.
fn ids(text: &str) -> Vec<u64> {
    let text = &text[..text.floor_char_boundary(SEARCHED)];
    let uuid =
        |part: &&str| part.len() == 36 && part.bytes().filter(|byte| *byte == b'-').count() == 4;
    text.split(|next: char| !(next.is_ascii_hexdigit() || next == '-'))
        .filter(uuid)
        .take(IDS)
        .map(|id| hash(&id.to_owned()))
        .collect()
}

/// A hash within this process.
fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
