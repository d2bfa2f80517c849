//! The sections of the details, in reading order: notes, errors, trails, lines, alarm, search.

use std::fmt::Write as _;

use serde_json::Value;

use super::details::{Details, Keep};
use super::plot::plot;
use super::rows::Shown;
use crate::alarm::Alarm;
use crate::alarm::intake::Message;
use crate::context::Context;
use crate::evidence::{Evidence, Kind, Part, Trail, Why};
use crate::text::{cut, one_line};
use crate::zone::Zone;

/// The most characters of a kind's name in the list of errors, and in the head of its trail.
const LONGEST_KIND: usize = 1_000;
const LONGEST_IN_TRAIL: usize = 80;
/// The most characters of a child alarm's name above its lines.
const LONGEST_CHILD: usize = 60;

/// What is missing, why, and how to get it.
pub(super) fn notes_section(details: &mut Details, notes: &[String]) {
    details.texts("0 note", notes.iter().cloned(), Keep::First);
}

/// The kinds with their counts, the most severe and frequent first.
pub(super) fn errors_section(
    details: &mut Details,
    evidence: &Evidence,
    context: &Context,
    zone: Zone,
) {
    let mut texts = Vec::new();
    for (place, part) in evidence.parts.iter().enumerate() {
        for (at, kind) in part.kinds.iter().enumerate() {
            let novelty = context.kinds.get(&(place, at));
            let novelty = novelty.map(|it| format!(" · {it}")).unwrap_or_default();
            texts.push(format!("{}{novelty}", kind_text(kind, part, zone)));
        }
    }
    details.texts("1 errors", texts, Keep::First);
}

/// The answers to the next questions, the most telling first.
pub(super) fn context_section(details: &mut Details, context: &Context) {
    details.texts("2 context", context.sentences.iter().cloned(), Keep::First);
}

/// `KeyError: 'amount' · 37×, from 03:05:12 to 03:05:58 UTC`.
fn kind_text(kind: &Kind, part: &Part, zone: Zone) -> String {
    let (first, last) = (zone.second(kind.first), zone.second(kind.last));
    let name = zone.name(kind.last);
    let when = if kind.count == 1 || kind.first == kind.last {
        format!("at {last} {name}")
    } else {
        format!("from {first} to {last} {name}")
    };
    let child = part.child.as_ref().map(|child| format!(" · {child}")).unwrap_or_default();
    format!("{} · {}×, {when}{child}", cut(&kind.name, LONGEST_KIND), kind.count)
}

/// One trail for each of the first kinds: which request, then its lines, oldest first.
pub(super) fn trails_section(details: &mut Details, evidence: &Evidence, most: usize, zone: Zone) {
    let kinds: Vec<&Kind> = evidence.parts.iter().flat_map(|part| &part.kinds).collect();
    let with_trail = |kind: &&Kind| kind.trail.is_some();
    // Trails have the numbers of their kinds, which also sort as texts.
    let digits = kinds.iter().rposition(with_trail).map_or(1, |last| (last + 1).to_string().len());
    let detail = details.detail();
    let total = kinds.iter().copied().filter(|kind| with_trail(kind)).count();
    let several = kinds.len() > 1;
    let trails = kinds.iter().enumerate();
    let trails = trails.filter_map(|(at, kind)| Some((at + 1, kind, kind.trail.as_ref()?)));
    for (number, kind, trail) in trails.take(detail.trails) {
        let what = match &trail.correlation {
            Some(correlation) => correlation.to_string(),
            None => "the lines around it".to_owned(),
        };
        let mut head = place(&what, trail);
        if several {
            let _ = write!(head, " · {}", cut(&kind.name, LONGEST_IN_TRAIL));
        }
        let mut rows = vec![head];
        let shown = Shown { zone, width: detail.line };
        let mut most = most.min(detail.trail_lines);
        let mut lines = shown.trail(trail, most);
        while lines.len() >= detail.rows && most > 1 {
            most /= 2;
            lines = shown.trail(trail, most);
        }
        rows.extend(lines);
        details.lines(&format!("3 trail {number:0digits$}"), rows, Keep::First);
    }
    if total > detail.trails {
        details.say_cut(format!("{} of {total} trails are not shown", total - detail.trails));
    }
}

/// Where nothing matched, the last lines of the place that was searched.
pub(super) fn latest_section(details: &mut Details, evidence: &Evidence, most: usize, zone: Zone) {
    let shown = Shown { zone, width: details.detail().line };
    let rows: Vec<String> = evidence
        .parts
        .iter()
        .filter_map(|part| Some((part, part.latest.as_ref()?)))
        .flat_map(|(part, latest)| {
            let what = match &latest.correlation {
                Some(correlation) => format!("the last {correlation}"),
                None => "the last lines".to_owned(),
            };
            let head = format!("{}nothing matched; {}", of_child(part), place(&what, latest));
            std::iter::once(head).chain(shown.trail(latest, most))
        })
        .collect();
    details.lines("3 last lines", rows, Keep::First);
}

/// The matching lines that no trail shows, of each child below its name.
pub(super) fn lines_section(details: &mut Details, evidence: &Evidence, zone: Zone) {
    let shown = Shown { zone, width: details.detail().line };
    let mut rows = Vec::new();
    for part in &evidence.parts {
        // A single line whose trail is shown is in it.
        if !part.kinds.iter().any(|kind| kind.count > 1 || kind.trail.is_none()) {
            continue;
        }
        let lines: Vec<String> =
            part.lines_without_trail().flat_map(|line| shown.line(line, "", "")).collect();
        if part.child.is_some() && !lines.is_empty() {
            rows.push(of_child(part).trim_end().to_owned());
        }
        rows.extend(lines);
    }
    details.lines("4 lines", rows, Keep::Last);
}

/// `checkout-errors: ` for a child alarm; nothing for the alarm itself.
fn of_child(part: &Part) -> String {
    let child = part.child.as_ref();
    child.map(|child| format!("{}: ", cut(&one_line(child), LONGEST_CHILD))).unwrap_or_default()
}

fn place(what: &str, trail: &Trail) -> String {
    format!("{what} in {} · {}", trail.log_group, trail.stream)
}

/// What CloudWatch reported.
pub(super) fn alarm_section(details: &mut Details, alarm: &Alarm, account: Option<&str>) {
    let mut rows: Vec<(&str, String)> = vec![
        ("name", alarm.name.clone()),
        ("description", alarm.description.clone().unwrap_or_default()),
        ("reason", alarm.reason.clone()),
        ("datapoints", plot(alarm).unwrap_or_default()),
        ("state", alarm.state.name().to_owned()),
        ("region", alarm.origin.region.clone()),
        ("suppressed by", alarm.suppressed_by.clone().unwrap_or_default()),
    ];
    let id = &alarm.origin.account;
    rows.push(("account", account.map_or_else(|| id.clone(), |name| format!("{name} ({id})"))));
    if let Some(contributor) = &alarm.contributor {
        let attributes =
            contributor.attributes.iter().map(|(name, value)| format!("{name} = {value}"));
        let all: Vec<String> = std::iter::once(contributor.id.clone()).chain(attributes).collect();
        rows.push(("contributor", all.join(", ")));
    }
    if let Some(rule) = alarm.composite.as_ref().and_then(|composite| composite.rule.clone()) {
        rows.push(("rule", rule));
    }
    let metrics: Vec<String> = alarm
        .metrics
        .iter()
        .map(|metric| {
            let dimensions: Vec<String> =
                metric.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let dimensions = if dimensions.is_empty() {
                String::new()
            } else {
                format!(" {{{}}}", dimensions.join(", "))
            };
            format!("{}/{}{dimensions}", metric.namespace, metric.name)
        })
        .collect();
    rows.push(("metric", metrics.join(", ")));
    details
        .table("5 alarm", rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}

/// What was searched, and for which time, so that the reader can continue the search.
pub(super) fn searched_section(details: &mut Details, evidence: &Evidence, zone: Zone) {
    let searched = evidence.parts.iter().filter(|part| !part.sources.is_empty());
    let texts: Vec<String> = searched
        .flat_map(|part| {
            let from = zone.date_and_second(part.window.start);
            let until = zone.second(part.window.end);
            let name = zone.name(part.window.end);
            part.sources.iter().map(move |source| {
                let why = match source.why {
                    Why::Tag => "tagged",
                    Why::MetricFilter => "metric filter",
                    Why::Table => "by the metric",
                    Why::LogAlarm => "log alarm",
                };
                let pattern =
                    if source.pattern.is_empty() { "every line" } else { &source.pattern };
                format!("{} · {from} to {until} {name} · {pattern} ({why})", source.log_group)
            })
        })
        .collect();
    details.texts("6 searched", texts, Keep::First);
}

/// A message that is not an alarm: an object as a table, any other text a line a row.
pub(super) fn message_section(details: &mut Details, message: &Message, source: &str) {
    if let Ok(Value::Object(object)) = serde_json::from_str(&message.body) {
        let rows = object.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            value => (name, value.to_string()),
        });
        details.table("1 message", rows.collect());
    } else {
        let lines = message.body.lines().filter(|line| !line.trim().is_empty());
        details.lines("1 message", lines.map(str::to_owned).collect(), Keep::First);
    }
    details.table("5 source", vec![("topic".to_owned(), source.to_owned())]);
}
