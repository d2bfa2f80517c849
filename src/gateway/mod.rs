//! The gateway: PagerDuty's Events API over HTTP, and a page that shows how it is doing.
//!
//! A request goes through these parts, each in its file:
//!
//! access → body → intake → queue, and its answer through `refused` where it is not taken.
//!
//! What is told of the gateway goes probe → status → page, metrics or JSON.
//!
//! An event is answered as PagerDuty answers it, and only once the queue has confirmed it.

mod access;
mod body;
mod chart;
mod guard;
mod intake;
mod look;
mod metrics;
mod page;
mod probe;
mod refused;
mod status;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

pub use access::{Access, LocalClients, UnknownKeys};
use intake::Entrance;
use look::View;
use refused::Refused;
pub use token::{Token, TokenSecret};

use crate::pagerduty::Endpoint;
use crate::queue::Outbox;
use crate::routing::Keys;
use crate::telemetry::Tally;

/// What the gateway's routes need.
pub struct Gateway<Q> {
    pub queue: Q,
    pub keys: Arc<Keys>,
    pub access: Access,
    /// Counts what the gateway takes in and refuses, whatever else is counted there.
    pub tally: Arc<Tally>,
    pub place: Place,
}

/// Where the gateway runs, which decides what it can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One process, which delivers too.
    Server,
    /// One of many instances that come and go: what one of them counted means little.
    Function,
}

/// A gateway, and what its requests share.
struct Shared<Q> {
    gateway: Arc<Gateway<Q>>,
    probe: probe::Probe,
    queue_fails: Switch,
    keys_fail: Switch,
    token_fails: Switch,
    started: DateTime<Utc>,
}

/// Remembers whether something fails, so that only the change is logged: a full disk must
/// not be filled further, with a line for each request.
#[derive(Default)]
struct Switch(AtomicBool);

impl Switch {
    /// Whether this is news.
    fn set(&self, fails: bool) -> bool {
        // Asked first: writing each time would pass the cache line between the processors.
        self.0.load(Ordering::Relaxed) != fails && self.0.swap(fails, Ordering::Relaxed) != fails
    }
}

/// All of the gateway's routes. The client's address is the extension
/// `ConnectInfo<SocketAddr>`; a request without one comes from elsewhere.
pub fn router<Q: Outbox>(gateway: Arc<Gateway<Q>>) -> Router {
    let shared = Arc::new(Shared {
        gateway,
        probe: probe::Probe::default(),
        queue_fails: Switch::default(),
        keys_fail: Switch::default(),
        token_fails: Switch::default(),
        started: Utc::now(),
    });
    let in_body = |endpoint| {
        post(move |State(shared): State<Arc<Shared<Q>>>, request: Request| async move {
            intake::take(&shared, Entrance::Endpoint(endpoint, None), request).await
        })
    };
    let in_path = |endpoint| {
        post(
            move |State(shared): State<Arc<Shared<Q>>>,
                  key: Result<Path<String>, PathRejection>,
                  request: Request| async move {
                // What is no text is no key either.
                let key = key.map(|Path(key)| key).unwrap_or_default();
                intake::take(&shared, Entrance::Endpoint(endpoint, Some(key)), request).await
            },
        )
    };
    let keyless = |State(shared): State<Arc<Shared<Q>>>, request: Request| async move {
        intake::take(&shared, Entrance::Keyless, request).await
    };
    let view = |view| {
        get(move |State(shared): State<Arc<Shared<Q>>>, request: Request| async move {
            look::look(&shared, view, request).await
        })
    };
    let events = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let take = if endpoint.has_key_in_path() { in_path(endpoint) } else { in_body(endpoint) };
        router.route(endpoint.route(), take)
    });
    events
        .route("/", view(View::Status).post(keyless))
        .route("/health", view(View::Health))
        .route("/metrics", view(View::Metrics))
        .route("/assets/{name}", get(look::asset::<Q>))
        .fallback(no_such_path::<Q>)
        .method_not_allowed_fallback(wrong_method::<Q>)
        .with_state(shared)
}

/// The answer to a request that could not be answered in time.
#[must_use]
pub fn late() -> Response {
    Refused::NotQueued.response()
}

async fn no_such_path<Q: Outbox>(
    State(shared): State<Arc<Shared<Q>>>,
    request: Request,
) -> Response {
    guard::refuse(&shared, &Refused::NoSuchPath, request).await
}

/// The router itself adds which methods there are.
async fn wrong_method<Q: Outbox>(
    State(shared): State<Arc<Shared<Q>>>,
    request: Request,
) -> Response {
    guard::refuse(&shared, &Refused::WrongMethod, request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_news() {
        let switch = Switch::default();
        let news = [false, true, true, false, false, true].map(|fails| switch.set(fails));
        assert_eq!(news, [false, true, false, true, false, true]);
    }
}
