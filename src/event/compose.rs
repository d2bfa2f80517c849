//! Composing the event: what broke first, then how often, then where.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::details::Details;
use super::fit::{Detail, fit};
use super::{Action, DedupKey, Event, Link, Payload, SUMMARY_LIMIT, Severity, links, sha256_hex};
use crate::alarm::Alarm;
use crate::alarm::sns::Message;
use crate::evidence::record::Record;
use crate::evidence::{Evidence, Line, Step, Trail, breach};
use crate::text::{cut, one_line};

/// The sender's name, as it stands under the incident.
const CLIENT: &str = "Pagetrail";
/// What broke takes no more of the title than this many characters, so that a phone
/// also shows how often and where.
const HEADLINE_LIMIT: usize = 300;
/// Longest names CloudWatch allows are 255 characters; more is not a name.
const NAME_LIMIT: usize = 255;

/// How events are composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composer {
    pub severity: Severity,
    /// Largest event, in bytes of JSON.
    pub limit: usize,
}

impl Composer {
    /// The trigger for an alarm with its evidence, within the limit.
    #[must_use]
    pub fn trigger(&self, alarm: &Alarm, evidence: &Evidence, now: DateTime<Utc>) -> Event {
        fit(self.limit, |detail| self.trigger_at(alarm, evidence, now, detail))
    }

    /// A message that is no alarm pages as itself: subject as summary, body in the
    /// details. It always opens an alert of its own, one per message.
    #[must_use]
    pub fn message(&self, message: &Message) -> Event {
        fit(self.limit, |detail| self.message_at(message, detail))
    }

    fn trigger_at(
        &self,
        alarm: &Alarm,
        evidence: &Evidence,
        now: DateTime<Utc>,
        detail: &Detail,
    ) -> Event {
        let breach = breach(alarm, now);
        let failing = evidence.lines.last();
        let headline = failing.map(|line| Record::read(&line.text).headline());
        let seen = evidence.matched.seen.max(evidence.lines.len());
        let at_least = if evidence.matched.at_least { "≥" } else { "" };
        let span = span((breach.end - breach.start).to_std().unwrap_or_default());
        let name = cut(&one_line(&alarm.name), NAME_LIMIT);
        let region = &alarm.origin.region;
        let how_often = format!("{at_least}{seen}× in {span}");
        let (what, tail) = if let Some(headline) = headline.as_deref() {
            let what = if headline.is_empty() { "a log line without a message" } else { headline };
            (what.to_owned(), format!(" · {how_often} · {name} ({region})"))
        } else {
            let reason = one_line(&alarm.reason);
            let reason = if reason.is_empty() { alarm.state.name() } else { &reason };
            (format!("{name}: {reason}"), format!(" · {region}"))
        };

        let mut details = Details::new(detail);
        details.notes(&evidence.notes);
        if headline.is_some() {
            details.text("1 error", &what);
            details.text("1 seen", &seen_text(evidence, &how_often));
        }
        for (number, trail) in (1..).zip(evidence.trails.iter().take(detail.trails)) {
            trail_details(&mut details, number, trail);
        }
        lines_details(&mut details, evidence);
        alarm_details(&mut details, alarm, evidence);

        let log_group = failing.map(|line| one_line(&line.log_group));
        let metric = alarm.metrics.first();
        Event {
            event_action: Action::Trigger,
            dedup_key: alarm.dedup_key(),
            payload: Some(Payload {
                summary: title(&what, &tail),
                source: cut(
                    &one_line(alarm.arn.as_deref().unwrap_or(alarm.dedup_key().as_str())),
                    SUMMARY_LIMIT,
                ),
                severity: self.severity,
                timestamp: alarm.changed_at.map(|changed| changed.to_rfc3339()),
                component: log_group.map(|group| cut(&group, SUMMARY_LIMIT)),
                group: metric.map(|metric| cut(&one_line(&metric.namespace), NAME_LIMIT)),
                class: metric.map(|metric| cut(&one_line(&metric.name), NAME_LIMIT)),
                custom_details: details.finish(),
            }),
            links: links_of(alarm, evidence, detail),
            client: Some(CLIENT.to_owned()),
            client_url: Some(links::alarm(alarm)),
        }
    }

    fn message_at(&self, message: &Message, detail: &Detail) -> Event {
        let subject = message.subject.as_deref().map(one_line).filter(|it| !it.is_empty());
        let body =
            one_line(message.body.lines().find(|line| !line.trim().is_empty()).unwrap_or(""));
        let what = subject.unwrap_or(body);
        let what = if what.is_empty() { "an empty message".to_owned() } else { what };
        let source = message.topic.clone().unwrap_or_else(|| "Pagetrail".to_owned());
        let place = format!(
            " · {} ({})",
            source.rsplit(':').next().unwrap_or(&source),
            message.origin.region
        );

        let mut details = Details::new(detail);
        details
            .notes(&[format!("{}, so it pages as it came and nothing resolves it.", message.why)]);
        details.block("1 message", &message.body);
        details.text("4 topic", &source);
        let identity = if message.id.is_empty() {
            format!("message/{}", sha256_hex(&[&source, &message.body]))
        } else {
            format!("message/{}", message.id)
        };
        Event {
            event_action: Action::Trigger,
            dedup_key: DedupKey::new(&one_line(&identity)),
            payload: Some(Payload {
                summary: title(&what, &cut(&place, HEADLINE_LIMIT)),
                source: cut(&one_line(&source), SUMMARY_LIMIT),
                severity: self.severity,
                timestamp: None,
                component: None,
                group: None,
                class: None,
                custom_details: details.finish(),
            }),
            links: Vec::new(),
            client: Some(CLIENT.to_owned()),
            client_url: None,
        }
    }
}

/// One line within [`SUMMARY_LIMIT`]: what broke is cut before how often and where.
fn title(what: &str, tail: &str) -> String {
    let tail = one_line(tail);
    let room = SUMMARY_LIMIT.saturating_sub(tail.chars().count() + 1);
    let what = cut(what, HEADLINE_LIMIT.min(room));
    cut(&one_line(&format!("{what} {tail}")), SUMMARY_LIMIT)
}

fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

fn seen_text(evidence: &Evidence, how_often: &str) -> String {
    let (Some(first), Some(last)) = (evidence.lines.first(), evidence.lines.last()) else {
        return how_often.to_owned();
    };
    let last_at = last.at.format("%H:%M:%S");
    match evidence.lines.len() {
        1 => format!("{how_often}, at {last_at} UTC"),
        kept if kept < evidence.matched.seen => format!(
            "{how_often}, last at {last_at} UTC; the newest {kept} are kept, from {} on",
            first.at.format("%H:%M:%S")
        ),
        _ => format!("{how_often}, from {} to {last_at} UTC", first.at.format("%H:%M:%S")),
    }
}

fn trail_details(details: &mut Details, number: usize, trail: &Trail) {
    let key = format!("2 trail {number}");
    details.text(&key, &format!("request {} in {} · {}", trail.id, trail.log_group, trail.stream));
    details.lines(
        &key,
        trail.steps.iter().map(|step| match step {
            Step::Line(line) => line_text(line),
            Step::LeftOut(count) => format!("… {count} lines left out"),
        }),
    );
}

fn lines_details(details: &mut Details, evidence: &Evidence) {
    let lines: Vec<String> = evidence.lines_without_trail().map(line_text).collect();
    details.lines("3 line", lines.into_iter());
}

fn line_text(line: &Line) -> String {
    format!("{}  {}", line.at.format("%H:%M:%S%.3f"), Record::read(&line.text).display())
}

fn alarm_details(details: &mut Details, alarm: &Alarm, evidence: &Evidence) {
    details.text("4 alarm", &alarm.name);
    if let Some(description) = &alarm.description {
        details.block("4 alarm description", description);
    }
    details.text("4 alarm reason", &alarm.reason);
    details.text("4 alarm state", alarm.state.name());
    details.text("4 alarm account", &alarm.origin.account);
    details.text("4 alarm region", &alarm.origin.region);
    for metric in &alarm.metrics {
        details.append("4 metric", &format!("{}/{}", metric.namespace, metric.name));
    }
    if let (Some(window), false) = (evidence.window, evidence.sources.is_empty()) {
        let from = window.start.format("%Y-%m-%d %H:%M:%S");
        let until = window.end.format("%H:%M:%S");
        details.text("5 searched", &format!("from {from} to {until} UTC"));
        details.lines(
            "5 searched",
            evidence.sources.iter().map(|source| {
                let pattern =
                    if source.pattern.is_empty() { "every line" } else { &source.pattern };
                format!("{} · {pattern}", source.log_group)
            }),
        );
    }
}

fn links_of(alarm: &Alarm, evidence: &Evidence, detail: &Detail) -> Vec<Link> {
    let mut links =
        vec![Link { href: links::alarm(alarm), text: "Alarm in CloudWatch".to_owned() }];
    let line = evidence.lines.last();
    links.extend(line.map(|line| Link {
        href: links::log_stream(&alarm.origin, &line.log_group, &line.stream, line.at),
        text: "Log stream at the error".to_owned(),
    }));
    links.truncate(detail.links);
    links
}

/// The resolve for an alarm's alert.
#[must_use]
pub fn resolve(alarm: &Alarm) -> Event {
    Event {
        event_action: Action::Resolve,
        dedup_key: alarm.dedup_key(),
        payload: None,
        links: Vec::new(),
        client: None,
        client_url: None,
    }
}
