//! A gateway with a queue whose conduct a test chooses, and requests to it.

#![allow(unreachable_pub, reason = "shared by the modules of one test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{Request, header};
use pagetrail::gateway::{Access, Gateway, LocalClients, RunsIn, UnknownKeys, router};
use pagetrail::queue::{Outbox, Outgoing, QueueError, QueueState};
use pagetrail::routing::pace::Pace;
use pagetrail::routing::{Fingerprint, Target};
use pagetrail::routing::{KeySource, Keys};
use pagetrail::secret::Secret;
use pagetrail::telemetry::Tally;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub use crate::support::router::Answer;

/// A key in a pool.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";
/// One that is in none.
pub const OTHER: &str = "fedcba9876543210fedcba9876543210";
pub const TOKEN: &str = "open sesame";

pub fn trigger(key: &str) -> Value {
    json!({
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": "disk",
        "payload": {"summary": "disk 98 %", "source": "db-1", "severity": "critical"},
    })
}

pub fn target(key: &str) -> Target {
    Target::Key(Fingerprint::of(&key.parse().unwrap()))
}

/// What the queue does with an event, and with the question how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conduct {
    #[default]
    Takes,
    Fails,
    Full,
    TooLarge,
    Hangs,
    Panics,
}

#[derive(Default)]
pub struct FakeQueue {
    pub conduct: Mutex<Conduct>,
    pub sent: Mutex<Vec<Outgoing>>,
    pub state: Mutex<QueueState>,
    /// Asked about each event's target as the event is sent.
    keys: Option<Arc<Keys>>,
}

impl FakeQueue {
    async fn answer(&self) -> Result<(), QueueError> {
        let conduct = *self.conduct.lock().unwrap();
        match conduct {
            Conduct::Takes => Ok(()),
            Conduct::Fails => Err(QueueError::Failed("/var/lib/secret is gone".to_owned())),
            Conduct::Full => Err(QueueError::Full("/var/lib/secret has no room".to_owned())),
            Conduct::TooLarge => Err(QueueError::TooLarge),
            Conduct::Hangs => std::future::pending().await,
            Conduct::Panics => panic!("as the test asked"),
        }
    }
}

impl Outbox for FakeQueue {
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        self.answer().await?;
        if let Some(keys) = &self.keys {
            // While the keys cannot be read, events wait for that.
            let candidates = keys.candidates(&message.target, "k").await;
            let unknown = candidates.is_ok_and(|candidates| candidates.usable.is_empty());
            assert!(!unknown, "delivery would not know {}", message.target);
        }
        self.sent.lock().unwrap().push(message);
        Ok(())
    }

    async fn state(&self) -> QueueState {
        match self.answer().await {
            Ok(()) => self.state.lock().unwrap().clone(),
            Err(problem) => QueueState::unknown(problem),
        }
    }
}

/// How a gateway is set up.
#[derive(Debug)]
pub struct Setting {
    pub source: KeySource,
    pub local: LocalClients,
    pub token: Option<&'static str>,
    pub unknown_keys: UnknownKeys,
    pub runs_in: RunsIn,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            source: KeySource::Text(Secret::new(KEY.to_owned())),
            local: LocalClients::Trusted,
            token: Some(TOKEN),
            unknown_keys: UnknownKeys::Held,
            runs_in: RunsIn::Server,
        }
    }
}

pub struct Rig {
    pub queue: Arc<FakeQueue>,
    pub keys: Arc<Keys>,
    pub tally: Arc<Tally>,
    pub router: Router,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new(Setting::default())
    }
}

impl Rig {
    pub fn new(setting: Setting) -> Self {
        let keys = Arc::new(Keys::new(setting.source, Pace::share(120, 1)));
        let queue = FakeQueue { keys: Some(Arc::clone(&keys)), ..FakeQueue::default() };
        let (queue, tally) = (Arc::new(queue), Arc::new(Tally::default()));
        let gateway = Gateway {
            queue: Arc::clone(&queue),
            keys: Arc::clone(&keys),
            access: Access {
                ports: vec![80, 8080],
                local: setting.local,
                token: setting.token.map(|token| Secret::new(token.to_owned())).into(),
                unknown_keys: setting.unknown_keys,
            },
            tally: Arc::clone(&tally),
            runs_in: setting.runs_in,
        };
        Self { queue, keys, tally, router: router(Arc::new(gateway)) }
    }

    pub fn conducts(&self, conduct: Conduct) {
        *self.queue.conduct.lock().unwrap() = conduct;
    }

    /// The events queued so far.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.queue.sent.lock().unwrap().clone()
    }

    /// The only event queued so far.
    pub fn only_sent(&self) -> (Outgoing, Value) {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1);
        let outgoing = sent.remove(0);
        let body = serde_json::from_str(&outgoing.body).unwrap();
        (outgoing, body)
    }

    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        Answer::of(response).await
    }

    pub async fn post(&self, path: &str, event: &Value) -> Answer {
        self.call(here("POST", path).body(Body::from(event.to_string())).unwrap()).await
    }

    pub async fn post_from_elsewhere(&self, path: &str, event: &Value) -> Answer {
        self.call(elsewhere("POST", path).body(Body::from(event.to_string())).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(here("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Has the queue say that so much waits.
    pub fn waits(&self, targets: &[(Target, u64)], oldest: Duration, rejected: u64) {
        *self.queue.state.lock().unwrap() = QueueState {
            messages: Some(targets.iter().map(|(_, events)| events).sum()),
            by_target: targets.iter().cloned().collect(),
            oldest: Some(oldest),
            rejected: Some(rejected),
            ..QueueState::default()
        };
    }
}

/// A request by a program on this machine.
pub fn here(method: &str, path: &str) -> Builder {
    from("127.0.0.1:50000", method, path)
}

pub fn elsewhere(method: &str, path: &str) -> Builder {
    from("192.0.2.7:50000", method, path)
}

pub fn from(peer: &str, method: &str, path: &str) -> Builder {
    let peer: SocketAddr = peer.parse().unwrap();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:8080")
        .extension(ConnectInfo(peer))
}
