//! The worker: a batch of queued events, group by group, each in its order.

use std::collections::HashMap;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::{SecondsFormat, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::backoff::delay;
use super::keys::Keys;
use super::outcome::{Outcome, Reason, outcome};
use super::pagerduty::{ATTEMPT, PagerDuty};
use crate::event::routing_key::RoutingKey;
use crate::event::sha256_hex;
use crate::queue::Queued;
use crate::queue::sqs::{Outgoing, QueueError, SqsQueue};
use crate::text::{cut, one_line};

/// Time kept for the calls around an attempt: the queue's, and the answer to Lambda.
const RESERVE: std::time::Duration = std::time::Duration::from_secs(3);
/// Longest reason written beside a rejected event, in characters.
const REASON_LIMIT: usize = 1_000;

/// Delivers batches of queued events.
pub struct Worker {
    pub pagerduty: PagerDuty,
    pub keys: Keys,
    pub events: SqsQueue,
    pub rejected: SqsQueue,
}

/// What became of one queued message.
enum Fate {
    /// It may be deleted from the queue.
    Done,
    /// It comes back later, and what follows it in its group with it.
    Later { after: Option<std::time::Duration>, reason: Reason },
}

impl Worker {
    /// Delivers a batch until the deadline. The answer names the messages that must
    /// come back: after one of a group failed, the rest of its group, so that order
    /// holds; other groups go on.
    pub async fn deliver(&self, batch: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        let mut groups: Vec<Vec<SqsMessage>> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for message in batch.records {
            let group = group_of(&message).unwrap_or_else(|| format!("message {}", groups.len()));
            let at = *known.entry(group).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(message),
                None => groups.push(vec![message]),
            }
        }
        let failed = join_all(groups.iter().map(|group| self.group(group, deadline))).await;
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed.into_iter().flatten().map(failure).collect();
        response
    }

    /// Delivers the messages of one group in order; returns the ids of those that must
    /// come back.
    async fn group(&self, group: &[SqsMessage], deadline: Instant) -> Vec<String> {
        for (at, message) in group.iter().enumerate() {
            match self.message(message, deadline).await {
                Fate::Done => {}
                Fate::Later { after, reason } => {
                    let rest = &group[at..];
                    self.postpone(rest, after, &reason).await;
                    return rest
                        .iter()
                        .map(|it| it.message_id.clone().unwrap_or_default())
                        .collect();
                }
            }
        }
        Vec::new()
    }

    async fn message(&self, message: &SqsMessage, deadline: Instant) -> Fate {
        let body = message.body.as_deref().unwrap_or_default();
        let queued: Queued = match serde_json::from_str(body) {
            Ok(queued) => queued,
            Err(error) => {
                // The error's text may quote the body, which is not for our log.
                let what = "the queue's message is no Pagetrail event".to_owned();
                let reason = Reason { what, said: error.to_string() };
                return self.reject(message, None, &reason).await;
            }
        };
        if Instant::now() + ATTEMPT + RESERVE > deadline {
            return later("no time was left in this batch");
        }
        let key = match self.keys.key().await {
            Ok(key) => key,
            Err(error) => return later(error.to_string()),
        };
        match self.attempt(&queued, &key).await {
            Outcome::RefusedKey { reason } => {
                error!(why = reason.what, "PagerDuty refused the routing key; reading it again");
                match self.keys.instead_of(&key).await {
                    Err(error) => later(error.to_string()),
                    Ok(None) => Fate::Later { after: None, reason },
                    Ok(Some(key)) => {
                        let outcome = self.attempt(&queued, &key).await;
                        self.settle(message, &queued, outcome).await
                    }
                }
            }
            outcome => self.settle(message, &queued, outcome).await,
        }
    }

    async fn attempt(&self, queued: &Queued, key: &RoutingKey) -> Outcome {
        let mut outcome = outcome(&self.pagerduty.post(&queued.event, key).await);
        if let Outcome::Later { reason, .. }
        | Outcome::RefusedEvent { reason, .. }
        | Outcome::RefusedKey { reason } = &mut outcome
        {
            reason.said = key.hide_in(&reason.said);
        }
        outcome
    }

    async fn settle(&self, message: &SqsMessage, queued: &Queued, outcome: Outcome) -> Fate {
        match outcome {
            Outcome::Delivered => {
                info!(
                    dedup_key = %queued.event.dedup_key,
                    action = ?queued.event.event_action,
                    attempt = receive_count(message),
                    "delivered"
                );
                Fate::Done
            }
            Outcome::Later { after, reason } => Fate::Later { after, reason },
            Outcome::RefusedKey { reason } => Fate::Later { after: None, reason },
            Outcome::RefusedEvent { status, reason } => {
                self.reject(message, Some(status), &reason).await
            }
        }
    }

    /// Puts a message aside with the reason, for a person to look at.
    async fn reject(&self, message: &SqsMessage, status: Option<u16>, reason: &Reason) -> Fate {
        error!(dedup_key = dedup_key(message), status, why = reason.what, "rejected");
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
    async fn postpone(
        &self,
        messages: &[SqsMessage],
        after: Option<std::time::Duration>,
        reason: &Reason,
    ) {
        let Some(first) = messages.first() else { return };
        let attempt = receive_count(first);
        let delay = delay(attempt, after, fastrand::f64());
        warn!(
            dedup_key = dedup_key(first),
            why = reason.what,
            attempt,
            waiting = messages.len(),
            delay_seconds = delay.as_secs_f64(),
            "later"
        );
        for message in messages {
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            if let Err(error) = self.events.postpone(receipt, delay).await {
                // It then comes back after the queue's visibility time-out.
                let error: QueueError = error;
                warn!(%error, "the wait could not be set");
            }
        }
    }
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
