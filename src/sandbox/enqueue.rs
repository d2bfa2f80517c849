//! `POST /v2/enqueue`: PagerDuty's Events API v2.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::{Value, json};

use super::Sandbox;
use super::api::answer;
use super::faults::Kind;
use super::incidents::Outcome;
use super::requests;
use super::wire::{Break, Breaker};
use crate::event::sha256_hex;
use crate::event::validation::{Refusal, ValidEvent, validate};

/// Bodies are read up to here even when they are too large, so that the client
/// gets to read the refusal in place of a broken connection.
const READ_LIMIT: usize = 8 * 1024 * 1024;

pub(super) async fn enqueue(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let breaker = request.extensions().get::<ConnectInfo<Breaker>>().map(|info| info.0.clone());
    let Ok(raw) = to_bytes(request.into_body(), READ_LIMIT).await else {
        return answer(StatusCode::BAD_REQUEST, &Refusal::too_large().answer());
    };
    let fault = sandbox.state().faults.take();
    let Some(fault) = fault else { return accept(&sandbox, &raw) };
    match &fault {
        Kind::Status { status, retry_after, body } => {
            note_fault(&sandbox, &raw, &fault, Some(*status));
            with_status(*status, retry_after.as_ref(), body.as_ref())
        }
        Kind::Hang { seconds } => {
            note_fault(&sandbox, &raw, &fault, None);
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            accept(&sandbox, &raw)
        }
        Kind::Reset | Kind::Half | Kind::Garbage => {
            note_fault(&sandbox, &raw, &fault, None);
            let Some(breaker) = breaker else {
                let problem = "this fault needs `sandbox::serve`";
                return (StatusCode::INTERNAL_SERVER_ERROR, problem).into_response();
            };
            breaker.set(match fault {
                Kind::Half => Break::Half,
                Kind::Garbage => Break::Garbage,
                _ => Break::Reset,
            });
            // The connection breaks on this answer; for `Half`, half of it arrives.
            answer(StatusCode::ACCEPTED, &success("half an answer"))
        }
    }
}

/// The usual way: check, count, apply, log.
fn accept(sandbox: &Sandbox, raw: &Bytes) -> Response {
    let mut log = blank(raw);
    let (status, body) = match validate(raw).and_then(|event| known(sandbox, event)) {
        Err(refusal) => {
            "invalid".clone_into(&mut log.outcome);
            log.errors = refusal.errors();
            (StatusCode::BAD_REQUEST, refusal.answer())
        }
        Ok(event) => {
            describe(&mut log, &event);
            let mut state = sandbox.state();
            if state.rate.allow(&event.routing_key, tokio::time::Instant::now()) {
                let dedup_key = event.dedup_key.clone().unwrap_or_else(new_dedup_key);
                let (outcome, incident) =
                    state.incidents.apply(&event, &dedup_key, raw.len(), log.at);
                log.incident = incident;
                word(outcome).clone_into(&mut log.outcome);
                let body = success(&dedup_key);
                log.dedup_key = Some(dedup_key);
                (StatusCode::ACCEPTED, body)
            } else {
                "limited".clone_into(&mut log.outcome);
                (StatusCode::TOO_MANY_REQUESTS, Value::Null)
            }
        }
    };
    log.status = Some(status.as_u16());
    sandbox.state().requests.add(log);
    if status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after = sandbox.settings.retry_after.map(Value::from);
        return with_status(status.as_u16(), retry_after.as_ref(), None);
    }
    answer(status, &body)
}

fn known(sandbox: &Sandbox, event: ValidEvent) -> Result<ValidEvent, Refusal> {
    let keys = &sandbox.settings.keys;
    if keys.is_empty() || keys.contains(&event.routing_key) {
        Ok(event)
    } else {
        Err(Refusal::unknown_key())
    }
}

fn success(dedup_key: &str) -> Value {
    json!({"status": "success", "message": "Event processed", "dedup_key": dedup_key})
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

/// An answer that has nothing to do with the event's content.
fn with_status(status: u16, retry_after: Option<&Value>, body: Option<&Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(body) => answer(status, body),
        None => match status {
            // PagerDuty's documentation gives these words and no JSON.
            StatusCode::TOO_MANY_REQUESTS => (status, "Request Limit Exceeded").into_response(),
            StatusCode::BAD_REQUEST => {
                let refusal = Refusal::Invalid(vec!["refused by the sandbox's fault".to_owned()]);
                answer(status, &refusal.answer())
            }
            StatusCode::ACCEPTED => answer(status, &success("not ingested")),
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

fn blank(raw: &Bytes) -> requests::Request {
    requests::Request {
        id: 0,
        at: Utc::now(),
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

fn describe(log: &mut requests::Request, event: &ValidEvent) {
    log.routing_key = Some(event.routing_key.to_string());
    log.action = Some(event.action);
    log.dedup_key.clone_from(&event.dedup_key);
}

fn note_fault(sandbox: &Sandbox, raw: &Bytes, fault: &Kind, status: Option<u16>) {
    let mut log = blank(raw);
    if let Ok(event) = validate(raw) {
        describe(&mut log, &event);
    }
    log.status = status;
    log.outcome = format!("fault: {fault}");
    sandbox.state().requests.add(log);
}

/// PagerDuty makes a UUID; here 32 hex characters that never repeat.
fn new_dedup_key() -> String {
    static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut key = sha256_hex(&[&SEED.to_string(), &count.to_string()]);
    key.truncate(32);
    key
}
