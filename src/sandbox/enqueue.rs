//! PagerDuty's Events API: all its endpoints in one handler.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::Value;

use super::Sandbox;
use super::faults::FaultKind;
use super::incidents::Outcome;
use super::requests;
use super::wire::{Break, Breaker};
use crate::http::answer;
use crate::http::body::{self, Beginning};
use crate::pagerduty::accept::{Endpoint, KEY_HEADER, Posted, Refusal, check, with_key};
use crate::pagerduty::routing_key::RoutingKey;

/// How much of a body that is too large is read, so that the client gets the refusal and not a
/// broken connection.
const READ_LIMIT: usize = 8 * 1024 * 1024;

/// The endpoint of a request.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    pub endpoint: Endpoint,
    /// The routing key in the path, unchecked; `None` if the key is in the body.
    pub key: Option<String>,
    /// The routing key in the header of PagerDuty's older clients.
    pub key_in_header: Option<String>,
}

impl Entrance {
    fn check(&self, raw: &[u8]) -> Result<(RoutingKey, Posted), Refusal> {
        let with_key =
            |key: &String| self::with_key(self.endpoint, raw, key).map(std::borrow::Cow::Owned);
        let raw = self.key_in_header.as_ref().and_then(with_key).unwrap_or(raw.into());
        check(self.endpoint, self.key.as_deref(), &raw)
    }
}

pub(super) async fn enqueue(
    sandbox: Sandbox,
    mut entrance: Entrance,
    request: Request,
) -> Response {
    let key = request.headers().get(KEY_HEADER).and_then(|key| key.to_str().ok());
    entrance.key_in_header = key.map(str::to_owned);
    let breaker = request.extensions().get::<ConnectInfo<Breaker>>().map(|info| info.0.clone());
    let read = body::beginning(&mut request.into_body(), READ_LIMIT).await;
    let Ok(Beginning { bytes: raw, is_whole: true }) = read else {
        return answer::json(StatusCode::BAD_REQUEST, &Refusal::too_large().answer());
    };
    let fault = sandbox.state().faults.take();
    let Some(fault) = fault else { return accept(&sandbox, &entrance, &raw) };
    match &fault {
        FaultKind::Status { status, retry_after, body } => {
            note_fault(&sandbox, &entrance, &raw, &fault, Some(*status));
            with_status(entrance.endpoint, *status, retry_after.as_ref(), body.as_ref())
        }
        FaultKind::Hang { seconds } => {
            note_fault(&sandbox, &entrance, &raw, &fault, None);
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            accept(&sandbox, &entrance, &raw)
        }
        FaultKind::Reset | FaultKind::Half | FaultKind::Garbage => {
            note_fault(&sandbox, &entrance, &raw, &fault, None);
            let Some(breaker) = breaker else {
                let problem = "this fault needs `sandbox::serve`";
                return (StatusCode::INTERNAL_SERVER_ERROR, problem).into_response();
            };
            breaker.set(match fault {
                FaultKind::Half => Break::Half,
                FaultKind::Garbage => Break::Garbage,
                _ => Break::Reset,
            });
            // The connection breaks while this answer is sent; with `Half`, half of it arrives.
            taken(entrance.endpoint, Some("incomplete answer"))
        }
    }
}

/// Without a fault: check, count, apply, log.
fn accept(sandbox: &Sandbox, entrance: &Entrance, raw: &Bytes) -> Response {
    let endpoint = entrance.endpoint;
    let mut log = blank(endpoint, raw);
    let response = match entrance.check(raw).and_then(|event| known(sandbox, event)) {
        Err(refusal) => {
            "invalid".clone_into(&mut log.outcome);
            log.errors = refusal.errors();
            answer::json(StatusCode::BAD_REQUEST, &refusal.answer())
        }
        Ok((key, mut posted)) => {
            let mut state = sandbox.state();
            if state.rate.allow(&key, tokio::time::Instant::now()) {
                posted.ensure_dedup_key();
                describe(&mut log, &key, &posted);
                if endpoint == Endpoint::Change {
                    state.changes.add(&key, &posted, raw.len(), log.at);
                    "kept".clone_into(&mut log.outcome);
                } else {
                    let (outcome, incident) =
                        state.incidents.apply(&key, &posted, raw.len(), log.at);
                    log.incident = incident;
                    word(outcome).clone_into(&mut log.outcome);
                }
                taken(endpoint, posted.dedup_key.as_deref())
            } else {
                describe(&mut log, &key, &posted);
                "limited".clone_into(&mut log.outcome);
                let retry_after = sandbox.settings.retry_after.map(Value::from);
                with_status(endpoint, limited(endpoint), retry_after.as_ref(), None)
            }
        }
    };
    log.status = Some(response.status().as_u16());
    sandbox.state().requests.add(log);
    response
}

fn known(
    sandbox: &Sandbox,
    (key, posted): (RoutingKey, Posted),
) -> Result<(RoutingKey, Posted), Refusal> {
    let keys = &sandbox.settings.keys;
    if keys.is_empty() || keys.contains(&key) {
        Ok((key, posted))
    } else {
        Err(posted.endpoint.unknown_key())
    }
}

fn taken(endpoint: Endpoint, dedup_key: Option<&str>) -> Response {
    let (status, body) = endpoint.answer(dedup_key);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer::json(status, &body)
}

/// The status for "too many": v1 is older than 429.
fn limited(endpoint: Endpoint) -> u16 {
    if endpoint == Endpoint::V1 { 403 } else { 429 }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Opened => "opened",
        Outcome::Joined => "joined",
        Outcome::Acknowledged => "acknowledged",
        Outcome::Resolved => "resolved",
        Outcome::Dropped => "dropped",
    }
}

/// An answer that does not depend on the event's content.
fn with_status(
    endpoint: Endpoint,
    status: u16,
    retry_after: Option<&Value>,
    body: Option<&Value>,
) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(body) => answer::json(status, body),
        None => match status {
            // PagerDuty's documentation has these words and no JSON.
            StatusCode::TOO_MANY_REQUESTS => (status, "Request Limit Exceeded").into_response(),
            StatusCode::BAD_REQUEST => {
                let refusal = Refusal::Invalid(vec!["refused by the sandbox's fault".to_owned()]);
                answer::json(status, &refusal.answer())
            }
            _ if endpoint.is_taken(status.as_u16()) => {
                answer::json(status, &endpoint.answer(Some("not ingested")).1)
            }
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => {
                (status, Body::empty()).into_response()
            }
            _ => (status, status.canonical_reason().unwrap_or_default()).into_response(),
        },
    };
    let retry_after = retry_after.map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn blank(endpoint: Endpoint, raw: &Bytes) -> requests::Request {
    requests::Request {
        id: 0,
        at: Utc::now(),
        endpoint,
        bytes: raw.len(),
        routing_key: None,
        action: None,
        dedup_key: None,
        status: None,
        outcome: String::new(),
        incident: None,
        errors: Vec::new(),
    }
}

fn describe(log: &mut requests::Request, key: &RoutingKey, posted: &Posted) {
    log.routing_key = Some(key.to_string());
    log.action = posted.action;
    log.dedup_key.clone_from(&posted.dedup_key);
}

fn note_fault(
    sandbox: &Sandbox,
    entrance: &Entrance,
    raw: &Bytes,
    fault: &FaultKind,
    status: Option<u16>,
) {
    let mut log = blank(entrance.endpoint, raw);
    if let Ok((key, posted)) = entrance.check(raw) {
        describe(&mut log, &key, &posted);
    }
    log.status = status;
    log.outcome = format!("fault: {fault}");
    sandbox.state().requests.add(log);
}
