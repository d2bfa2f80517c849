//! One attempt to send one event, and what is known afterwards.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::body::Outgoing;
use super::insecure;
use super::target::{Certificates, SKIP_CERT_VERIFY, Target};
use crate::http::{client, tls};
use crate::pagerduty::Endpoint;
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Answer, outcome};
use crate::text::{clean, cut, one_line};

/// The most bytes of an answer that are read: PagerDuty's have a few hundred.
const ANSWER_LIMIT: usize = 64 * 1024;

/// What the server answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("no connection to {server}: {why}")]
    NoConnection { server: String, why: String },
    /// The request may have arrived.
    #[error("{why} from {server}")]
    InDoubt { server: String, why: String },
}

/// What an answer says about the event.
#[derive(Debug)]
pub(super) enum Verdict {
    Taken,
    KeyRefused(String),
    NotTaken(String),
}

/// Posts the event once.
pub(super) async fn post(
    target: &Target,
    certificates: Certificates,
    timeout: Duration,
    outgoing: &Outgoing,
) -> Result<Answered, Unanswered> {
    let unanswered = |error: reqwest::Error| unanswered(&error, target, timeout);
    let url = target.endpoint(&outgoing.endpoint.path(None, &outgoing.routing_key));
    let tls = match certificates {
        Certificates::Checked => tls::system_config(),
        Certificates::Unchecked => insecure::config(),
    };
    let response = client::builder_for(&url, tls)
        .timeout(timeout)
        .build()
        .map_err(unanswered)?
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(outgoing.body.clone())
        .send()
        .await
        .map_err(unanswered)?;
    let status = response.status().as_u16();
    let read = client::read(response, ANSWER_LIMIT).await.map_err(unanswered)?;
    Ok(Answered { status, body: String::from_utf8_lossy(&read.bytes).into_owned() })
}

fn unanswered(error: &reqwest::Error, target: &Target, timeout: Duration) -> Unanswered {
    let server = target.name();
    if error.is_connect() {
        return Unanswered::NoConnection { server, why: cause(error) };
    }
    let why = if error.is_timeout() {
        format!("no complete answer within {} s", timeout.as_secs())
    } else {
        format!("no complete answer ({})", cause(error))
    };
    Unanswered::InDoubt { server, why }
}

/// The innermost reason, and what can be done about a certificate.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(inner) = inside(innermost) {
        innermost = inner;
    }
    let hint = match innermost.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(_)) => {
            format!("; {SKIP_CERT_VERIFY}=true accepts any certificate")
        }
        _ => String::new(),
    };
    one_line(&innermost.to_string()) + &hint
}

/// One step inwards. An I/O error's `source` steps over the error that it wraps.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

impl Answered {
    /// What the answer means, in the server's words but without the key.
    pub(super) fn verdict(&self, key: &RoutingKey) -> Verdict {
        let body = key.hide_in(&self.body);
        let answer = Answer::Http { status: self.status, retry_after: None, body };
        let outcome = outcome(Endpoint::V2, &answer);
        let Some(reason) = outcome.reason() else { return Verdict::Taken };
        let said = one_line(&reason.whole());
        match self.status {
            200 if says_taken(&self.body) => Verdict::Taken,
            _ if outcome.blames_key() => Verdict::KeyRefused(said),
            200..300 => Verdict::NotTaken(format!("not an answer from an Events API: {said}")),
            300..400 => Verdict::NotTaken(format!("redirects are not followed: {said}")),
            _ => Verdict::NotTaken(said),
        }
    }

    /// The answer's body for a person and for a script: JSON stays as it came.
    pub(super) fn shown(&self, key: &RoutingKey) -> String {
        let body = key.hide_in(&self.body);
        if serde_json::from_str::<IgnoredAny>(&body).is_ok() {
            clean(&body).trim().to_owned()
        } else {
            cut(&one_line(&body), 500)
        }
    }
}

/// A 200 that means what PagerDuty's 202 does: v1's answer, and PDaltagent's server's. Any
/// other can come from a proxy or a login page.
fn says_taken(body: &str) -> bool {
    body.trim() == "Message enqueued"
        || serde_json::from_str::<Value>(body).is_ok_and(|answer| answer["status"] == "success")
}
