//! The gateway: PagerDuty's Events API over HTTP, with a status page.
//!
//! A request goes through these parts, one file each:
//!
//! access → body → entrance → intake → queue. If it is not accepted, `refused` makes the answer.
//!
//! The gateway's state goes probe → status → page, metrics or JSON.
//!
//! An event gets PagerDuty's answer, and only after the queue has confirmed it.

mod access;
mod body;
mod chart;
mod entrance;
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
use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

pub use access::{Access, LocalClients, UnknownKeys};
use entrance::{Entrance, Place};
use look::View;
use refused::Refused;
pub use token::{Token, TokenSecret};

use crate::http::path;
use crate::pagerduty::Endpoint;
use crate::queue::Outbox;
use crate::routing::Keys;
use crate::telemetry::Tally;

/// Everything that the gateway's routes need.
pub struct Gateway<Q> {
    pub queue: Q,
    pub keys: Arc<Keys>,
    pub access: Access,
    /// Counts accepted and refused requests; other parts count here too.
    pub tally: Arc<Tally>,
    pub runs_in: RunsIn,
}

/// Where the gateway runs; this decides what it can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsIn {
    /// In one process, which also delivers.
    Server,
    /// In one of many instances that come and go: the numbers of one instance mean little.
    Function,
}

/// A gateway, and the state that its requests share.
struct Shared<Q> {
    gateway: Arc<Gateway<Q>>,
    probe: probe::Probe,
    queue_fails: Switch,
    keys_fail: Switch,
    token_fails: Switch,
    started: DateTime<Utc>,
}

/// Remembers whether something fails, so that only the change is logged. A line for each request
/// would fill a full disk further.
#[derive(Default)]
struct Switch(AtomicBool);

impl Switch {
    /// Whether this is a change.
    fn set(&self, fails: bool) -> bool {
        // Read first: writing every time would move the cache line between processors.
        self.0.load(Ordering::Relaxed) != fails && self.0.swap(fails, Ordering::Relaxed) != fails
    }
}

/// All of the gateway's routes. The client's address is the extension `ConnectInfo<SocketAddr>`; a
/// request without it counts as coming from another machine.
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
            intake::take(&shared, Entrance::Known(Place::Endpoint(endpoint, None)), request).await
        })
    };
    let in_path = |endpoint| {
        post(
            move |State(shared): State<Arc<Shared<Q>>>,
                  key: Result<Path<String>, PathRejection>,
                  request: Request| async move {
                // Text that is not UTF-8 is not a key either.
                let key = key.map(|Path(key)| key).unwrap_or_default();
                let place = Place::Endpoint(endpoint, Some(key));
                intake::take(&shared, Entrance::Known(place), request).await
            },
        )
    };
    let keyless = |State(shared): State<Arc<Shared<Q>>>, request: Request| async move {
        intake::take(&shared, Entrance::Known(Place::Keyless), request).await
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
    let routes = events
        .route(
            NAGIOS,
            post(|State(shared): State<Arc<Shared<Q>>>, request: Request| async move {
                intake::take(&shared, Entrance::Nagios, request).await
            }),
        )
        .route("/", view(View::Status).post(keyless))
        .route("/health", view(View::Health))
        .route("/metrics", view(View::Metrics))
        .route("/assets/{name}", get(look::asset::<Q>))
        .fallback(no_such_path::<Q>)
        .method_not_allowed_fallback(wrong_method::<Q>)
        .with_state(shared);
    path::lenient(routes)
}

/// Where PagerDuty's script for Nagios, `pagerduty_nagios.pl`, posts.
const NAGIOS: &str = "/nagios/2010-04-15/create_event";

/// The answer to a request that took too long.
#[must_use]
pub fn late() -> Response {
    Refused::NotQueued.response()
}

async fn no_such_path<Q: Outbox>(
    State(shared): State<Arc<Shared<Q>>>,
    request: Request,
) -> Response {
    if request.method() == Method::POST {
        return intake::take(&shared, Entrance::Unknown, request).await;
    }
    guard::refuse(&shared, &Refused::NoSuchPath, request).await
}

/// The router itself adds the allowed methods.
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
    fn only_a_change_is_reported() {
        let switch = Switch::default();
        let news = [false, true, true, false, false, true].map(|fails| switch.set(fails));
        assert_eq!(news, [false, true, false, true, false, true]);
    }
}
