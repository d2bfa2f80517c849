//! The pages that show the gateway's state: health, status page, metrics.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::refused::Refused;
use super::status::Status;
use super::{Shared, guard, metrics, page};
use crate::http::answer;
use crate::http::html::{asset as page_asset, harden};
use crate::queue::Outbox;

/// What is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Open to everyone, so it answers only yes or no.
    Health,
    Status,
    /// As detailed as the status page, so it needs the same access.
    Metrics,
}

pub(super) async fn look<Q: Outbox>(shared: &Shared<Q>, view: View, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if view != View::Health
        && let Err(refused) = shared.admit(&head).await
    {
        return guard::refuse_with(shared, &refused, &head, body).await;
    }
    let shown = guard::caught(show(shared, view, &head)).await;
    match shown {
        Some(shown) => harden(shown).await,
        None => guard::refuse_with(shared, &Refused::Panicked, &head, body).await,
    }
}

async fn show<Q: Outbox>(shared: &Shared<Q>, view: View, head: &Parts) -> Response {
    match view {
        View::Health => {
            if shared.probe.state(&shared.gateway.queue).await.ready.is_ok() {
                return answer::json(StatusCode::OK, &json!({"status": "ready"}));
            }
            let words = json!({"status": "not ready"});
            let mut response = answer::json(StatusCode::SERVICE_UNAVAILABLE, &words);
            response.headers_mut().insert(header::RETRY_AFTER, super::refused::RETRY_AFTER);
            response
        }
        View::Metrics => {
            let text = metrics::text(&Status::of(shared).await);
            ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
        }
        View::Status => {
            let status = Status::of(shared).await;
            let mut response = if wants_json(head) {
                answer::json(StatusCode::OK, &status)
            } else {
                page::page(&status).into_response()
            };
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
            response
        }
    }
}

/// Browsers ask for HTML by name, and for JSON only among everything else.
fn wants_json(head: &Parts) -> bool {
    let accepts = |kind: &str| {
        let values = head.headers.get_all(header::ACCEPT).iter();
        values.filter_map(|value| value.to_str().ok()).any(|value| value.contains(kind))
    };
    accepts("application/json") && !accepts("text/html")
}

/// Style and script, which reveal nothing.
pub(super) async fn asset<Q: Outbox>(
    State(shared): State<Arc<Shared<Q>>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match name.ok().and_then(|Path(name)| page_asset(&name)) {
        Some(asset) => harden(asset).await,
        None => guard::refuse(&shared, &Refused::NoSuchPath, request).await,
    }
}
