//! The worker: delivers a batch of queued events, group by group, each in its order.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use super::backoff::delay;
use super::order::{groups, in_order, next_key};
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{ATTEMPT, PagerDuty};
use crate::pagerduty::{Action, Plain, Severity, plainer};
use crate::pagerduty::{Outcome, Reason, outcome};
use crate::queue::{Message, Outline, Queued, Rejection, Settle, Wait};
use crate::routing::pace::Turn;
use crate::routing::{Candidates, Keys};
use crate::routing::{Fingerprint, Target};
use crate::telemetry::Signal;

/// Time reserved for what follows an attempt: the call to the queue, and the answer to Lambda.
const RESERVE: Duration = Duration::from_secs(3);
/// The longest wait for a turn. Lambda bills waiting, so an event with a later turn goes back to
/// the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// Delivers batches of queued events.
pub struct Worker<Q> {
    pub pagerduty: PagerDuty,
    pub keys: Arc<Keys>,
    pub queue: Q,
    /// Once it is true, no new attempt begins: the process is stopping.
    pub stop: watch::Receiver<bool>,
}

/// A message of the batch, read once.
struct Item {
    message: Message,
    content: Content,
}

/// What a message holds.
enum Content {
    Event {
        queued: Queued,
        outline: Outline,
    },
    /// Not a Pagetrail event; the text says why.
    Unknown(String),
}

/// What happened to one queued message.
enum Fate {
    /// PagerDuty has it, and it is deleted from the queue.
    Done,
    /// It was rejected, and is no longer in the queue.
    Rejected,
    /// It comes back later, together with the messages after it in its group.
    Later { after: Option<Duration>, reason: Reason },
    /// The key's rate limit is reached: it comes back at its turn.
    ComeBack { wait: Duration, key: Fingerprint },
}

impl<Q: Settle> Worker<Q> {
    /// Delivers a batch until the deadline. Returns the ids of the messages that must come
    /// back: if one fails, it and the rest of its group, so that the order is kept. Other
    /// groups continue. Among groups that wait for a key, critical events go first.
    pub async fn deliver(&self, batch: Vec<Message>, deadline: Instant) -> Vec<String> {
        let batch = batch.into_iter().map(Item::read).collect();
        let groups = groups(batch, |item| item.message.group.clone(), Item::severity);
        let failed = join_all(groups.iter().map(|group| self.group(group, deadline))).await;
        failed.into_iter().flatten().collect()
    }

    /// Delivers the messages of one group in order; returns the ids of those that must
    /// come back.
    async fn group(&self, group: &[Item], deadline: Instant) -> Vec<String> {
        let held = in_order(group, async |item: &Item| match self.item(item, deadline).await {
            Fate::Done | Fate::Rejected => Ok(()),
            fate => Err(fate),
        });
        let Some((rest, fate)) = held.await else { return Vec::new() };
        match fate {
            Fate::Done | Fate::Rejected => {}
            Fate::Later { after, reason } => self.postpone(rest, after, &reason).await,
            Fate::ComeBack { wait, key } => self.come_back(rest, wait, key).await,
        }
        rest.iter().map(|item| item.message.id.clone()).collect()
    }

    /// A message is done only when it is deleted from the queue. Otherwise it comes again, and
    /// the messages after it in the group must not be delivered before it.
    async fn item(&self, item: &Item, deadline: Instant) -> Fate {
        let message = &item.message;
        let fate = match &item.content {
            Content::Event { queued, outline } => {
                self.event(message, queued, outline, deadline).await
            }
            Content::Unknown(error) => {
                // The error's text can quote the body, which must not be logged.
                let what = "the message in the queue is not a Pagetrail event";
                let reason = Reason::quoting(what, error);
                return self.reject(message, "", None, &reason).await;
            }
        };
        let Fate::Done = fate else { return fate };
        match self.queue.done(message).await {
            Ok(()) => Fate::Done,
            Err(error) => later(format!("delivered, but not deleted from the queue: {error}")),
        }
    }

    /// Tries the keys of the event's pool until PagerDuty accepts the event with one of them.
    async fn event(
        &self,
        message: &Message,
        queued: &Queued,
        outline: &Outline,
        deadline: Instant,
    ) -> Fate {
        let dedup_key = outline.dedup_key.as_str();
        let mut tried: Vec<RoutingKey> = Vec::new();
        let mut delivered = false;
        let mut refusal = Reason::own(match &queued.target {
            Target::Pool(_) => "every routing key of the pool is refused",
            Target::Key(_) => "the routing key is refused, or no longer known here",
        });
        loop {
            let candidates = match self.keys.candidates(&queued.target, dedup_key).await {
                Ok(candidates) => candidates,
                Err(error) => return later(error.to_string()),
            };
            if candidates.unknown_target && tried.is_empty() {
                // Not "target": every log line already has a field of this name, the module's.
                warn!(dedup_key, pool = %queued.target, "this pool does not exist; the default pool is used");
            }
            let Candidates { usable, moved, .. } = candidates;
            // An event without an action is treated as a trigger.
            let action = outline.action.unwrap_or(Action::Trigger);
            let Some(key) = next_key(usable, &tried, delivered, moved, action) else { break };
            if Instant::now() + PATIENCE + ATTEMPT + RESERVE > deadline {
                return later("no time was left in this batch");
            }
            if *self.stop.borrow() {
                return later("the process is stopping");
            }
            match self.keys.turn(&key, PATIENCE) {
                Turn::In(wait) => tokio::time::sleep(wait).await,
                Turn::ComeBack(wait) => return come_back(wait, &key),
            }
            let to = (queued.endpoint, queued.route.as_deref());
            let answer = self.pagerduty.post_raw(to, queued.event.get(), &key).await;
            match outcome(queued.endpoint, &answer) {
                Outcome::Delivered => delivered = true,
                Outcome::Later { after, reason } => return Fate::Later { after, reason },
                Outcome::RefusedEvent { status, reason } => {
                    let refused = Refused { message, queued, outline, status, reason };
                    return self.plainer(&refused, &key, deadline).await;
                }
                Outcome::RefusedKey { reason } => {
                    Signal::KeyRefused { key: &key.to_string(), why: &reason.what }.tell();
                    if let Err(error) = self.keys.refused(&key).await {
                        warn!(%error, "the keys in memory stay in use");
                    }
                    refusal = reason;
                }
            }
            tried.push(key);
        }
        if !delivered {
            return Fate::Later { after: None, reason: refusal };
        }
        tell_delivered(message, outline);
        Fate::Done
    }

    /// PagerDuty will never accept the event in this form. The page is still sent in a simpler
    /// form, and the original is rejected.
    async fn plainer(&self, refused: &Refused<'_>, key: &RoutingKey, deadline: Instant) -> Fate {
        let Refused { message, queued, outline, status, reason } = refused;
        let reject = || self.reject(message, &outline.dedup_key, Some(*status), reason);
        let plain = plainer(queued.endpoint, queued.event.get(), &reason.whole());
        let Some(Plain { endpoint, event }) = plain else { return reject().await };
        // The refused attempt used this event's turn. If the event went back to wait for another
        // turn, the same refusal would use that one too, and the event would never be delivered.
        let patience = deadline.saturating_duration_since(Instant::now() + ATTEMPT + RESERVE);
        if patience < PATIENCE {
            return later("no time was left in this batch");
        }
        match self.keys.turn(key, patience) {
            Turn::In(wait) => tokio::time::sleep(wait).await,
            Turn::ComeBack(wait) => return come_back(wait, key),
        }
        match outcome(endpoint, &self.pagerduty.post_raw((endpoint, None), &event, key).await) {
            Outcome::Delivered => {
                tell_delivered(message, outline);
                reject().await
            }
            Outcome::RefusedEvent { .. } => reject().await,
            Outcome::Later { after, reason } => Fate::Later { after, reason },
            // The key is right where it was used before, only not for events of version 2.
            Outcome::RefusedKey { .. } if endpoint != queued.endpoint => reject().await,
            Outcome::RefusedKey { reason } => Fate::Later { after: None, reason },
        }
    }

    /// Rejects a message: stores it with the reason, for a person to look at.
    async fn reject(
        &self,
        message: &Message,
        dedup_key: &str,
        status: Option<u16>,
        reason: &Reason,
    ) -> Fate {
        Signal::Rejected { dedup_key, why: &reason.what }.tell();
        match self.queue.reject(message, Rejection::now(status, reason.whole())).await {
            Ok(()) => Fate::Rejected,
            Err(error) => {
                later(format!("refused, but could not be stored with the rejected events: {error}"))
            }
        }
    }

    /// Makes the messages come back together. The wait depends on the attempts of the first one;
    /// the others cannot overtake it.
    async fn postpone(&self, items: &[Item], after: Option<Duration>, reason: &Reason) {
        let Some(first) = items.first() else { return };
        let attempts = first.message.attempts;
        let delay = delay(attempts, after, fastrand::f64());
        Signal::Postponed {
            dedup_key: first.dedup_key(),
            why: &reason.what,
            rate_limited: reason.is_rate_limited(),
            attempts,
            waiting: items.len(),
            seconds: delay.as_secs_f64(),
        }
        .tell();
        self.queue.postpone(&messages(items), Wait::Failed(delay)).await;
    }

    /// Makes the messages come back at their turn. This is not a failure.
    async fn come_back(&self, items: &[Item], wait: Duration, key: Fingerprint) {
        let Some(first) = items.first() else { return };
        Signal::Paced {
            dedup_key: first.dedup_key(),
            waiting: items.len(),
            seconds: wait.as_secs_f64(),
        }
        .tell();
        self.queue.postpone(&messages(items), Wait::Turn { wait, key }).await;
    }
}

/// An event that PagerDuty will never accept in this form.
struct Refused<'a> {
    message: &'a Message,
    queued: &'a Queued,
    outline: &'a Outline,
    status: u16,
    reason: Reason,
}

impl Item {
    fn read(message: Message) -> Self {
        let content = match serde_json::from_str::<Queued>(&message.body) {
            Ok(queued) => match queued.outline() {
                outline if outline.is_deliverable(queued.endpoint) => {
                    Content::Event { queued, outline }
                }
                _ => Content::Unknown("neither action nor dedup key can be read".to_owned()),
            },
            Err(error) => Content::Unknown(error.to_string()),
        };
        Self { message, content }
    }

    fn dedup_key(&self) -> &str {
        match &self.content {
            Content::Event { outline, .. } => &outline.dedup_key,
            Content::Unknown(_) => "",
        }
    }

    fn severity(&self) -> Option<Severity> {
        match &self.content {
            Content::Event { outline, .. } => outline.severity,
            Content::Unknown(_) => None,
        }
    }
}

fn messages(items: &[Item]) -> Vec<Message> {
    items.iter().map(|item| item.message.clone()).collect()
}

/// Reports that PagerDuty accepted an event, in its original or its simpler form.
fn tell_delivered(message: &Message, outline: &Outline) {
    Signal::Delivered {
        dedup_key: &outline.dedup_key,
        action: outline.action.map_or("event", Action::name),
        attempts: message.attempts,
        since: outline.happened_at,
    }
    .tell();
}

fn later(what: impl Into<String>) -> Fate {
    Fate::Later { after: None, reason: Reason::own(what) }
}

fn come_back(wait: Duration, key: &RoutingKey) -> Fate {
    Fate::ComeBack { wait, key: Fingerprint::of(key) }
}
