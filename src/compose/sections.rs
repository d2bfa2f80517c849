//! The sections of the details, in reading order: errors, trails, lines, alarm, search.

use super::details::Details;
use super::plot::plot;
use crate::alarm::Alarm;
use crate::alarm::intake::Message;
use crate::evidence::{Evidence, Kind, Step, Trail, Why};
use crate::lines::Line;
use crate::lines::record::Record;

/// The kinds with their counts and trails, then the lines that no trail shows.
pub(super) fn kinds_section(details: &mut Details, evidence: &Evidence) {
    let parts = || evidence.parts.iter();
    let children = parts().any(|part| part.child.is_some());
    let mut number = 0;
    for part in parts() {
        for kind in &part.kinds {
            number += 1;
            let key = format!("1 error {number}");
            let child = part.child.as_deref().filter(|_| children);
            details.text(&key, &kind_text(kind, child));
            if let Some(trail) = kind.trail.as_ref().filter(|_| number <= details.trails()) {
                trail_section(details, number, trail);
            }
        }
        if let Some(latest) = &part.latest {
            let what = match &latest.correlation {
                Some(correlation) => format!("the last {correlation}"),
                None => "the last lines".to_owned(),
            };
            steps_section(details, "2 trail", &format!("nothing matched; {what}"), latest);
        }
        let lines: Vec<String> =
            part.lines_without_trail().map(|line| line_text(line, "")).collect();
        let key = match &part.child {
            Some(child) => {
                format!("3 line of {}", crate::text::cut(&crate::text::one_line(child), 60))
            }
            None => "3 line".to_owned(),
        };
        if part.kinds.iter().any(|kind| kind.count > 1 || kind.trail.is_none()) {
            details.lines(&key, lines.into_iter());
        }
    }
}

/// `KeyError: 'amount' · 37×, from 03:05:12 to 03:05:58 UTC`.
fn kind_text(kind: &Kind, child: Option<&str>) -> String {
    let (first, last) = (kind.first.format("%H:%M:%S"), kind.last.format("%H:%M:%S"));
    let when = if kind.count == 1 || kind.first == kind.last {
        format!("at {last} UTC")
    } else {
        format!("from {first} to {last} UTC")
    };
    let child = child.map(|child| format!(" · {child}")).unwrap_or_default();
    let name = crate::text::cut(&kind.name, 1_000);
    format!("{name} · {}×, {when}{child}", kind.count)
}

fn trail_section(details: &mut Details, number: usize, trail: &Trail) {
    let key = format!("2 trail {number}");
    let what = match &trail.correlation {
        Some(correlation) => correlation.to_string(),
        None => "the lines around it".to_owned(),
    };
    steps_section(details, &key, &what, trail);
}

fn steps_section(details: &mut Details, key: &str, what: &str, trail: &Trail) {
    details.text(key, &format!("{what} in {} · {}", trail.log_group, trail.stream));
    details.lines(
        key,
        trail.steps.iter().map(|step| match step {
            Step::Line(line) => line_text(line, &trail.log_group),
            Step::LeftOut(count) => format!("… {count} lines left out"),
        }),
    );
}

/// A line as it is shown in a trail, with its log group if that is not the trail's own.
fn line_text(line: &Line, own_group: &str) -> String {
    let group = if own_group.is_empty() || line.log_group == own_group {
        String::new()
    } else {
        format!("{} · ", line.log_group)
    };
    format!("{}  {group}{}", line.at.format("%H:%M:%S%.3f"), Record::read(&line.text).display())
}

/// What CloudWatch reported.
pub(super) fn alarm_section(details: &mut Details, alarm: &Alarm, account: Option<&str>) {
    details.text("4 alarm", &alarm.name);
    if let Some(description) = &alarm.description {
        details.block("4 alarm description", description);
    }
    details.text("4 alarm reason", &alarm.reason);
    details.text("4 alarm datapoints", &plot(alarm).unwrap_or_default());
    details.text("4 alarm state", alarm.state.name());
    let account = account.map(|name| format!("{name} ({})", alarm.origin.account));
    details.text("4 alarm account", account.as_deref().unwrap_or(&alarm.origin.account));
    details.text("4 alarm region", &alarm.origin.region);
    if let Some(contributor) = &alarm.contributor {
        details.append("4 alarm contributor", &contributor.id);
        for (name, value) in &contributor.attributes {
            details.append("4 alarm contributor", &format!("{name} = {value}"));
        }
    }
    if let Some(by) = &alarm.suppressed_by {
        details.text("4 alarm suppressed by", by);
    }
    if let Some(rule) = alarm.composite.as_ref().and_then(|composite| composite.rule.as_ref()) {
        details.text("4 alarm rule", rule);
    }
    for metric in &alarm.metrics {
        let dimensions: Vec<String> =
            metric.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let dimensions = if dimensions.is_empty() {
            String::new()
        } else {
            format!(" {{{}}}", dimensions.join(", "))
        };
        details.append("4 metric", &format!("{}/{}{dimensions}", metric.namespace, metric.name));
    }
}

/// What was searched, and for which time, so that the reader can continue the search.
pub(super) fn searched_section(details: &mut Details, evidence: &Evidence) {
    let searched = evidence.parts.iter().filter(|part| !part.sources.is_empty());
    let lines: Vec<String> = searched
        .flat_map(|part| {
            let from = part.window.start.format("%Y-%m-%d %H:%M:%S");
            let until = part.window.end.format("%H:%M:%S");
            part.sources.iter().map(move |source| {
                let why = match source.why {
                    Why::Tag => "tagged",
                    Why::MetricFilter => "metric filter",
                    Why::Table => "by the metric",
                    Why::LogAlarm => "log alarm",
                };
                let pattern =
                    if source.pattern.is_empty() { "every line" } else { &source.pattern };
                format!("{} · {from} to {until} UTC · {pattern} ({why})", source.log_group)
            })
        })
        .collect();
    details.lines("5 searched", lines.into_iter());
}

/// A message, unchanged.
pub(super) fn message_section(details: &mut Details, message: &Message, source: &str) {
    details.block("1 message", &message.body);
    details.text("4 topic", source);
}
