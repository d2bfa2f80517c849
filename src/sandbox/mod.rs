//! A local stand-in for PagerDuty, with a page that shows the incidents.
//!
//! - [`incidents`]: alerts by routing key and dedup key, with PagerDuty's rules.
//! - [`changes`]: change events, kept for display.
//! - `content`: what an event says, from any endpoint.
//! - [`rate`]: the limit of events per minute for each routing key.
//! - [`faults`]: the faults to show, in order.
//! - [`requests`]: the log of requests and answers.
//! - `wire`: connections that can break, for faults below HTTP.
//! - `enqueue`, `api`, `page`: the Events API, the JSON for tests, the page for people with its
//!   `details`.

mod api;
pub mod changes;
mod content;
mod details;
mod enqueue;
pub mod faults;
pub mod incidents;
mod page;
pub mod rate;
pub mod requests;
mod wire;

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, Request, State as Shared};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::lock::lock;
use crate::pagerduty::accept::Endpoint;
use crate::pagerduty::routing_key::RoutingKey;
use changes::Changes;
use enqueue::Entrance;
use faults::{Fault, Faults};
use incidents::Incidents;
use rate::Rate;
use requests::Requests;

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Events per minute for each routing key; 0 = unlimited.
    pub rate: u32,
    /// Seconds in the `Retry-After` of a rate-limited answer. `None` by default: it is not
    /// confirmed that PagerDuty sends the header.
    pub retry_after: Option<u64>,
    /// The routing keys that exist; empty = every well-formed key exists.
    pub keys: HashSet<RoutingKey>,
    /// The first faults to show.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 120, retry_after: None, keys: HashSet::new(), faults: Vec::new() }
    }
}

/// The sandbox's state; clones share it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    settings: Arc<Settings>,
    state: Arc<Mutex<Data>>,
}

#[derive(Debug)]
struct Data {
    incidents: Incidents,
    changes: Changes,
    rate: Rate,
    faults: Faults,
    requests: Requests,
}

impl Sandbox {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut faults = Faults::default();
        for fault in &settings.faults {
            faults.add(fault.clone());
        }
        let state = Data {
            incidents: Incidents::default(),
            changes: Changes::default(),
            rate: Rate::new(settings.rate),
            faults,
            requests: Requests::default(),
        };
        Self { settings: Arc::new(settings), state: Arc::new(Mutex::new(state)) }
    }

    // The standard library's lock: nothing awaits while it is held.
    fn state(&self) -> MutexGuard<'_, Data> {
        lock(&self.state)
    }
}

/// All routes of the sandbox. Faults that break the connection need [`serve`]; without it they
/// answer 500 with an explanation.
pub fn router(sandbox: Sandbox) -> Router {
    let in_body = |endpoint| {
        post(move |Shared(sandbox): Shared<Sandbox>, request: Request| {
            enqueue::enqueue(
                sandbox,
                Entrance { endpoint, key: None, key_in_header: None },
                request,
            )
        })
    };
    let in_path = |endpoint| {
        post(move |Shared(sandbox): Shared<Sandbox>, Path(key): Path<String>, request: Request| {
            enqueue::enqueue(
                sandbox,
                Entrance { endpoint, key: Some(key), key_in_header: None },
                request,
            )
        })
    };
    let events = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let take = if endpoint.has_key_in_path() { in_path(endpoint) } else { in_body(endpoint) };
        router.route(endpoint.route(), take)
    });
    let routes = events
        .route("/", get(page::list))
        .route("/incidents/{id}", get(page::one))
        .route("/incidents/{id}/{action}", post(page::act))
        .route("/assets/{name}", get(page::asset))
        .route("/api/incidents", get(api::incidents).delete(api::forget_incidents))
        .route("/api/incidents/{id}", get(api::incident))
        .route("/api/changes", get(api::changes).delete(api::forget_changes))
        .route("/api/faults", get(api::faults).post(api::add_fault).delete(api::forget_faults))
        .route("/api/requests", get(api::requests).delete(api::forget_requests))
        .layer(axum::middleware::map_response(crate::http::html::harden_with_forms))
        .with_state(sandbox);
    crate::http::path::lenient(routes)
}

/// Answers on the listener until the future is dropped.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve(listener: TcpListener, sandbox: Sandbox) -> io::Result<()> {
    let service = router(sandbox).into_make_service_with_connect_info::<wire::Breaker>();
    axum::serve(wire::Listener::new(listener), service).await
}
