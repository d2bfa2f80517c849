//! Composes the event: first what broke, then how often, then where.

use chrono::{DateTime, TimeDelta, Utc};

use super::Paging;
use super::details::Details;
use super::fit::{Detail, fit};
use super::links;
use super::sections::{
    alarm_section, context_section, errors_section, latest_section, lines_section, message_section,
    notes_section, searched_section, trails_section,
};
use super::severity::severity;
use super::title;
use super::title::LONGEST_NAME;
use crate::alarm::intake::Message;
use crate::alarm::{Alarm, tags};
use crate::aws::{Origin, log_group_name};
use crate::context::Context;
use crate::evidence::{Evidence, Kind, Window};
use crate::hash::sha256_hex;
use crate::lines::correlation::{Correlation, correlations};
use crate::pagerduty::{
    Action, DedupKey, Event, Link, Payload, SENDABLE_LIMIT, SUMMARY_LIMIT, Severity,
};
use crate::text::{cut, one_line};
use crate::zone::Zone;

/// The sender's name, shown under the incident.
const CLIENT: &str = "Pagetrail";

/// How events are composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composer<'a> {
    /// The severity if neither a tag nor a naming convention gives one.
    pub severity: Severity,
    /// The account's name for people, if known.
    pub account: Option<&'a str>,
    /// The most lines of a trail that are shown.
    pub trail_lines: usize,
    /// The time zone of what people read.
    pub zone: Zone,
    /// Largest event, in bytes of JSON.
    pub limit: usize,
}

impl<'a> Composer<'a> {
    /// A composer with these settings and the largest size that can be sent.
    #[must_use]
    pub fn of(paging: &'a Paging) -> Self {
        let account = paging.account_name.as_deref();
        Self {
            severity: paging.severity,
            account,
            trail_lines: paging.trail_lines,
            zone: paging.zone,
            limit: SENDABLE_LIMIT,
        }
    }

    /// The trigger for an alarm with its evidence and context, within the limit.
    #[must_use]
    pub fn trigger(
        &self,
        alarm: &Alarm,
        evidence: &Evidence,
        context: &Context,
        now: DateTime<Utc>,
    ) -> Event {
        fit(self.limit, |detail| self.trigger_at(alarm, evidence, context, now, detail))
    }

    /// A message that is not an alarm pages with its own text: the subject is the summary, the
    /// body is in the details. Each message opens a separate alert.
    #[must_use]
    pub fn message(&self, message: &Message) -> Event {
        fit(self.limit, |detail| self.message_at(message, detail))
    }

    fn trigger_at(
        &self,
        alarm: &Alarm,
        evidence: &Evidence,
        context: &Context,
        now: DateTime<Utc>,
        detail: &Detail,
    ) -> Event {
        let mut details = Details::new(detail);
        notes_section(&mut details, &evidence.notes);
        errors_section(&mut details, evidence, context, self.zone);
        context_section(&mut details, context);
        trails_section(&mut details, evidence, self.trail_lines, self.zone);
        latest_section(&mut details, evidence, self.trail_lines, self.zone);
        lines_section(&mut details, evidence, self.zone);
        alarm_section(&mut details, alarm, self.account);
        searched_section(&mut details, evidence, self.zone);

        let worst = worst(evidence);
        let metric = alarm.metrics.first();
        let name = |text: &str| cut(&one_line(text), LONGEST_NAME);
        Event {
            event_action: Action::Trigger,
            dedup_key: dedup_key(alarm),
            payload: Some(Payload {
                summary: title::of_alarm(alarm, evidence, worst, self.account, now),
                source: cut(
                    &one_line(alarm.arn.as_deref().unwrap_or(dedup_key(alarm).as_str())),
                    SUMMARY_LIMIT,
                ),
                severity: severity(alarm, self.severity),
                timestamp: alarm.changed_at.map(|changed| changed.to_rfc3339()),
                component: worst
                    .map(|kind| name(&kind.example.log_group))
                    .filter(|it| !it.is_empty()),
                group: metric.map(|metric| name(&metric.namespace)),
                class: metric.map(|metric| name(&metric.name)),
                custom_details: details.finish(),
            }),
            links: links_of(alarm, evidence, worst, detail),
            client: Some(CLIENT.to_owned()),
            client_url: links::alarm(alarm),
        }
    }

    fn message_at(&self, message: &Message, detail: &Detail) -> Event {
        let source = message.topic.clone().unwrap_or_else(|| CLIENT.to_owned());
        let mut details = Details::new(detail);
        let note = format!(
            "{}, so it is shown as it is and you must resolve the incident by hand.",
            message.why
        );
        notes_section(&mut details, &[note]);
        message_section(&mut details, message, &source);
        let identity = if message.id.is_empty() {
            format!("message/{}", sha256_hex(&[&source, &message.body]))
        } else {
            format!("message/{}", message.id)
        };
        Event {
            event_action: Action::Trigger,
            dedup_key: DedupKey::new(&one_line(&identity)),
            payload: Some(Payload {
                summary: title::of_message(message, &source),
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

/// The key of an alarm's alert: the alarm's identity. It is the same for ALARM and OK, so that a
/// resolve finds its trigger.
#[must_use]
pub fn dedup_key(alarm: &Alarm) -> DedupKey {
    DedupKey::new(&alarm.identity())
}

/// The resolve for an alarm's alert.
#[must_use]
pub fn resolve(alarm: &Alarm) -> Event {
    Event {
        event_action: Action::Resolve,
        dedup_key: dedup_key(alarm),
        payload: None,
        links: Vec::new(),
        client: None,
        client_url: None,
    }
}

/// The kind for the title: the first one of the part with the most lines.
fn worst(evidence: &Evidence) -> Option<&Kind> {
    let parts = evidence.parts.iter().filter(|part| !part.kinds.is_empty());
    parts.max_by_key(|part| part.matched.seen)?.kinds.first()
}

fn links_of(
    alarm: &Alarm,
    evidence: &Evidence,
    worst: Option<&Kind>,
    detail: &Detail,
) -> Vec<Link> {
    let to = |href: Option<String>, text: &str| Some(Link { href: href?, text: text.to_owned() });
    let mut links = Vec::new();
    links.extend(links::runbook(tags::runbook(&alarm.tags), alarm.description.as_deref()));
    if let Some(kind) = worst.filter(|kind| !kind.example.log_group.is_empty()) {
        let line = &kind.example;
        let at = place(&alarm.origin, &line.log_group);
        if !line.stream.is_empty() {
            let group = log_group_name(&line.log_group);
            links.extend(to(
                links::log_stream(&at, group, &line.stream, line.at),
                "Log stream at the error",
            ));
        }
        let correlation = kind.trail.as_ref().and_then(|trail| trail.correlation.as_ref());
        if let Some(correlation) = correlation {
            let margin = TimeDelta::minutes(15);
            let window = Window { start: line.at - margin, end: line.at + margin };
            let groups = trail_groups(kind);
            let id = correlation.id().as_str();
            links.extend(to(
                links::insights(&at, &groups, Some(id), window),
                "Logs Insights for this request",
            ));
        }
        // A line can contain a trace id in addition to the id that its trail follows.
        let trace = correlations(line).into_iter().find(|it| matches!(it, Correlation::Trace(_)));
        if let Some(trace) = trace {
            links.extend(to(links::trace(&at, &trace.xray()), "Trace in X-Ray"));
        }
    }
    if worst.is_none() {
        links.extend(all_lines(alarm, evidence));
    }
    links.extend(to(links::alarm(alarm), "Alarm in CloudWatch"));
    links.truncate(detail.links);
    links
}

/// If nothing was found, a link to all lines of the time span. Logs Insights also reads log
/// groups that the search cannot.
fn all_lines(alarm: &Alarm, evidence: &Evidence) -> Option<Link> {
    let part = evidence.parts.iter().find(|part| !part.sources.is_empty())?;
    let first = &part.sources[0].log_group;
    let mut groups: Vec<String> =
        part.sources.iter().map(|source| log_group_name(&source.log_group).to_owned()).collect();
    groups.dedup();
    Some(Link {
        href: links::insights(&place(&alarm.origin, first), &groups, None, part.window)?,
        text: "Logs Insights for this time".to_owned(),
    })
}

/// The log groups a kind's trail comes from.
fn trail_groups(kind: &Kind) -> Vec<String> {
    let mut groups = vec![log_group_name(&kind.example.log_group).to_owned()];
    for step in kind.trail.iter().flat_map(|trail| &trail.steps) {
        if let crate::evidence::Step::Line(line) = step {
            let name = log_group_name(&line.log_group);
            if !groups.iter().any(|known| known == name) {
                groups.push(name.to_owned());
            }
        }
    }
    // The console accepts up to 50.
    groups.truncate(20);
    groups
}

/// The account and Region of a log group: those of its ARN, else those of the alarm.
fn place(origin: &Origin, log_group: &str) -> Origin {
    Origin::from_arn(log_group).unwrap_or_else(|| origin.clone())
}
