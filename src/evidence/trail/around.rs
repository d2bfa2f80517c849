//! Which of the lines beside a line without an id belong to it: the nearest, of the same worker,
//! without another request's id, up to another request, the next failure or a pause.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::super::records::APART;
use super::super::whole::container_part;
use super::request::{End, Request};
use crate::lines::Line;
use crate::lines::correlation::{Correlation, own};
use crate::lines::record::{Piece, Record};
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

/// What is known of one line beside the failing one.
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
    request: Option<Request>,
}

/// The failing line and what tells its request from others.
struct Failing {
    own: HashSet<Correlation>,
    worker: Option<String>,
}

/// The lines that belong to the failing line, at most `most` of them, oldest first. `lines` are of
/// one stream, oldest first, with the failing line among them.
pub(super) fn nearest(lines: Vec<Line>, failing: &Line, most: usize) -> Vec<Line> {
    let Some(at) = lines.iter().position(|line| line == failing) else { return lines };
    let own =
        Failing { own: own(failing).into_iter().collect(), worker: worker::of(&failing.text) };
    let mut beside: Vec<Beside> = Vec::with_capacity(lines.len());
    let mut several = false;
    for (place, line) in lines.into_iter().enumerate() {
        let (known, worker) = own.read(line, beside.last());
        several |= worker.is_some() && worker != own.worker;
        beside.push(Beside { kept: known.kept || place == at, ..known });
    }
    // The worker tells requests apart only if there is another one.
    let by_worker = several && own.worker.is_some();
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

impl Failing {
    /// What is known of a line, and its worker.
    fn read(&self, line: Line, before: Option<&Beside>) -> (Beside, Option<String>) {
        let record = Record::read(&line.text);
        let piece = Piece::of(&record);
        let worker = worker::of(&line.text);
        let indented = line.text.starts_with([' ', '\t']) || line.text.trim().is_empty();
        let nameless = self.worker.is_some() && worker.is_none();
        let continues = match piece {
            Piece::Frame | Piece::Cause | Piece::Member => true,
            Piece::Lead | Piece::Error => nameless,
            Piece::Words => indented || nameless,
            Piece::Head | Piece::Platform(_) => false,
        };
        let part = before.and_then(|before| container_part(&before.line.text));
        let continues = continues || part.is_some_and(|(more, _)| more);
        let ids = own(&line);
        let kept = if !ids.is_empty() {
            ids.iter().any(|id| self.own.contains(id))
        } else if continues && let Some(before) = before {
            before.kept
        } else {
            match (&self.worker, &worker) {
                (Some(own), Some(other)) => own == other,
                _ => true,
            }
        };
        let headline = record.headline();
        let known = Beside {
            line,
            kept,
            shape: shape(&headline),
            request: Request::of(&headline),
            headline,
            headed: matches!(piece, Piece::Head | Piece::Platform(_)),
            continues,
        };
        (known, worker)
    }
}

impl Beside {
    /// Whether this line begins a failure like another line's.
    fn is_again(&self, failing: &Self) -> bool {
        let apart = (self.line.at - failing.line.at).abs() > APART;
        apart && !self.continues && self.headed == failing.headed && self.shape == failing.shape
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
            Some(Request { end: None, .. }) if by_worker => {
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
                break;
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
            Some(Request { end: None, .. }) if by_worker => break,
            Some(Request { end: Some(_), .. }) if by_worker => return place,
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
