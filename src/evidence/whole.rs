//! Names a kind by its whole record. Not every line of a record matches a pattern, so the rest is
//! taken from the lines beside the matching one, once these were read for the trail.

use super::records::APART;
use super::{Kind, Step};
use crate::lines::Line;
use crate::lines::record::{Piece, Record};

/// The most lines of one record that are read.
const MOST: usize = 100;

impl Kind {
    /// Reads the lines around the example in its trail as one record, and names the kind by it,
    /// if they name an error that the example alone does not.
    pub(super) fn name_by_trail(&mut self) {
        let Some(trail) = &self.trail else { return };
        let lines: Vec<&Line> = trail
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Line(line) if line.stream == self.example.stream => Some(line),
                _ => None,
            })
            .collect();
        let Some(at) = lines.iter().position(|line| **line == self.example) else { return };
        let (begin, end) = record_around(&lines, at);
        if end - begin < 2 {
            return;
        }
        let texts: Vec<&str> = lines[begin..end].iter().map(|line| line.text.as_str()).collect();
        let record = Record::read(&texts.join("\n"));
        let alone = Record::read(&self.example.text);
        let weak = matches!(
            Piece::of(&self.example.text, &alone),
            Piece::Lead | Piece::Frame | Piece::Cause
        );
        if record.exception.is_some() || (weak && begin < at) {
            let headline = record.headline();
            if !headline.is_empty() {
                self.name = headline;
            }
        }
    }
}

/// Where the record with line `at` begins and ends: back to a line that begins one, forward while
/// lines continue it.
fn record_around(lines: &[&Line], at: usize) -> (usize, usize) {
    let piece = |at: usize| Piece::of(&lines[at].text, &Record::read(&lines[at].text));
    let near = |one: usize, other: usize| (lines[one].at - lines[other].at).abs() <= APART;
    let mut begin = at;
    while begin > 0 && at - begin < MOST && near(begin - 1, begin) {
        let before = piece(begin - 1);
        let continues = match piece(begin) {
            Piece::Frame | Piece::Cause => !matches!(before, Piece::Platform(_)),
            Piece::Error => matches!(before, Piece::Lead | Piece::Frame),
            Piece::Lead => matches!(before, Piece::Lead | Piece::Frame),
            Piece::Head | Piece::Words | Piece::Platform(_) => false,
        };
        if !continues {
            break;
        }
        begin -= 1;
    }
    let mut end = at + 1;
    let mut led = matches!(piece(at), Piece::Lead);
    while end < lines.len() && end - at < MOST && near(end, end - 1) {
        match piece(end) {
            Piece::Frame | Piece::Cause => {}
            Piece::Lead => led = true,
            Piece::Error if led || end == at + 1 => led = false,
            Piece::Words if led => {}
            _ => break,
        }
        end += 1;
    }
    (begin, end)
}
