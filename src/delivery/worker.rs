//! The worker: a batch of queued events, group by group, each in its order.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::{SecondsFormat, Utc};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::backoff::delay;
use super::keys::{Candidates, Keys};
use super::order::{groups, in_order, next_key};
use super::outcome::{Outcome, Reason, outcome};
use super::pace::Turn;
use super::pagerduty::{ATTEMPT, PagerDuty};
use super::unenriched;
use crate::event::routing_key::RoutingKey;
use crate::event::{Event, Severity, sha256_hex};
use crate::paging::Paging;
use crate::queue::sqs::{Outgoing, SqsQueue};
use crate::queue::{DEFAULT_TARGET, Queued};
use crate::telemetry::Signal;
use crate::text::{cut, one_line};

/// Time kept for the calls around an attempt: the queue's, and the answer to Lambda.
const RESERVE: Duration = Duration::from_secs(3);
/// A turn that comes within this time is waited for; a later one is not slept away in
/// billed time.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest reason written beside a rejected event, in characters.
const REASON_LIMIT: usize = 1_000;

/// Delivers batches of queued events.
pub struct Worker {
    pub pagerduty: PagerDuty,
    pub keys: Keys,
    pub events: SqsQueue,
    pub rejected: SqsQueue,
    pub paging: Paging,
}

/// What became of one queued message.
enum Fate {
    /// It may be deleted from the queue.
    Done,
    /// It comes back later, and what follows it in its group with it.
    Later { after: Option<Duration>, reason: Reason },
    /// The key's limit is reached: it comes back at its turn.
    ComeBack(Duration),
}

impl Worker {
    /// Delivers a batch until the deadline. The answer names the messages that must
    /// come back: after one of a group failed, the rest of its group, so that order
    /// holds; other groups go on. Among those that wait for a key, critical goes first.
    pub async fn deliver(&self, batch: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        let groups = groups(batch.records, group_of, severity);
        let failed = join_all(groups.iter().map(|group| self.group(group, deadline))).await;
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed.into_iter().flatten().map(failure).collect();
        response
    }

    /// Delivers the messages of one group in order; returns the ids of those that must
    /// come back.
    async fn group(&self, group: &[SqsMessage], deadline: Instant) -> Vec<String> {
        let held = in_order(group, async |message: &SqsMessage| {
            match self.message(message, deadline).await {
                Fate::Done => Ok(()),
                fate => Err(fate),
            }
        });
        let Some((rest, fate)) = held.await else { return Vec::new() };
        match fate {
            Fate::Done => {}
            Fate::Later { after, reason } => self.postpone(rest, after, &reason).await,
            Fate::ComeBack(wait) => self.come_back(rest, wait).await,
        }
        rest.iter().map(|it| it.message_id.clone().unwrap_or_default()).collect()
    }

    async fn message(&self, message: &SqsMessage, deadline: Instant) -> Fate {
        let body = message.body.as_deref().unwrap_or_default();
        if let Some(bare) = unenriched::read(body, &self.paging) {
            return self.queue_bare(bare).await;
        }
        match serde_json::from_str::<Queued>(body) {
            Ok(queued) => self.event(message, &queued, deadline).await,
            Err(error) => {
                // The error's text may quote the body, which is not for our log.
                let what = "the queue's message is no Pagetrail event".to_owned();
                let reason = Reason { what, said: error.to_string() };
                self.reject(message, None, &reason).await
            }
        }
    }

    /// Alarms that enrich could not handle go the same road as all others, so that
    /// their order holds.
    async fn queue_bare(&self, bare: Vec<unenriched::Bare>) -> Fate {
        for (event, deduplication_id) in bare {
            let dedup_key = event.dedup_key.to_string();
            let queued = Queued { target: DEFAULT_TARGET.to_owned(), event };
            if let Err(error) = self.events.send_event(&queued, deduplication_id).await {
                return later(format!("a bare event was not queued: {error}"));
            }
            Signal::Bare { dedup_key: &dedup_key }.tell();
        }
        Fate::Done
    }

    /// Tries the keys of the event's pool until one takes it.
    async fn event(&self, message: &SqsMessage, queued: &Queued, deadline: Instant) -> Fate {
        let dedup_key = queued.event.dedup_key.as_str();
        let mut tried: Vec<RoutingKey> = Vec::new();
        let mut delivered = false;
        let mut refusal = Reason::own("every routing key of the pool is refused");
        loop {
            let candidates = match self.keys.candidates(&queued.target, dedup_key).await {
                Ok(candidates) => candidates,
                Err(error) => return later(error.to_string()),
            };
            if candidates.unknown_target && tried.is_empty() {
                // Not "target": every line has one already, the module's.
                warn!(dedup_key, pool = queued.target, "no such pool; the default one is used");
            }
            let Candidates { usable, moved, .. } = candidates;
            let action = queued.event.event_action;
            let Some(key) = next_key(usable, &tried, delivered, moved, action) else { break };
            if Instant::now() + PATIENCE + ATTEMPT + RESERVE > deadline {
                return later("no time was left in this batch");
            }
            match self.keys.turn(&key, PATIENCE) {
                Turn::In(wait) => tokio::time::sleep(wait).await,
                Turn::ComeBack(wait) => return Fate::ComeBack(wait),
            }
            match self.attempt(&queued.event, &key).await {
                Outcome::Delivered => delivered = true,
                Outcome::Later { after, reason } => return Fate::Later { after, reason },
                Outcome::RefusedEvent { status, reason } => {
                    return self.plainer(message, queued, &key, status, &reason, deadline).await;
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
        tell_delivered(message, queued);
        Fate::Done
    }

    /// PagerDuty will never take the event as it is: the page still comes in a plainer
    /// form, and the original is put aside.
    async fn plainer(
        &self,
        message: &SqsMessage,
        queued: &Queued,
        key: &RoutingKey,
        status: u16,
        reason: &Reason,
        deadline: Instant,
    ) -> Fate {
        let Some(plainer) = queued.event.plainer(&reason.whole()) else {
            return self.reject(message, Some(status), reason).await;
        };
        // The refused attempt has spent this event's turn. Sent back for another one, it would
        // be refused again and never get further where turns are rare.
        let patience = deadline.saturating_duration_since(Instant::now() + ATTEMPT + RESERVE);
        if patience < PATIENCE {
            return later("no time was left in this batch");
        }
        match self.keys.turn(key, patience) {
            Turn::In(wait) => tokio::time::sleep(wait).await,
            Turn::ComeBack(wait) => return Fate::ComeBack(wait),
        }
        match self.attempt(&plainer, key).await {
            Outcome::Delivered => {
                tell_delivered(message, queued);
                self.reject(message, Some(status), reason).await
            }
            Outcome::RefusedEvent { .. } => self.reject(message, Some(status), reason).await,
            Outcome::Later { after, reason } => Fate::Later { after, reason },
            Outcome::RefusedKey { reason } => Fate::Later { after: None, reason },
        }
    }

    async fn attempt(&self, event: &Event, key: &RoutingKey) -> Outcome {
        let mut outcome = outcome(&self.pagerduty.post(event, key).await);
        if let Outcome::Later { reason, .. }
        | Outcome::RefusedEvent { reason, .. }
        | Outcome::RefusedKey { reason } = &mut outcome
        {
            reason.said = key.hide_in(&reason.said);
        }
        outcome
    }

    /// Puts a message aside with the reason, for a person to look at.
    async fn reject(&self, message: &SqsMessage, status: Option<u16>, reason: &Reason) -> Fate {
        let alert = dedup_key(message).unwrap_or_default();
        Signal::Rejected { dedup_key: &alert, why: &reason.what }.tell();
        let body = message.body.clone().unwrap_or_default();
        let id = message.message_id.as_deref().unwrap_or_default();
        let put_aside = self
            .rejected
            .send(Outgoing {
                group: group_of(message).unwrap_or_else(|| sha256_hex(&[&body])),
                deduplication_id: sha256_hex(&[id, &body]),
                attributes: vec![
                    ("status", status.map_or_else(|| "none".to_owned(), |it| it.to_string())),
                    ("reason", cut(&one_line(&reason.whole()), REASON_LIMIT)),
                    ("rejected_at", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)),
                ],
                // SQS takes no empty body.
                body: if body.is_empty() { "(empty)".to_owned() } else { body },
            })
            .await;
        match put_aside {
            Ok(()) => Fate::Done,
            Err(error) => later(format!("refused, and not put into the rejected queue: {error}")),
        }
    }

    /// Makes the messages come back together; the first of them waits longest among
    /// its tries, the rest cannot pass it.
    async fn postpone(&self, messages: &[SqsMessage], after: Option<Duration>, reason: &Reason) {
        let Some(first) = messages.first() else { return };
        let attempt = receive_count(first);
        let delay = delay(attempt, after, fastrand::f64());
        Signal::Later {
            dedup_key: &dedup_key(first).unwrap_or_default(),
            why: &reason.what,
            attempts: attempt,
            waiting: messages.len(),
            seconds: delay.as_secs_f64(),
        }
        .tell();
        self.set_wait(messages, delay).await;
    }

    /// Makes the messages come back at their turn, which is no failure.
    async fn come_back(&self, messages: &[SqsMessage], wait: Duration) {
        let Some(first) = messages.first() else { return };
        Signal::Paced {
            dedup_key: &dedup_key(first).unwrap_or_default(),
            waiting: messages.len(),
            seconds: wait.as_secs_f64(),
        }
        .tell();
        self.set_wait(messages, wait).await;
    }

    async fn set_wait(&self, messages: &[SqsMessage], wait: Duration) {
        // Enrich's failures come from a queue without groups, which brings them back itself.
        let messages = messages.iter().filter(|message| group_of(message).is_some());
        let calls = join_all(messages.map(|message| async {
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            self.events.postpone(receipt, wait).await
        }));
        // Without it they come back after the queue's visibility time-out; the answer to
        // Lambda, on which more depends, does not wait for a call that hangs.
        let Ok(calls) = timeout(RESERVE, calls).await else {
            warn!("the wait could not be set in time");
            return;
        };
        for error in calls.into_iter().filter_map(Result::err) {
            warn!(%error, "the wait could not be set");
        }
    }
}

/// Tells that PagerDuty took an event, in whatever form.
fn tell_delivered(message: &SqsMessage, queued: &Queued) {
    Signal::Delivered {
        dedup_key: queued.event.dedup_key.as_str(),
        action: queued.event.event_action.name(),
        attempts: receive_count(message),
        since: queued.event.happened_at(),
    }
    .tell();
}

fn later(what: impl Into<String>) -> Fate {
    Fate::Later { after: None, reason: Reason::own(what) }
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

fn group_of(message: &SqsMessage) -> Option<String> {
    message.attributes.get("MessageGroupId").cloned()
}

fn receive_count(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// For the log: which alert it was, where the body tells.
fn dedup_key(message: &SqsMessage) -> Option<String> {
    let queued: Queued = serde_json::from_str(message.body.as_deref()?).ok()?;
    Some(queued.event.dedup_key.to_string())
}

fn severity(message: &SqsMessage) -> Option<Severity> {
    let queued: Queued = serde_json::from_str(message.body.as_deref()?).ok()?;
    Some(queued.event.payload?.severity)
}
