//! The ordered, durable queue between the stages.
//!
//! [`Queued`] is the content of a message: an event for a routing target. Senders use an
//! [`Outbox`], the worker's process an [`Inbox`], and the worker itself only [`Settle`], which ends
//! or postpones the messages it received. [`sqs`] and [`sqlite`] are the two queues.

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

/// Where events are queued for delivery.
pub trait Outbox: Send + Sync + 'static {
    /// Queues a message durably.
    ///
    /// # Errors
    /// When the queue did not confirm it; the message may be queued anyway.
    fn send(&self, message: Outgoing) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// How many messages wait, for how long, and whether another message could be queued now.
    fn state(&self) -> impl Future<Output = QueueState> + Send;
}

/// Settles received messages: each is done, postponed or rejected.
pub trait Settle: Send + Sync + 'static {
    /// Deletes a message that was delivered.
    ///
    /// # Errors
    /// When the queue did not confirm it; the message then comes back.
    fn done(&self, message: &Message) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Makes received messages of one group come back together, in their order.
    fn postpone(&self, messages: &[Message], wait: Wait) -> impl Future<Output = ()> + Send;

    /// Rejects a message for good: it is kept for a person to look at.
    ///
    /// # Errors
    /// When the queue did not confirm it; the message then comes back.
    fn reject(
        &self,
        message: &Message,
        rejection: Rejection,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// Where events are received: in order within their group, until they are settled.
pub trait Inbox: Settle {
    /// Receives messages, those of one group in order, and hides them from other receivers until
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
    /// Messages of one group stay in order.
    pub group: String,
    pub deduplication: Deduplication,
    pub target: Target,
    /// The target's routing key, if it is in no pool. Only a queue that nobody else can read may
    /// hold it, and stores it apart from the message.
    pub key: Option<RoutingKey>,
    /// Of the messages that wait for one target, the most severe goes first.
    pub severity: Option<Severity>,
}

/// Whether a message may be a copy of one that is already queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deduplication {
    /// Every message is different.
    Unique,
    /// A second message with the same id within five minutes is accepted but not queued.
    Id(String),
}

/// A message taken from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    /// The queue's name for this receive of the message.
    pub receipt: String,
    /// `None` in a queue without order.
    pub group: Option<String>,
    pub body: String,
    /// How often it was received, including this time.
    pub attempts: u32,
}

/// Why messages come back, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// They could not be delivered.
    Failed(Duration),
    /// The key's limit is reached, which is not a failure: it has a free turn after this time.
    Turn { wait: Duration, key: Fingerprint },
}

impl Deduplication {
    /// The id; for `Unique` a random one.
    #[must_use]
    pub fn id(&self) -> String {
        // The standard library seeds its hash keys with the operating system's random numbers.
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

/// Why a message was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status of PagerDuty's answer, if there was one.
    pub status: Option<u16>,
    pub reason: String,
    /// The time, as RFC 3339.
    pub at: String,
}

impl Rejection {
    /// A rejection with the current time.
    #[must_use]
    pub fn now(status: Option<u16>, reason: String) -> Self {
        Self { status, reason, at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true) }
    }
}

/// The messages in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    /// An error says why a message could not be queued now.
    pub ready: Result<(), QueueError>,
    /// Messages that wait or are being delivered, if the queue could be asked.
    pub messages: Option<u64>,
    /// The same by routing target, if the queue knows it.
    pub by_target: BTreeMap<Target, u64>,
    /// How long the oldest message has waited, if the queue knows it.
    pub oldest: Option<Duration>,
    /// Rejected messages.
    pub rejected: Option<u64>,
}

impl Default for QueueState {
    /// Ready and empty.
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
    /// The state of a queue that could not be asked.
    #[must_use]
    pub fn unknown(problem: QueueError) -> Self {
        Self { ready: Err(problem), messages: None, ..Self::default() }
    }
}

/// Why a call to the queue failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("the message is larger than the queue allows")]
    TooLarge,
    /// No room now. There will be room after events are delivered or disk space is freed.
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
