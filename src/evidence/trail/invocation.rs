//! The lines of one invocation of a Lambda function, by their place in the stream: an invocation
//! writes between its START and its REPORT.

use crate::lines::Line;
use crate::lines::correlation::{Correlation, Id, correlations};
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
    let mut own: Option<String> = marks[first]
        .as_ref()
        .filter(|(mark, _)| *mark == Mark::Start)
        .and_then(|(_, id)| id.clone());
    let mut last = at;
    let mut reported = mark_at(at) == Some(Mark::Report);
    while last + 1 < lines.len() && !reported {
        if let Some((mark, id)) = &marks[last + 1] {
            match mark {
                Mark::InitStart => break,
                Mark::Start if own.is_none() => own.clone_from(id),
                Mark::Report if own.is_none() || own == *id => {
                    own.clone_from(id);
                    reported = true;
                }
                // Of an invocation beside this one: Lambda Managed Instances run several at once.
                _ => {}
            }
        }
        last += 1;
    }
    if !started && !reported {
        return None;
    }
    let own = own.as_deref().and_then(Id::parse).map(Correlation::LambdaRequest);
    let mut kept = Vec::new();
    for line in &lines[first..=last] {
        let other = match (&own, correlations(line).into_iter().next()) {
            (Some(own), Some(id @ Correlation::LambdaRequest(_))) => id != *own,
            _ => false,
        };
        if !other {
            kept.push(line.clone());
        }
    }
    Some((own, kept))
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
