//! The page: what an on-call person would see in PagerDuty.
//!
//! All content comes from logs, so anyone can write it: maud escapes every text and attribute, and
//! an address becomes a link only if it is http or https.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};
use serde_json::Value;

use super::Sandbox;
use super::changes::Change;
use super::details::details;
use super::incidents::{Entry, Incident, Status};
use crate::http::html::Frame;
use crate::pagerduty::{Action, Severity};

/// How many incidents the list shows: the newest.
const LISTED: usize = 200;
/// How many changes the page shows below them: the newest.
const CHANGES_LISTED: usize = 20;

const FRAME: Frame = Frame {
    brand: "Pagetrail sandbox",
    about: "A local stand-in for PagerDuty. Nobody is paged.",
    subject: "the sandbox",
    every: 2,
};

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    crate::http::html::asset(&name).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Html<String> {
    let state = sandbox.state();
    let count = |status| state.incidents.iter().filter(|one| one.status == status).count();
    let counts = [Status::Triggered, Status::Acknowledged, Status::Resolved]
        .map(|status| (status, count(status)));
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let open = counts[0].1 + counts[1].1;
    FRAME.page(
        &format!("{open} open"),
        &html! {
            header.top {
                h1 { "Incidents" }
                ul.counts {
                    @for (status, count) in counts {
                        li { span class={ "dot " (lower(status)) } {} strong { (count) } " " (lower(status)) }
                    }
                }
            }
            @if total == 0 {
                div.empty {
                    p { "No incident yet." }
                    p { "Send an event to " code { "/v2/enqueue" } ", as you would to PagerDuty." }
                }
            } @else {
                ol.incidents {
                    @for incident in state.incidents.iter().take(LISTED) { (row(incident)) }
                }
                @if total > LISTED {
                    p.more { (total - LISTED) " older ones are in " a href="/api/incidents" { "/api/incidents" } "." }
                }
            }
            (changes(state.changes.iter()))
        },
    )
}

pub(super) async fn one(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let state = sandbox.state();
    if let Some(incident) = id.parse().ok().and_then(|id| state.incidents.get(id)) {
        let title = format!("{}: {}", name(incident.status), incident.title);
        return FRAME.page(&title, &detail(incident)).into_response();
    }
    let missing = html! {
        (back())
        header.top { h1 { "No such incident" } }
        p { "It no longer exists: the sandbox keeps only the newest incidents, in memory." }
    };
    (StatusCode::NOT_FOUND, FRAME.page("No such incident", &missing)).into_response()
}

/// Acknowledges or resolves an incident, for the buttons of its page.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path((id, action)): Path<(u64, String)>,
    headers: HeaderMap,
) -> Response {
    // Another site must not press the buttons.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if !matches!(site, None | Some("same-origin" | "none")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let action = match action.as_str() {
        "acknowledge" => Action::Acknowledge,
        "resolve" => Action::Resolve,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    sandbox.state().incidents.act(id, action, Utc::now());
    Redirect::to(&format!("/incidents/{id}")).into_response()
}

fn buttons(incident: &Incident) -> Markup {
    let button = |action: &str, name: &str| {
        let address = format!("/incidents/{}/{action}", incident.id);
        html! { form method="post" action=(address) { button { (name) } } }
    };
    html! {
        @if incident.status != Status::Resolved {
            div.buttons {
                @if incident.status == Status::Triggered { (button("acknowledge", "Acknowledge")) }
                (button("resolve", "Resolve"))
            }
        }
    }
}

fn row(incident: &Incident) -> Markup {
    html! {
        li {
            (pill(incident.status))
            div {
                a href={ "/incidents/" (incident.id) } { (incident.title) }
                p.meta {
                    (severity(incident.severity))
                    span { "#" (incident.id) }
                    @if !incident.source.is_empty() { span.source { (incident.source) } }
                    @if incident.trigger_count > 1 { span { (incident.trigger_count) " triggers" } }
                }
            }
            (time(incident.created_at))
        }
    }
}

fn changes<'a>(changes: impl ExactSizeIterator<Item = &'a Change>) -> Markup {
    let total = changes.len();
    html! {
        @if total > 0 {
            section aria-labelledby="changes" {
                h2 #changes { "Changes" }
                ol.changes { @for change in changes.take(CHANGES_LISTED) { (change_row(change)) } }
                @if total > CHANGES_LISTED {
                    p.more { (total - CHANGES_LISTED) " older ones are in " a href="/api/changes" { "/api/changes" } "." }
                }
            }
        }
    }
}

fn change_row(change: &Change) -> Markup {
    html! {
        li {
            div {
                (change.summary)
                p.meta {
                    @if !change.source.is_empty() { span { (change.source) } }
                    @for (href, text) in &links(&change.links) { (link(href, text)) }
                }
            }
            (time(change.at))
        }
    }
}

fn detail(incident: &Incident) -> Markup {
    let links = links(&incident.links);
    html! {
        (back())
        header.top.incident {
            p.marks {
                (pill(incident.status))
                (severity(incident.severity))
                span.number { "#" (incident.id) }
            }
            h1 { (incident.title) }
            p.meta {
                span { "Opened " (time(incident.created_at)) }
                @if incident.trigger_count > 1 { span { (incident.trigger_count) " triggers" } }
                @if let Some(client) = client(incident) { span { "from " (client) } }
            }
            @if !links.is_empty() {
                nav aria-label="Links" {
                    ul.links { @for (href, text) in &links { li { (link(href, text)) } } }
                }
            }
            (buttons(incident))
        }
        div.columns {
            section.details aria-labelledby="details" {
                h2 #details { "Details" }
                (details(&incident.details))
            }
            div.side {
                section aria-labelledby="about" {
                    h2 #about { "About" }
                    dl {
                        (fact("Source", Some(&incident.source)))
                        (fact("Component", incident.field("component")))
                        (fact("Group", incident.field("group")))
                        (fact("Class", incident.field("class")))
                        (fact("Event time", incident.field("timestamp")))
                        (fact("Dedup key", Some(&incident.dedup_key)))
                        (fact("Routing key", Some(&incident.routing_key.to_string())))
                    }
                }
                section aria-labelledby="timeline" {
                    h2 #timeline { "Timeline" }
                    (timeline(incident))
                }
            }
        }
    }
}

fn timeline(incident: &Incident) -> Markup {
    let words = |index: usize, entry: &Entry| match entry.action {
        Action::Trigger if index == 0 => "Triggered",
        Action::Trigger => "Triggered again",
        Action::Acknowledge => "Acknowledged",
        Action::Resolve => "Resolved",
    };
    html! {
        ol.timeline reversed {
            @for (index, entry) in incident.timeline.iter().enumerate().rev() {
                li class=(match entry.action {
                    Action::Trigger => "triggered",
                    Action::Acknowledge => "acknowledged",
                    Action::Resolve => "resolved",
                }) {
                    strong { (words(index, entry)) }
                    (time(entry.at))
                    @if entry.action == Action::Trigger && entry.summary != incident.title { p { (entry.summary) } }
                }
                @if index == 1 && incident.timeline_omitted > 0 {
                    li.omitted { (incident.timeline_omitted) " entries left out" }
                }
            }
        }
    }
}

/// How long ago, as PagerDuty says it, with the time itself for whoever points at it.
fn time(at: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(at.to_rfc3339_opts(SecondsFormat::Millis, true))
            title=(at.format("%-d %b %Y, %H:%M:%S UTC")) { (ago(Utc::now() - at)) }
    }
}

fn ago(passed: TimeDelta) -> String {
    match passed.num_seconds() {
        ..60 => "less than a minute ago".to_owned(),
        60..120 => "a minute ago".to_owned(),
        _ if passed.num_minutes() < 60 => format!("{} minutes ago", passed.num_minutes()),
        _ if passed.num_minutes() < 120 => "an hour ago".to_owned(),
        _ if passed.num_hours() < 24 => format!("{} hours ago", passed.num_hours()),
        _ if passed.num_hours() < 48 => "a day ago".to_owned(),
        _ => format!("{} days ago", passed.num_days()),
    }
}

fn client(incident: &Incident) -> Option<Markup> {
    let name = incident.client.as_deref().filter(|name| !name.is_empty());
    match (name, incident.client_url.as_deref()) {
        (name, Some(href)) => Some(link(href, name.unwrap_or(href))),
        (Some(name), None) => Some(html! { (name) }),
        (None, None) => None,
    }
}

fn links(links: &Value) -> Vec<(String, String)> {
    let field = |link: &Value, name: &str| {
        link.get(name).and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty())
    };
    links
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|link| {
            let href = field(link, "href")?;
            let text = field(link, "text").unwrap_or_else(|| href.clone());
            Some((href, text))
        })
        .collect()
}

fn link(href: &str, text: &str) -> Markup {
    let safe = url::Url::parse(href).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    html! {
        @if safe {
            a href=(href) rel="noopener noreferrer nofollow" { (text) }
        } @else {
            span.unsafe { (text) @if text != href { " (" (href) ")" } }
        }
    }
}

fn back() -> Markup {
    html! { nav aria-label="Breadcrumb" { a.back href="/" { "All incidents" } } }
}

fn fact(name: &str, value: Option<&str>) -> Markup {
    let value = value.filter(|value| !value.is_empty());
    html! { @if let Some(value) = value { div { dt { (name) } dd { (value) } } } }
}

fn pill(status: Status) -> Markup {
    html! { span class={ "pill " (lower(status)) } { (name(status)) } }
}

fn severity(severity: Severity) -> Markup {
    let (class, name) = match severity {
        Severity::Critical => ("critical", "Critical"),
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warning", "Warning"),
        Severity::Info => ("info", "Info"),
    };
    html! { span class={ "severity " (class) } { (name) } }
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Triggered => "Triggered",
        Status::Acknowledged => "Acknowledged",
        Status::Resolved => "Resolved",
    }
}

fn lower(status: Status) -> &'static str {
    match status {
        Status::Triggered => "triggered",
        Status::Acknowledged => "acknowledged",
        Status::Resolved => "resolved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_ago() {
        for (seconds, expected) in [
            (-3, "less than a minute ago"),
            (59, "less than a minute ago"),
            (61, "a minute ago"),
            (150, "2 minutes ago"),
            (3_700, "an hour ago"),
            (86_399, "23 hours ago"),
            (90_000, "a day ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(TimeDelta::seconds(seconds)), expected);
        }
    }
}
