//! Which of the lines beside a line without an id belong to it: the nearest, of the same worker,
//! without another request's id, up to another request, the next failure or a pause.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::super::parts;
use super::super::records::TWICE;
use super::request::{End, Request};
use crate::lines::Line;
use crate::lines::correlation::{Correlation, own};
use crate::lines::record::{self, Piece, Record};
use crate::lines::worker;

/// A pause between two requests. One worker's requests are apart even if it waits for others.
const PAUSE: TimeDelta = TimeDelta::seconds(3);
const WORKER_PAUSE: TimeDelta = TimeDelta::seconds(5);
/// The longest that a program is taken to have waited before it says that it waited too long.
const TIMEOUT: TimeDelta = TimeDelta::seconds(60);
/// What follows a failure follows soon.
const PAUSE_AFTER: TimeDelta = TimeDelta::milliseconds(1_500);
const WORKER_PAUSE_AFTER: TimeDelta = TimeDelta::seconds(3);
/// Some servers write a request's access line just before its error.
const JUST_BEFORE: TimeDelta = TimeDelta::milliseconds(200);

/// The lines of one record are written at once.
const AT_ONCE: TimeDelta = TimeDelta::milliseconds(50);

/// What is known of one line beside the failing one.
#[expect(clippy::struct_excessive_bools, reason = "four separate facts about a line")]
struct Beside {
    line: Line,
    kept: bool,
    headline: String,
    /// The words without numbers and ids, to know the same failure again.
    shape: String,
    /// The line has a head of its own, or is an object.
    headed: bool,
    /// The line continues the one before it.
    continues: bool,
    worker: Option<String>,
    ids: Vec<Correlation>,
    /// The line has an id that the failing line has too.
    own_id: bool,
    request: Option<Request>,
}

/// The lines that belong to the failing line, at most `most` of them, oldest first. `lines` are of
/// one stream, oldest first, with the failing line among them.
pub(super) fn nearest(lines: Vec<Line>, failing: &Line, most: usize) -> Vec<Line> {
    let Some(at) = lines.iter().position(|line| line == failing) else { return lines };
    let parts: Vec<bool> = (0..lines.len()).map(|at| parts::goes_on(&lines, at)).collect();
    let mut beside: Vec<Beside> = lines.into_iter().zip(parts).map(read).collect();
    let head = head_of(&beside, at);
    let worker = beside[head].worker.clone();
    let own: HashSet<Correlation> =
        [at, head].iter().flat_map(|at| beside[*at].ids.clone()).collect();
    // The worker tells requests apart only if there is another one.
    let other = |it: &Beside| it.worker.is_some() && it.worker != worker;
    let by_worker = worker.is_some() && beside.iter().any(other);
    for place in 0..beside.len() {
        let before = place.checked_sub(1).is_none_or(|before| beside[before].kept);
        let known = &mut beside[place];
        let nameless = worker.is_some() && known.worker.is_none();
        known.continues |= nameless && !known.headed;
        known.own_id = known.ids.iter().any(|id| own.contains(id));
        known.kept = if place == at
            || place == head
            || (by_worker && known.worker == worker && own.is_empty())
        {
            true
        } else if !known.ids.is_empty() {
            known.own_id
        } else if known.continues {
            before
        } else {
            worker.is_none() || known.worker.is_none() || known.worker == worker
        };
    }
    let (first, path) = begin(&mut beside, at, by_worker);
    let last = end(&mut beside, at, first, path.as_deref(), by_worker);
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

/// The lines of the record that the failing line is part of: a collector can make an event of each
/// line of a stack trace. `lines` are of one stream, oldest first.
pub(super) fn record(lines: &[Line], failing: &Line) -> Vec<Line> {
    let mut runs = lines.chunk_by(|line, next| next.at - line.at <= AT_ONCE);
    let found = runs.find_map(|run| Some((run, run.iter().position(|line| line == failing)?)));
    let Some((run, at)) = found else { return Vec::new() };
    let part = |(at, line): (usize, &Line)| read((line.clone(), parts::goes_on(run, at)));
    let beside: Vec<Beside> = run.iter().enumerate().map(part).collect();
    let head = head_of(&beside, at);
    let goes_on = |known: &&Beside| (!known.headed || known.continues) && known.request.is_none();
    let count = beside[at + 1..].iter().take_while(goes_on).count();
    beside.into_iter().skip(head).take(at - head + 1 + count).map(|known| known.line).collect()
}

/// The line with the head of the record that a line is part of; the line itself if it has one.
fn head_of(beside: &[Beside], at: usize) -> usize {
    let mut head = at;
    while !beside[head].headed && head > 0 {
        if beside[head].line.at - beside[head - 1].line.at > AT_ONCE {
            return at;
        }
        head -= 1;
    }
    if beside[head].headed { head } else { at }
}

/// Reads a line; `part`: it is the next part of the line before it.
fn read((line, part): (Line, bool)) -> Beside {
    let read = Record::read(&line.text);
    let piece = Piece::of(&read);
    let indented = line.text.starts_with([' ', '\t']) || line.text.trim().is_empty();
    let headline = read.headline();
    let worker = if part { None } else { worker::of(&line.text) };
    // Behind a head with a time or a worker, a line can still be part of a stack trace.
    let head = record::head(&line.text).bytes().any(|byte| byte.is_ascii_digit());
    let headed = matches!(piece, Piece::Head | Piece::Platform(_)) || head || worker.is_some();
    let headed = headed && !part;
    Beside {
        kept: true,
        shape: shape(&headline),
        request: Request::of(&headline),
        headline,
        headed,
        continues: match piece {
            _ if part => true,
            Piece::Frame | Piece::Cause | Piece::Member => true,
            Piece::Words => indented,
            _ => false,
        },
        worker,
        ids: own(&line),
        own_id: false,
        line,
    }
}

impl Beside {
    /// Whether this line begins a failure like another line's, and is not the same one in another
    /// form.
    fn is_again(&self, failing: &Self) -> bool {
        let apart = (self.line.at - failing.line.at).abs() > TWICE;
        !self.continues && apart && self.headed == failing.headed && self.shape == failing.shape
    }

    /// Whether the line is one of those that a program writes again and again.
    fn repeats(&self, beside: &Self) -> bool {
        !self.continues && self.headline == beside.headline && !self.headline.is_empty()
    }
}

/// Goes back to the request's first line, a pause, or what belongs to the request before. Returns
/// the place and the request's path if it is known.
fn begin(beside: &mut [Beside], at: usize, by_worker: bool) -> (usize, Option<String>) {
    let mut first = at;
    let mut path = None;
    let pause = if by_worker { WORKER_PAUSE } else { PAUSE };
    let waited = says_timeout(&beside[at].headline);
    for place in (0..at).rev() {
        let (before, from) = beside.split_at_mut(place + 1);
        let (known, next, failing) =
            (&mut before[place], &from[first - place - 1], &from[at - place - 1]);
        if !known.kept {
            continue;
        }
        let gap = next.line.at - known.line.at;
        let patience = if waited && first == at { TIMEOUT } else { pause };
        if known.is_again(failing) || gap > patience {
            break;
        }
        if first != at && known.repeats(next) {
            first += 1;
            break;
        }
        match &known.request {
            None => first = place,
            Some(Request { end: Some(_), .. }) if known.own_id => first = place,
            Some(Request { end: None, .. }) if by_worker || known.own_id => {
                path.clone_from(&known.request.as_ref().and_then(|it| it.path.clone()));
                first = place;
                break;
            }
            Some(request) if !by_worker && request.is_probe() => known.kept = false,
            Some(Request { end: None, path: own }) => {
                path.clone_from(own);
                first = place;
                break;
            }
            Some(Request { end: Some(End { status: Some(500..) }), .. }) if gap <= JUST_BEFORE => {
                first = place;
            }
            Some(_) => break,
        }
    }
    // What still belongs to the failure before: its frames.
    while first < at && (beside[first].continues || !beside[first].kept) {
        first += 1;
    }
    (first, path)
}

/// Goes forward to a pause, to the next failure, to the end of the request or to the next one's
/// first line.
fn end(
    beside: &mut [Beside],
    at: usize,
    first: usize,
    path: Option<&str>,
    by_worker: bool,
) -> usize {
    let mut last = at;
    let pause = if by_worker { WORKER_PAUSE_AFTER } else { PAUSE_AFTER };
    // What begins this request begins the next one, unless it is written again and again.
    let begun = beside[first].shape.clone();
    let once = first != at && beside[first + 1..at].iter().all(|known| known.shape != begun);
    let access = beside[at].request.as_ref().is_some_and(|it| it.end.is_some());
    for place in at + 1..beside.len() {
        let (until, from) = beside.split_at_mut(place);
        let (known, before) = (&mut from[0], &until[last]);
        if !known.kept {
            continue;
        }
        let start = once && !known.continues && known.shape == begun;
        if known.is_again(&until[at]) || start || known.line.at - before.line.at > pause {
            break;
        }
        if last != at && known.repeats(before) {
            last -= 1;
            break;
        }
        match &known.request {
            None => last = place,
            Some(_) if access => break,
            Some(Request { end: Some(_), .. }) if by_worker || known.own_id => return place,
            Some(_) if known.own_id => last = place,
            Some(Request { end: None, .. }) if by_worker => break,
            Some(request) if request.is_probe() => known.kept = false,
            Some(Request { end: None, .. }) => break,
            Some(Request { end: Some(End { status }), path: other }) => {
                let same = path.zip(other.as_deref()).map(|(own, other)| own == other);
                if same.unwrap_or_else(|| status.is_none_or(|status| status >= 500)) {
                    return place;
                }
                known.kept = false;
            }
        }
    }
    last
}

fn says_timeout(headline: &str) -> bool {
    let text = headline.to_ascii_lowercase();
    ["timeout", "timed out", "time-out", "deadline", "took too long"]
        .iter()
        .any(|word| text.contains(word))
}

/// The words without what differs from request to request.
fn shape(headline: &str) -> String {
    headline
        .split_whitespace()
        .map(|word| if word.bytes().any(|byte| byte.is_ascii_digit()) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
