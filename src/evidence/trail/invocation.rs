//! The lines of one invocation of a Lambda function, by their place in the stream: an invocation
//! writes between its START and its REPORT, and no other writes there.

use crate::lines::Line;
use crate::lines::correlation::{Correlation, Id};
use crate::lines::record::{Mark, Record};

/// The lines of the invocation that a line was written in, and the invocation's id. `lines` are of
/// one stream, oldest first. `None` if no START, REPORT or start of the runtime is among them.
pub(super) fn of(lines: &[Line], failing: &Line) -> Option<(Option<Correlation>, Vec<Line>)> {
    let at = lines.iter().position(|line| line == failing)?;
    let marks: Vec<Option<(Mark, Option<String>)>> = lines.iter().map(mark).collect();
    let mark_at = |place: usize| marks[place].as_ref().map(|(mark, _)| *mark);
    let mut first = at;
    let mut started = mark_at(at) == Some(Mark::Start);
    while first > 0 && !started {
        match mark_at(first - 1) {
            Some(Mark::End | Mark::Report) => break,
            Some(Mark::Start | Mark::InitStart) => {
                started = true;
                first -= 1;
            }
            Some(Mark::InitReport | Mark::Other) | None => first -= 1,
        }
    }
    let from_start = mark_at(first) == Some(Mark::Start);
    let mut seen = from_start;
    let mut last = at;
    let mut reported = mark_at(at) == Some(Mark::Report);
    while last + 1 < lines.len() && !reported {
        match mark_at(last + 1) {
            Some(Mark::Start) if seen => break,
            Some(Mark::InitStart) => break,
            Some(Mark::Start) => seen = true,
            Some(Mark::Report) => reported = true,
            Some(Mark::End | Mark::InitReport | Mark::Other) | None => {}
        }
        last += 1;
    }
    if !started && !reported {
        return None;
    }
    let id = marks[first..=last].iter().flatten().find_map(|(_, id)| id.as_deref());
    let id = id.and_then(Id::parse).map(Correlation::LambdaRequest);
    Some((id, lines[first..=last].to_vec()))
}

fn mark(line: &Line) -> Option<(Mark, Option<String>)> {
    let text = line.text.trim_start();
    // Only the platform's own lines are read as records.
    let own = ["START ", "END ", "REPORT ", "INIT_", "RequestId: ", "{"];
    if !own.iter().any(|begin| text.starts_with(begin))
        || (text.starts_with('{') && !text.contains("\"platform."))
    {
        return None;
    }
    let platform = Record::read(text).platform?;
    Some((platform.mark, platform.request))
}
