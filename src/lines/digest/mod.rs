//! The digest: groups log lines into kinds. Lines of one kind differ only in ids, numbers and
//! times.
//!
//! For each line it finds the message (by the fields of a structured line, or by skipping the head
//! of a text line), reads it into tokens with values masked (`token`, `word`), and counts it under
//! the shape that these tokens make. At the end, `merge` combines shapes that differ in one
//! position only, if many words occur there, `template` writes the result, and `fingerprint` names
//! it for later. Memory grows with
//! the number of shapes, not of lines, and is limited.
//!
//! This is own code, because the crate for it (`logdrain`) groups much worse with one setting for
//! all logs. `benches/README.md` says what was measured, on which logs, and what is weak.

mod fingerprint;
mod merge;
mod template;
mod token;
mod word;

use std::collections::HashMap;

use merge::Shape;
use token::Token;

pub use crate::lines::record::Severity;
use crate::lines::record::message;

/// Maximum number of shapes. After that, lines are counted by their first word.
const SHAPES: usize = 4096;
/// Maximum number of first words after that.
const COARSE: usize = 256;
/// Marks the signatures of lines that came after both limits.
const OVERFLOW: u64 = 0x5bd1_e995_9e37_79b9;
/// Bytes of a line that are read.
const LINE: usize = 64 * 1024;
/// Bytes of a message that are used.
const MESSAGE: usize = 4096;
/// Bytes kept of a shape's first message and first line.
const KEPT: usize = 400;

/// Where a line was counted; `Kinds::of` returns its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(usize);

/// Collects lines and groups them into kinds.
#[derive(Debug, Default)]
pub struct Digest {
    shapes: Vec<Shape>,
    seen: Vec<Seen>,
    slots: HashMap<u64, usize>,
    tokens: Vec<Token>,
    lines: usize,
}

/// What is known about a shape, apart from its tokens.
#[derive(Debug)]
struct Seen {
    count: usize,
    first: usize,
    last: usize,
    severity: Severity,
    message: Box<str>,
    example: Box<str>,
}

/// A group of lines that differ only in ids, numbers and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineKind {
    /// The first line's message as a person would quote it, on one line.
    pub name: String,
    /// The same, with `<*>` where the lines differ or can differ.
    pub template: String,
    pub severity: Severity,
    /// The same for all lines of the kind, wherever and whenever they are read; 16 hex digits.
    pub fingerprint: String,
    pub count: usize,
    /// The first and the last line of the kind, counted from 0 in the order of `add`.
    pub first: usize,
    pub last: usize,
    /// The start of the first line.
    pub example: String,
}

/// The kinds, most severe first, then most frequent.
#[derive(Debug)]
pub struct Kinds {
    kinds: Vec<LineKind>,
    of_slot: Vec<usize>,
}

impl Kinds {
    #[must_use]
    pub fn of(&self, slot: Slot) -> usize {
        self.of_slot.get(slot.0).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn as_slice(&self) -> &[LineKind] {
        &self.kinds
    }
}

impl Digest {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a line.
    pub fn add(&mut self, line: &str) -> Slot {
        let (severity, message) = message(begin(line, LINE));
        self.count(line, &message, severity)
    }

    /// Counts a line that was read already: its message and the level in it.
    pub fn add_read(&mut self, line: &str, message: &str, level: Option<Severity>) -> Slot {
        self.count(line, message, level)
    }

    fn count(&mut self, line: &str, message: &str, level: Option<Severity>) -> Slot {
        let number = self.lines;
        self.lines += 1;
        let message = begin(message, MESSAGE);
        token::read(message, &mut self.tokens);
        let mut signature = merge::signature(&self.tokens);
        if self.tokens.is_empty() {
            // Only punctuation, or nothing at all.
            signature = token::hash(message.trim().as_bytes()) | 1;
        }
        if self.shapes.len() >= SHAPES && !self.slots.contains_key(&signature) {
            let first = self.tokens.first().map_or(0, |token| token.hash);
            signature = first ^ OVERFLOW;
            self.tokens.truncate(1);
            let full = self.shapes.len() >= SHAPES + COARSE;
            if full && !self.slots.contains_key(&signature) {
                signature = OVERFLOW;
                self.tokens.clear();
            }
        }
        let slot = *self.slots.entry(signature).or_insert(self.shapes.len());
        if slot == self.shapes.len() {
            self.shapes.push(Shape { tokens: self.tokens.clone(), into: slot });
            self.seen.push(Seen {
                count: 0,
                first: number,
                last: number,
                severity: level.unwrap_or_else(|| Severity::of_words(message)),
                message: begin(message, KEPT).into(),
                example: begin(line, KEPT).into(),
            });
        }
        let seen = &mut self.seen[slot];
        seen.count += 1;
        seen.last = number;
        if let Some(level) = level {
            seen.severity = seen.severity.max(level);
        }
        Slot(slot)
    }

    /// The kinds of all lines so far.
    #[must_use]
    pub fn kinds(mut self) -> Kinds {
        merge::merge(&mut self.shapes);
        let mut of_shape = vec![usize::MAX; self.shapes.len()];
        let mut kinds: Vec<LineKind> = Vec::new();
        for shape in 0..self.shapes.len() {
            let root = merge::root(&self.shapes, shape);
            let seen = &self.seen[shape];
            if of_shape[root] == usize::MAX {
                // The first shape of a kind is its root: it includes the first line.
                of_shape[root] = kinds.len();
                kinds.push(LineKind {
                    name: crate::text::one_line(&seen.message),
                    template: template::of(&self.shapes[root].tokens, &seen.message),
                    severity: seen.severity,
                    fingerprint: fingerprint::of(&self.shapes[root].tokens, &seen.message),
                    count: 0,
                    first: seen.first,
                    last: seen.last,
                    example: seen.example.to_string(),
                });
            }
            of_shape[shape] = of_shape[root];
            let kind = &mut kinds[of_shape[root]];
            kind.count += seen.count;
            kind.last = kind.last.max(seen.last);
            kind.severity = kind.severity.max(seen.severity);
        }
        let mut order: Vec<usize> = (0..kinds.len()).collect();
        order.sort_by_key(|kind| {
            let kind = &kinds[*kind];
            (std::cmp::Reverse(kind.severity), std::cmp::Reverse(kind.count), kind.first)
        });
        let mut place = vec![0; kinds.len()];
        for (index, kind) in order.iter().enumerate() {
            place[*kind] = index;
        }
        let of_slot = of_shape.iter().map(|kind| place[*kind]).collect();
        let mut sorted: Vec<Option<LineKind>> = kinds.into_iter().map(Some).collect();
        let kinds = order.iter().filter_map(|kind| sorted[*kind].take()).collect();
        Kinds { kinds, of_slot }
    }
}

fn begin(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
