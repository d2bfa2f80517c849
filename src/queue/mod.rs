//! The ordered, durable road between the stages.
//!
//! [`Queued`] is what a message holds: an event on its way to a routing target. Senders see an
//! [`Outbox`], the worker's process an [`Inbox`], and the worker itself only [`Settle`]: what
//! becomes of the messages it was given. [`sqs`] and [`sqlite`] are the two queues.

pub mod queued;
pub mod sqlite;
pub mod sqs;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};

pub use queued::{Outline, Queued};

use crate::pagerduty::Severity;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::{Fingerprint, Target};

/// Where events are put for delivery.
pub trait Outbox: Send + Sync + 'static {
    /// Queues a message durably.
    ///
    /// # Errors
    /// When the queue did not confirm it; it may have been queued all the same.
    fn send(&self, message: Outgoing) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// How many messages wait, and since when, and whether one more could be queued now.
    fn state(&self) -> impl Future<Output = QueueState> + Send;
}

/// What becomes of received messages.
pub trait Settle: Send + Sync + 'static {
    /// Forgets a message that was delivered.
    ///
    /// # Errors
    /// When the queue did not confirm it; the message then comes back.
    fn done(&self, message: &Message) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Makes received messages of one group come back together, in their order.
    fn postpone(&self, messages: &[Message], wait: Wait) -> impl Future<Output = ()> + Send;

    /// Puts a message aside for good, for a person to look at.
    ///
    /// # Errors
    /// When the queue did not confirm it; the message then comes back.
    fn reject(
        &self,
        message: &Message,
        rejection: Rejection,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Where events are taken from: in order within their group, until they are settled.
pub trait Inbox: Settle {
    /// Takes messages, those of one group in their order, and keeps them from others until
    /// each is done, rejected or postponed. Waits until there are some.
    ///
    /// # Errors
    /// When the queue could not be read.
    fn receive(&self) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;
}

/// A message to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub body: String,
    /// The unit of order.
    pub group: String,
    pub deduplication: Deduplication,
    pub target: Target,
    /// The target's routing key, where it is in no pool: only a queue that is ours alone
    /// may hold it, and does so beside the message.
    pub key: Option<RoutingKey>,
    /// Among the messages that wait for one target, the most severe goes first.
    pub severity: Option<Severity>,
}

/// Whether a message may be a second telling of one that is queued already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deduplication {
    /// Every message is one of its own.
    Unique,
    /// A second message with the same id within five minutes is accepted and dropped.
    Id(String),
}

/// A message taken from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    /// The queue's own name for this taking of it.
    pub receipt: String,
    /// None in a queue without order.
    pub group: Option<String>,
    pub body: String,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// Why messages come back, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// They could not be delivered.
    Failed(Duration),
    /// The key's limit is reached, which is no failure: it has a turn free after this time.
    Turn { wait: Duration, key: Fingerprint },
}

impl Deduplication {
    /// The id, or one that no other message has.
    #[must_use]
    pub fn id(&self) -> String {
        // The standard library's keys are the operating system's random numbers.
        static PROCESS: LazyLock<[u64; 2]> = LazyLock::new(|| {
            let state = RandomState::new();
            [state.hash_one(1), state.hash_one(2)]
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        match self {
            Self::Id(id) => id.clone(),
            Self::Unique => {
                let [high, low] = *PROCESS;
                format!("{high:016x}{low:016x}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
            }
        }
    }
}

impl Wait {
    #[must_use]
    pub fn duration(&self) -> Duration {
        let (Self::Failed(wait) | Self::Turn { wait, .. }) = self;
        *wait
    }
}

/// Why a message was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// PagerDuty's answer, where there was one.
    pub status: Option<u16>,
    pub reason: String,
    /// When, as RFC 3339.
    pub at: String,
}

impl Rejection {
    /// A rejection that happens now.
    #[must_use]
    pub fn now(status: Option<u16>, reason: String) -> Self {
        Self { status, reason, at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true) }
    }
}

/// What waits in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// Why a message could not be queued now.
    pub ready: Result<(), QueueError>,
    /// Messages that wait or are under way, where the queue could be asked.
    pub messages: Option<u64>,
    /// The same by routing target, where the queue knows it.
    pub by_target: BTreeMap<Target, u64>,
    /// How long the oldest has waited, where the queue knows it.
    pub oldest: Option<Duration>,
    /// Messages put aside for good.
    pub rejected: Option<u64>,
}

impl Default for QueueState {
    /// Ready, and nothing waits.
    fn default() -> Self {
        Self {
            ready: Ok(()),
            messages: Some(0),
            by_target: BTreeMap::new(),
            oldest: None,
            rejected: None,
        }
    }
}

impl QueueState {
    /// That of a queue that could not be asked.
    #[must_use]
    pub fn unknown(problem: QueueError) -> Self {
        Self { ready: Err(problem), messages: None, ..Self::default() }
    }
}

/// Why the queue did not take a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("the message is larger than the queue takes")]
    TooLarge,
    /// No room now; it will have some when events were delivered or disk space was freed.
    #[error("the queue is full: {0}")]
    Full(String),
    #[error("{0}")]
    Failed(String),
}

impl<Q: Outbox> Outbox for Arc<Q> {
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        (**self).send(message).await
    }

    async fn state(&self) -> QueueState {
        (**self).state().await
    }
}

impl<Q: Settle> Settle for Arc<Q> {
    async fn done(&self, message: &Message) -> Result<(), QueueError> {
        (**self).done(message).await
    }

    async fn postpone(&self, messages: &[Message], wait: Wait) {
        (**self).postpone(messages, wait).await;
    }

    async fn reject(&self, message: &Message, rejection: Rejection) -> Result<(), QueueError> {
        (**self).reject(message, rejection).await
    }
}

impl<Q: Inbox> Inbox for Arc<Q> {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        (**self).receive().await
    }
}
