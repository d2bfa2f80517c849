//! The title: the line that on-call engineers read on a phone.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::plot::{number, sign};
use crate::alarm::Alarm;
use crate::alarm::intake::Message;
use crate::evidence::{Evidence, Kind, breach};
use crate::pagerduty::SUMMARY_LIMIT;
use crate::text::{cut, one_line};

/// The most characters for what broke, so that a phone also shows how often and where.
const LONGEST_HEADLINE: usize = 300;
/// The longest name that CloudWatch allows.
pub(super) const LONGEST_NAME: usize = 255;

/// `KeyError: 'amount' · 37× in 3 min, 2 kinds · api-errors (prod, eu-west-1)`. Without evidence,
/// the alarm's name and reason.
pub(super) fn of_alarm(
    alarm: &Alarm,
    evidence: &Evidence,
    worst: Option<&Kind>,
    account: Option<&str>,
    now: DateTime<Utc>,
) -> String {
    let name = cut(&one_line(&alarm.name), LONGEST_NAME);
    let region = &alarm.origin.region;
    let place = match account {
        Some(account) => format!("{}, {region}", cut(&one_line(account), 64)),
        None => region.clone(),
    };
    let contributor = alarm.contributor.as_ref().map(|contributor| {
        let values: Vec<&str> = contributor.attributes.values().map(String::as_str).collect();
        if values.is_empty() { contributor.id.clone() } else { values.join(", ") }
    });
    let subject = match contributor {
        Some(contributor) => format!("{name} [{}]", cut(&one_line(&contributor), 100)),
        None => name,
    };
    let Some(kind) = worst else {
        let reason = crossed(alarm).unwrap_or_else(|| one_line(&alarm.reason));
        let reason = if reason.is_empty() { alarm.state.name() } else { &reason };
        return fitted(&format!("{subject}: {reason}"), &format!("· {place}"));
    };
    let what = match kind.name.as_str() {
        "" => "a log line without a message",
        name => name,
    };
    // The parts of a composite alarm belong to its children; each has its own time.
    let own = evidence.parts.iter().find(|part| part.child.is_none());
    let span = own.map_or_else(|| breach(alarm, now), |part| part.span);
    let seen = seen(evidence, (span.end - span.start).to_std().unwrap_or_default());
    fitted(what, &format!("· {seen} · {subject} ({place})"))
}

/// What crossed which threshold, shorter than CloudWatch's text: `Errors 3 ≥ 1`.
fn crossed(alarm: &Alarm) -> Option<String> {
    let [metric] = alarm.metrics.as_slice() else { return None };
    let last = alarm.datapoints.iter().max_by_key(|datapoint| datapoint.start)?;
    let threshold = alarm.evaluation.threshold?;
    let sign = sign(alarm)?;
    let (value, threshold) = (number(last.value), number(threshold));
    Some(format!("{} {value} {sign} {threshold}", one_line(&metric.name)))
}

/// The message's subject, or its first line.
pub(super) fn of_message(message: &Message, source: &str) -> String {
    let subject = message.subject.as_deref().map(one_line).filter(|it| !it.is_empty());
    let first = message.body.lines().find(|line| !line.trim().is_empty());
    let what = subject.unwrap_or_else(|| one_line(first.unwrap_or_default()));
    let what = if what.is_empty() { "an empty message".to_owned() } else { what };
    let topic = source.rsplit(':').next().unwrap_or(source);
    let place = format!("· {} ({})", cut(&one_line(topic), LONGEST_NAME), message.origin.region);
    fitted(&what, &place)
}

/// How often: `37× in 3 min, 2 kinds`.
fn seen(evidence: &Evidence, span: Duration) -> String {
    let parts = &evidence.parts;
    let lines: usize = parts.iter().map(|part| part.matched.seen).sum();
    let at_least = if parts.iter().any(|part| part.matched.at_least) { "≥" } else { "" };
    let kinds: usize = parts.iter().map(|part| part.kinds.len()).sum();
    let kinds = if kinds > 1 { format!(", {kinds} kinds") } else { String::new() };
    format!("{at_least}{lines}× in {}{kinds}", in_words(span))
}

fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

/// One line within [`SUMMARY_LIMIT`]: what broke is cut before how often and where.
fn fitted(what: &str, tail: &str) -> String {
    let tail = one_line(tail);
    let room = SUMMARY_LIMIT.saturating_sub(tail.chars().count() + 1);
    let what = cut(&one_line(what), LONGEST_HEADLINE.min(room));
    cut(&format!("{what} {tail}"), SUMMARY_LIMIT)
}
