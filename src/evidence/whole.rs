//! Names a kind by its whole record. Not every line of a record matches a pattern, so the rest is
//! taken from the lines beside the matching one, once these were read for the trail.

use super::records::APART;
use super::{Kind, Step, parts};
use crate::lines::Line;
use crate::lines::record::{Piece, Record};

/// The most lines of one record that are read.
const MOST: usize = 100;

impl Kind {
    /// Reads the lines around the example in its trail as one record, which is the trail's error,
    /// and names the kind by it, if they name an error that the example alone does not.
    pub(super) fn name_by_trail(&mut self) {
        let Some(trail) = &mut self.trail else { return };
        let steps = trail.steps.iter().enumerate();
        let (places, lines): (Vec<usize>, Vec<&Line>) = steps
            .filter_map(|(place, step)| match step {
                Step::Line(line) if line.stream == self.example.stream => Some((place, line)),
                _ => None,
            })
            .unzip();
        let Some(at) = lines.iter().position(|line| **line == self.example) else { return };
        let (begin, end) = record_around(&lines, at);
        if end - begin < 2 {
            return;
        }
        trail.error = places[begin]..places[end - 1] + 1;
        let parts = parts::around(&lines, at).is_some();
        let text = if parts {
            lines[begin..end].iter().map(|line| parts::content(&line.text)).collect()
        } else {
            lines[begin..end].iter().map(|line| own_text(line)).collect::<Vec<_>>().join("\n")
        };
        let record = Record::read(&text);
        let alone = Record::read(&self.example.text);
        let weak =
            matches!(Piece::of(&alone), Piece::Lead | Piece::Frame | Piece::Cause | Piece::Member)
                || parts;
        if record.exception.is_some() || weak {
            let headline = record.headline();
            if !headline.is_empty() {
                self.name = headline;
            }
        }
    }
}

/// What the program wrote: a text line out of a collector's envelope.
fn own_text(line: &Line) -> String {
    let record = Record::read(&line.text);
    if record.is_text() { record.message } else { line.text.clone() }
}

/// Whether two lines are near enough to be of one record.
fn near(lines: &[&Line], one: usize, other: usize) -> bool {
    (lines[one].at - lines[other].at).abs() <= APART
}

/// Where an object that was printed over several lines begins and ends.
fn object_around(lines: &[&Line], at: usize) -> (usize, usize) {
    let mut begin = at;
    while begin > 0
        && at - begin < MOST
        && near(lines, begin - 1, begin)
        && lines[begin].text != "{"
    {
        begin -= 1;
    }
    let mut end = at + 1;
    while end < lines.len()
        && end - at < MOST
        && near(lines, end, end - 1)
        && lines[end - 1].text.trim_end() != "}"
    {
        end += 1;
    }
    (begin, end)
}

/// Where the record with line `at` begins and ends: back to a line that begins one, forward while
/// lines continue it.
fn record_around(lines: &[&Line], at: usize) -> (usize, usize) {
    let piece = |at: usize| Piece::of(&Record::read(&lines[at].text));
    if let Some(parts) = parts::around(lines, at) {
        return parts;
    }
    let member = matches!(piece(at), Piece::Member);
    let below = |next: &&Line| next.text.trim() == "{" && near(lines, at + 1, at);
    if member || lines.get(at + 1).is_some_and(below) {
        let inside = if member { at } else { at + 1 };
        let (begin, end) = object_around(lines, inside);
        return (begin.min(at), end);
    }
    let mut begin = at;
    while begin > 0 && at - begin < MOST && near(lines, begin - 1, begin) {
        let before = piece(begin - 1);
        let continues = match piece(begin) {
            Piece::Frame | Piece::Cause => !matches!(before, Piece::Platform(_)),
            Piece::Error => matches!(before, Piece::Lead | Piece::Frame),
            Piece::Lead => matches!(before, Piece::Lead | Piece::Frame),
            Piece::Head | Piece::Words | Piece::Member | Piece::Platform(_) => false,
        };
        if !continues {
            break;
        }
        begin -= 1;
    }
    let mut end = at + 1;
    let mut led = matches!(piece(at), Piece::Lead);
    // The error stands directly below the head, or below an empty line.
    let below = |end: usize| lines[at + 1..end].iter().all(|line| line.text.trim().is_empty());
    while end < lines.len() && end - at < MOST && near(lines, end, end - 1) {
        match piece(end) {
            Piece::Frame | Piece::Cause => {}
            Piece::Lead => led = true,
            Piece::Error if led || below(end) => led = false,
            Piece::Words if led => {}
            _ => break,
        }
        end += 1;
    }
    (begin, end)
}
