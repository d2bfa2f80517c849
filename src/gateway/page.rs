//! The status page.
//!
//! What it shows was sent by others: maud escapes every text and attribute.

use axum::response::Html;
use maud::{Markup, html};

use super::chart::{chart, grouped};
use super::status::{Key, Minute, Process, Status, Waiting};
use crate::http::html::{Frame, time};
use crate::routing::KeyHealth;

/// Targets that are shown; the JSON has more.
const TARGETS: usize = 20;

const FRAME: Frame = Frame {
    brand: "Pagetrail",
    about: "Takes events for PagerDuty, and delivers them.",
    subject: "Pagetrail",
    every: 5,
};

pub(super) fn page(status: &Status) -> Html<String> {
    let title = match &status.queue {
        Some(queue) => format!("{} waiting", grouped(queue.events)),
        None => "Not ready".to_owned(),
    };
    FRAME.page(
        &title,
        &html! {
            (top(status))
            @if let Some(process) = &status.process {
                section aria-labelledby="hour" {
                    h2 #hour { "Last hour" }
                    (chart(&process.minutes))
                    (table(&process.minutes))
                }
                div.pair {
                    @if let Some(queue) = &status.queue { (targets(queue)) }
                    (keys(&process.keys))
                }
                (refusals(process))
                (since_start(process))
            } @else {
                p.note {
                    "What was accepted and delivered is counted by each instance for itself: "
                    "the stack's dashboard in CloudWatch has it together."
                }
            }
        },
    )
}

fn top(status: &Status) -> Markup {
    html! {
        header.top.status {
            p.marks {
                @if status.ready {
                    span.pill.resolved { "Ready" }
                } @else {
                    span.pill.triggered { "Not ready" }
                }
            }
            h1 {
                @match &status.queue {
                    None => "Events cannot be queued now",
                    Some(queue) => @match queue.events {
                        0 => "No event waits",
                        1 => "1 event waits for delivery",
                        events => { (grouped(events)) " events wait for delivery" }
                    },
                }
            }
            @if let Some(problem) = &status.problem {
                p.problem { "Senders are answered 503 meanwhile: " (problem) }
            }
            @if let Some(queue) = &status.queue {
                dl.tiles {
                    @if let Some(oldest) = queue.oldest_seconds.filter(|_| queue.events > 0) {
                        div { dt { "Oldest" } dd { (human(oldest)) } }
                    }
                    @if let Some(process) = &status.process {
                        @let now = process.minutes.iter().rev().nth(1);
                        div { dt { "Accepted, last full minute" } dd { (grouped(now.map_or(0, |it| it.accepted))) } }
                        div { dt { "Delivered, last full minute" } dd { (grouped(now.map_or(0, |it| it.delivered))) } }
                    }
                    @if let Some(rejected) = queue.rejected {
                        div class=@if rejected > 0 { "bad" } { dt { "Rejected" } dd { (grouped(rejected)) } }
                    }
                }
            }
        }
    }
}

/// The chart's numbers, for those who cannot see it or want to know exactly.
fn table(minutes: &[Minute]) -> Markup {
    let busy: Vec<&Minute> =
        minutes.iter().rev().filter(|it| it.accepted > 0 || it.delivered > 0).collect();
    html! {
        @if !busy.is_empty() {
            details #minutes {
                summary #minutes-summary { "Minute by minute" }
                table.numbers {
                    thead { tr { th scope="col" { "UTC" } th scope="col" { "Accepted" } th scope="col" { "Delivered" } } }
                    tbody {
                        @for minute in busy {
                            tr {
                                th scope="row" { (minute.at.format("%H:%M")) }
                                td { (grouped(minute.accepted)) }
                                td { (grouped(minute.delivered)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn targets(queue: &Waiting) -> Markup {
    let shown = queue.targets.iter().take(TARGETS);
    let hidden = queue.targets.len().saturating_sub(TARGETS);
    let others = queue.targets.iter().skip(TARGETS).map(|it| it.events).sum::<u64>() + queue.others;
    html! {
        section aria-labelledby="targets" {
            h2 #targets { "Waiting, by target" }
            @if queue.events == 0 {
                p.none { "Nothing waits." }
            } @else if queue.targets.is_empty() {
                p.none { "SQS does not tell." }
            } @else {
                ul.rows {
                    @for depth in shown {
                        li { span { (depth.target) } strong { (grouped(depth.events)) } }
                    }
                    @if hidden > 0 { li { span { "all others" } strong { (grouped(others)) } } }
                }
            }
        }
    }
}

fn keys(keys: &[Key]) -> Markup {
    html! {
        section aria-labelledby="keys" {
            h2 #keys { "Routing keys" }
            @if keys.is_empty() {
                p.none { "None in use yet." }
            } @else {
                ul.rows {
                    @for key in keys {
                        li {
                            code { (key.key) }
                            span class={ "pill " (class(key.state)) } { (key.state.name()) }
                        }
                    }
                }
            }
        }
    }
}

fn class(state: KeyHealth) -> &'static str {
    match state {
        KeyHealth::Healthy => "resolved",
        KeyHealth::Paced => "acknowledged",
        KeyHealth::Refused => "triggered",
    }
}

fn refusals(process: &Process) -> Markup {
    html! {
        section aria-labelledby="refusals" {
            h2 #refusals { "Recent refusals" }
            @if process.refusals.is_empty() {
                p.none { "None since the start." }
            } @else {
                ul.refusals {
                    @for refusal in &process.refusals {
                        li {
                            div { strong { (refusal.what) } p { (refusal.why) } }
                            (time(refusal.at))
                        }
                    }
                }
            }
        }
    }
}

fn since_start(process: &Process) -> Markup {
    html! {
        p.note {
            "Since the start on " (time(process.started))
            @for (index, (_, counter, sum)) in process.counters.iter().enumerate() {
                (if index == 0 { ": " } else { ", " }) (grouped(*sum)) " " (counter.words)
            }
            "."
        }
    }
}

/// A time as people say it, rounded down.
fn human(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 => match minutes % 60 {
            0 => format!("{hours} h"),
            minutes => format!("{hours} h {minutes} min"),
        },
        _ => match hours % 24 {
            0 => format!("{days} d"),
            hours => format!("{days} d {hours} h"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_say_them() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (185, "3 min"),
            (3_600, "1 h"),
            (7_500, "2 h 5 min"),
            (86_400, "1 d"),
            (1_209_600, "14 d"),
            (100_000, "1 d 3 h"),
        ] {
            assert_eq!(human(seconds), text);
        }
    }
}
