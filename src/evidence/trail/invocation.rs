//! The lines of one invocation of a Lambda function, by their place in the stream: an invocation
//! writes between its START and its REPORT.

use std::collections::HashMap;

use crate::lines::Line;
use crate::lines::correlation::{Correlation, Id, own};
use crate::lines::record::{Mark, Record};

/// A platform's line: where it stands in an invocation, and in which.
type Marked = Option<(Mark, Option<String>)>;

/// The lines of the invocation that a line was written in, and the invocation's id. `lines` are of
/// one stream, oldest first. `None` if no START, REPORT or start of the runtime is among them, or if
/// several invocations wrote at the same time.
pub(super) fn of(lines: &[Line], failing: &Line) -> Option<(Option<Correlation>, Vec<Line>)> {
    let at = lines.iter().position(|line| line == failing)?;
    let marks: Vec<Marked> = lines.iter().map(mark).collect();
    let spans = spans(&marks);
    let mut around = spans.iter().filter(|(_, (first, last))| (*first..=*last).contains(&at));
    let Some((id, (first, last))) = around.next() else { return beside(lines, &marks, at) };
    if around.next().is_some() {
        return None;
    }
    let own = Correlation::LambdaRequest(Id::parse(id)?);
    let mut running = vec![0_usize; lines.len() + 1];
    for (begin, end) in spans.values() {
        running[*begin..=*end].iter_mut().for_each(|count| *count += 1);
    }
    let belongs = |place: &usize| {
        let line = &lines[*place];
        let ids = own_request(line);
        let marked = marks[*place].as_ref().and_then(|(_, id)| id.as_deref());
        marked == Some(*id)
            || ids.as_ref() == Some(&own)
            || (running[*place] == 1 && ids.is_none() && marked.is_none())
    };
    let kept: Vec<Line> =
        (*first..=*last).filter(belongs).map(|place| lines[place].clone()).collect();
    Some((Some(own), kept))
}

/// Whether another invocation wrote the line.
pub(super) fn is_of_other(line: &Line, id: &Correlation) -> bool {
    own_request(line).is_some_and(|own| own != *id)
}

fn own_request(line: &Line) -> Option<Correlation> {
    own(line).into_iter().next().filter(|first| matches!(first, Correlation::LambdaRequest(_)))
}

/// From where to where each invocation writes. Lambda Managed Instances run several at once.
fn spans(marks: &[Marked]) -> HashMap<&str, (usize, usize)> {
    let mut spans: HashMap<&str, (Option<usize>, Option<usize>)> = HashMap::new();
    let mut starts = Vec::new();
    for (place, marked) in marks.iter().enumerate() {
        let Some((mark, Some(id))) = marked else { continue };
        match mark {
            Mark::Start => {
                starts.push(place);
                spans.entry(id).or_default().0.get_or_insert(place);
            }
            Mark::End | Mark::Report => spans.entry(id).or_default().1 = Some(place),
            _ => {}
        }
    }
    let last = marks.len().saturating_sub(1);
    let whole = |(first, end): (Option<usize>, Option<usize>)| {
        // Without a REPORT, the next START says that this invocation is over.
        let next = starts.get(starts.partition_point(|start| Some(*start) <= first));
        let end = end.unwrap_or_else(|| next.map_or(last, |next| next.saturating_sub(1)));
        let first = first.unwrap_or_else(|| begin(marks, end));
        (first, end.max(first))
    };
    spans.into_iter().map(|(id, span)| (id, whole(span))).collect()
}

/// Where an invocation began of which only the end is known: behind the end of the one before.
fn begin(marks: &[Marked], end: usize) -> usize {
    let own = marks[end].as_ref().and_then(|(_, id)| id.as_ref());
    let other = marks[..end].iter().rposition(|marked| match marked {
        Some((Mark::End | Mark::Report, id)) => id.as_ref() != own,
        _ => false,
    });
    other.map_or(0, |other| other + 1)
}

/// The lines of the runtime's start, or what is written outside of any invocation.
fn beside(lines: &[Line], marks: &[Marked], at: usize) -> Option<(Option<Correlation>, Vec<Line>)> {
    let mark_at = |place: usize| marks[place].as_ref().map(|(mark, _)| *mark);
    let mut first = at;
    let mut started = mark_at(at) == Some(Mark::InitStart);
    while first > 0 && !started {
        match mark_at(first - 1) {
            Some(Mark::End | Mark::Report) => break,
            Some(Mark::InitStart) => {
                started = true;
                first -= 1;
            }
            _ => first -= 1,
        }
    }
    // A start that failed is reported, or followed by the invocation that needed it.
    let mut last = at;
    let mut id = None;
    while last + 1 < lines.len() && mark_at(last + 1) != Some(Mark::InitStart) {
        last += 1;
        if let Some((Mark::Report, request)) = &marks[last] {
            id.clone_from(request);
            break;
        }
    }
    if !started && id.is_none() {
        return None;
    }
    let id = id.as_deref().and_then(Id::parse).map(Correlation::LambdaRequest);
    Some((id, lines[first..=last].to_vec()))
}

fn mark(line: &Line) -> Marked {
    let text = line.text.trim_start();
    // Only the platform's own lines are read as records.
    let own = ["START ", "END ", "REPORT ", "INIT_", "RESTORE_", "RequestId: ", "{"];
    if !own.iter().any(|begin| text.starts_with(begin))
        || (text.starts_with('{') && !text.contains("\"platform."))
    {
        return None;
    }
    let platform = Record::read(text).platform?;
    Some((platform.mark, platform.request))
}
