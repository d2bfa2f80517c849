//! The sandbox's own JSON: for tests and scripts, not part of PagerDuty's API.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Sandbox;
use super::faults::Fault;
use crate::http::answer;

fn problem(status: StatusCode, message: &str) -> Response {
    answer::json(status, &json!({"error": message}))
}

pub(super) async fn incidents(State(sandbox): State<Sandbox>) -> Response {
    answer::json(StatusCode::OK, &sandbox.state().incidents.iter().collect::<Vec<_>>())
}

pub(super) async fn incident(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let state = sandbox.state();
    match id.parse().ok().and_then(|id| state.incidents.get(id)) {
        Some(incident) => answer::json(StatusCode::OK, incident),
        None => problem(StatusCode::NOT_FOUND, "no such incident"),
    }
}

pub(super) async fn forget_incidents(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.state().incidents.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn changes(State(sandbox): State<Sandbox>) -> Response {
    answer::json(StatusCode::OK, &sandbox.state().changes.iter().collect::<Vec<_>>())
}

pub(super) async fn forget_changes(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.state().changes.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn faults(State(sandbox): State<Sandbox>) -> Response {
    answer::json(StatusCode::OK, &sandbox.state().faults.iter().collect::<Vec<_>>())
}

pub(super) async fn add_fault(State(sandbox): State<Sandbox>, body: Bytes) -> Response {
    let fault = match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => fault,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if let Err(message) = fault.check() {
        return problem(StatusCode::BAD_REQUEST, &message);
    }
    if sandbox.state().faults.add(fault.clone()) {
        answer::json(StatusCode::CREATED, &fault)
    } else {
        problem(StatusCode::CONFLICT, "too many faults are waiting")
    }
}

pub(super) async fn forget_faults(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.state().faults.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn requests(State(sandbox): State<Sandbox>) -> Response {
    answer::json(StatusCode::OK, &sandbox.state().requests.iter().collect::<Vec<_>>())
}

pub(super) async fn forget_requests(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.state().requests.clear();
    StatusCode::NO_CONTENT
}
