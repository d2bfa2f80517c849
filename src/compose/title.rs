//! The title: the line that on-call engineers read on a phone.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::crossing::crossing;
use super::happened::happened;
use crate::alarm::Alarm;
use crate::alarm::intake::Message;
use crate::evidence::{Evidence, Kind, breach};
use crate::pagerduty::SUMMARY_LIMIT;
use crate::text::{cut, in_words, one_line};

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
        return fitted(&format!("{subject}: {}", crossing(alarm)), &format!("· {place}"));
    };
    let what = match kind.name.as_str() {
        "" => crossing(alarm),
        name => name.to_owned(),
    };
    // The parts of a composite alarm belong to its children; each has its own time.
    let own = evidence.parts.iter().find(|part| part.child.is_none());
    let span = own.map_or_else(|| breach(alarm, now), |part| part.span);
    let seen = seen(evidence, (span.end - span.start).to_std().unwrap_or_default());
    fitted(&what, &format!("· {seen} · {subject} ({place})"))
}

/// What a message says happened, and where it came from.
pub(super) fn of_message(message: &Message, source: &str) -> String {
    let what = happened(message.subject.as_deref(), &message.body);
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

/// One line within [`SUMMARY_LIMIT`]: what broke is cut before how often and where.
fn fitted(what: &str, tail: &str) -> String {
    let tail = one_line(tail);
    let room = SUMMARY_LIMIT.saturating_sub(tail.chars().count() + 1);
    let what = cut(&one_line(what), LONGEST_HEADLINE.min(room));
    cut(&format!("{what} {tail}"), SUMMARY_LIMIT)
}
