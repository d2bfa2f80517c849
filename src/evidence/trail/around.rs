//! Which of the lines beside a line without an id belong to it: the nearest, of the same worker,
//! without another request's id, up to the next failure or a pause.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::super::records::APART;
use crate::lines::Line;
use crate::lines::correlation::{Correlation, correlations};
use crate::lines::record::{Piece, Record};
use crate::lines::worker;

/// A pause between two requests. One worker's requests are apart even if it waits for others.
const PAUSE: TimeDelta = TimeDelta::seconds(3);
const WORKER_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// What is known of one line beside the failing one.
struct Beside {
    line: Line,
    kept: bool,
    /// The words without numbers and ids, to know the same failure again.
    shape: String,
    /// The line continues the one before it.
    continues: bool,
}

/// The lines that belong to the failing line, at most `most` of them, oldest first. `lines` are of
/// one stream, oldest first, with the failing line among them.
pub(super) fn nearest(lines: Vec<Line>, failing: &Line, most: usize) -> Vec<Line> {
    let Some(at) = lines.iter().position(|line| line == failing) else { return lines };
    let own: HashSet<Correlation> = correlations(failing).into_iter().collect();
    let worker = worker::of(&failing.text);
    let mut beside = Vec::with_capacity(lines.len());
    for (place, line) in lines.into_iter().enumerate() {
        let before: Option<&Beside> = beside.last();
        let known = read(line, before, &own, worker.as_deref());
        beside.push(Beside { kept: known.kept || place == at, ..known });
    }
    let pause = if worker.is_some() { WORKER_PAUSE } else { PAUSE };
    let shape = beside[at].shape.clone();
    let first = begin(&beside, at, &shape, pause);
    let last = end(&beside, at, &shape, &beside[first].shape, pause);
    let mut range: Vec<(usize, Line)> = beside
        .into_iter()
        .enumerate()
        .filter(|(place, known)| (first..=last).contains(place) && known.kept)
        .map(|(place, known)| (place, known.line))
        .collect();
    range.sort_by_key(|(place, _)| place.abs_diff(at));
    range.truncate(most.max(1));
    range.sort_by_key(|(place, _)| *place);
    range.into_iter().map(|(_, line)| line).collect()
}

fn read(
    line: Line,
    before: Option<&Beside>,
    own: &HashSet<Correlation>,
    worker: Option<&str>,
) -> Beside {
    let record = Record::read(&line.text);
    let piece = Piece::of(&line.text, &record);
    let indented = line.text.starts_with([' ', '\t']) || line.text.trim().is_empty();
    let continues = match piece {
        Piece::Frame | Piece::Cause => true,
        Piece::Lead | Piece::Error => worker.is_some() && worker::of(&line.text).is_none(),
        Piece::Words => indented || (worker.is_some() && worker::of(&line.text).is_none()),
        Piece::Head | Piece::Platform(_) => false,
    };
    let ids = correlations(&line);
    let kept = if !ids.is_empty() {
        ids.iter().any(|id| own.contains(id))
    } else if continues && let Some(before) = before {
        before.kept
    } else {
        match (worker, worker::of(&line.text)) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    };
    Beside { line, kept, shape: shape(&record.headline()), continues }
}

/// Goes back to a pause, or to the failure before this one.
fn begin(beside: &[Beside], at: usize, shape: &str, pause: TimeDelta) -> usize {
    let mut first = at;
    for place in (0..at).rev().filter(|place| beside[*place].kept) {
        let known = &beside[place];
        let apart = beside[at].line.at - known.line.at > APART;
        let again = known.shape == shape && !known.continues && apart;
        if again || beside[first].line.at - known.line.at > pause {
            break;
        }
        first = place;
    }
    // What still belongs to the failure before: its frames.
    while first < at && beside[first].continues {
        first += 1;
    }
    first
}

/// Goes forward to a pause, to the next failure, or to the next request's first line.
fn end(beside: &[Beside], at: usize, shape: &str, start: &str, pause: TimeDelta) -> usize {
    let mut last = at;
    for place in (at + 1..beside.len()).filter(|place| beside[*place].kept) {
        let known = &beside[place];
        let apart = known.line.at - beside[at].line.at > APART;
        let again = !known.continues && apart && (known.shape == shape || known.shape == start);
        if again || known.line.at - beside[last].line.at > pause {
            break;
        }
        last = place;
    }
    last
}

/// The words without what differs from request to request.
fn shape(headline: &str) -> String {
    headline
        .split_whitespace()
        .map(|word| if word.bytes().any(|byte| byte.is_ascii_digit()) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
