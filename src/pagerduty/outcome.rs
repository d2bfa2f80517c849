//! What PagerDuty's answer means for the event.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Endpoint;
use crate::text::{cut, one_line};

/// The longest wait that PagerDuty can ask for; after it, the next attempt gives a newer answer.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A complete answer.
    Http { status: u16, retry_after: Option<Duration>, body: String },
    /// No complete answer: no connection, a reset, a time-out.
    Nothing { why: &'static str },
}

/// What to do with the event next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// Try again, not before `after` if PagerDuty gave a time.
    Later {
        after: Option<Duration>,
        reason: Reason,
    },
    /// PagerDuty will never accept this event.
    RefusedEvent {
        status: u16,
        reason: Reason,
    },
    /// PagerDuty does not accept this routing key.
    RefusedKey {
        reason: Reason,
    },
}

impl Outcome {
    /// Why PagerDuty did not accept the event; `None` if it did.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Delivered => None,
            Self::Later { reason, .. }
            | Self::RefusedEvent { reason, .. }
            | Self::RefusedKey { reason } => Some(reason),
        }
    }

    /// Whether PagerDuty will never accept this event with this key.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::RefusedEvent { .. } | Self::RefusedKey { .. })
    }

    /// Whether PagerDuty does not accept the routing key for any event.
    #[must_use]
    pub fn blames_key(&self) -> bool {
        matches!(self, Self::RefusedKey { .. })
    }
}

/// Why an event was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In our own words, safe for our logs.
    pub what: String,
    /// In PagerDuty's words: kept with the event, never logged, because the other side can echo
    /// what it received.
    pub said: String,
    rate_limited: bool,
}

impl Reason {
    /// A reason without any words from PagerDuty.
    #[must_use]
    pub fn own(what: impl Into<String>) -> Self {
        Self::quoting(what, "")
    }

    /// A reason in our own words, and the words of the other side.
    #[must_use]
    pub fn quoting(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), said: said.into(), rate_limited: false }
    }

    /// Whether too many events were sent with this key.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.rate_limited
    }

    /// Both texts, for the person who looks at the event.
    #[must_use]
    pub fn whole(&self) -> String {
        let Self { what, said, .. } = self;
        if said.is_empty() { what.clone() } else { format!("{what}: {said}") }
    }
}

/// Decides by the endpoint, the status and, for a 400, by PagerDuty's words.
#[must_use]
pub fn outcome(endpoint: Endpoint, answer: &Answer) -> Outcome {
    let (status, after, body) = match answer {
        Answer::Nothing { why } => {
            return Outcome::Later { after: None, reason: Reason::own(*why) };
        }
        Answer::Http { status, retry_after, body } => (*status, *retry_after, body),
    };
    // Version 1 of the Events API answers 403 to too many events.
    let rate_limited = status == 429 || (status == 403 && endpoint == Endpoint::V1);
    let reason = Reason { what: format!("HTTP {status}"), said: words(body), rate_limited };
    match status {
        _ if endpoint.is_taken(status) => Outcome::Delivered,
        _ if rate_limited => Outcome::Later { after, reason },
        400 if is_about_the_key(body) => Outcome::RefusedKey { reason },
        401 | 403 => Outcome::RefusedKey { reason },
        400 | 413 | 422 => Outcome::RefusedEvent { status, reason },
        // Any other status says nothing about the event: an outage, a proxy, a wrong URL. The page
        // waits until the cause is fixed.
        _ => Outcome::Later { after, reason },
    }
}

/// Reads `Retry-After` (seconds or an HTTP date) or `ratelimit-reset` (seconds).
#[must_use]
pub(super) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let seconds = if let Ok(seconds) = value.parse::<f64>() {
        seconds.ceil()
    } else {
        let until = DateTime::parse_from_rfc2822(value).ok()?.to_utc();
        (until - now).to_std().ok()?.as_secs_f64().ceil()
    };
    // NaN and negative numbers mean no wait.
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_ASKED.as_secs_f64())))
}

fn is_about_the_key(body: &str) -> bool {
    let body = body.to_ascii_lowercase();
    ["routing key", "routing_key", "service key", "service_key", "integration key"]
        .iter()
        .any(|name| body.contains(name))
}

/// PagerDuty's own words: `message` and `errors`, otherwise the start of the body.
fn words(body: &str) -> String {
    let said = match serde_json::from_str::<Value>(body) {
        Ok(answer) if answer.is_object() => {
            let errors = answer["errors"].as_array().into_iter().flatten();
            let words =
                answer["message"].as_str().into_iter().chain(errors.filter_map(Value::as_str));
            words.collect::<Vec<_>>().join(": ")
        }
        _ => String::new(),
    };
    cut(&one_line(if said.is_empty() { body } else { &said }), 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Outcome {
        outcome(Endpoint::V2, &Answer::Http { status, retry_after: None, body: body.to_owned() })
    }

    #[test]
    fn only_202_is_delivered() {
        assert_eq!(of(202, "{}"), Outcome::Delivered);
        for status in [200, 204, 301, 302, 404, 405, 408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(matches!(of(status, "garbage"), Outcome::Later { .. }), "{status}");
        }
        let nothing = Answer::Nothing { why: "no connection" };
        assert!(matches!(outcome(Endpoint::V2, &nothing), Outcome::Later { after: None, .. }));
    }

    #[test]
    fn version_1_accepts_with_200_and_limits_with_403() {
        let of = |status| {
            outcome(Endpoint::V1, &Answer::Http { status, retry_after: None, body: String::new() })
        };
        assert_eq!(of(200), Outcome::Delivered);
        assert!(matches!(of(403), Outcome::Later { .. }));
        assert!(matches!(of(401), Outcome::RefusedKey { .. }));
    }

    #[test]
    fn an_outcome_answers_the_questions_that_are_asked_of_it() {
        let asked = |outcome: &Outcome| {
            let limited = outcome.reason().is_some_and(Reason::is_rate_limited);
            (outcome.reason().is_some(), limited, outcome.is_refusal(), outcome.blames_key())
        };
        assert_eq!(asked(&of(202, "")), (false, false, false, false));
        assert_eq!(asked(&of(429, "")), (true, true, false, false));
        assert_eq!(asked(&of(503, "429")), (true, false, false, false));
        assert_eq!(asked(&of(400, "")), (true, false, true, false));
        assert_eq!(asked(&of(403, "")), (true, false, true, true));
        let empty = Answer::Http { status: 403, retry_after: None, body: String::new() };
        assert_eq!(asked(&outcome(Endpoint::V1, &empty)), (true, true, false, false));
    }

    #[test]
    fn a_refused_event_carries_pagerdutys_words() {
        let body = r#"{"status":"invalid event","message":"Event object is invalid","errors":["'payload.severity' is invalid","x"]}"#;
        let Outcome::RefusedEvent { status: 400, reason } = of(400, body) else { panic!() };
        assert_eq!(
            reason.whole(),
            "HTTP 400: Event object is invalid: 'payload.severity' is invalid: x"
        );
        let Outcome::RefusedEvent { status: 413, reason } = of(413, "") else { panic!() };
        assert_eq!(reason.whole(), "HTTP 413");
    }

    #[test]
    fn a_refused_key_is_recognised() {
        for body in [
            r#"{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}"#,
            r#"{"errors":["'routing_key' must be 32 characters"]}"#,
        ] {
            assert!(matches!(of(400, body), Outcome::RefusedKey { .. }), "{body}");
        }
        assert!(matches!(of(403, ""), Outcome::RefusedKey { .. }));
    }

    #[test]
    fn waits_are_rounded_up_and_bounded() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T10:00:00Z").unwrap().to_utc();
        let seconds = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("2"), Some(2));
        assert_eq!(seconds(" 0.2 "), Some(1));
        assert_eq!(seconds("Sat, 21 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(seconds("1e300"), Some(3_600));
        for nothing in ["", "NaN", "-5", "0", "soon", "Sat, 21 Nov 2026 09:00:00 GMT"] {
            assert_eq!(seconds(nothing), None, "{nothing}");
        }
    }
}
