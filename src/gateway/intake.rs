//! An event on its way from a request into the queue.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::value::to_raw_value;
use tokio::time::timeout;
use tracing::{error, info};

use super::access::UnknownKeys;
use super::refused::Refused;
use super::{Shared, body, guard};
use crate::http::answer;
use crate::pagerduty::accept::{self, Posted};
use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{BODY_LIMIT, Endpoint};
use crate::queue::{Deduplication, Outbox, Outgoing, Outline, QueueError, Queued};
use crate::routing::KeyError;
use crate::routing::{Fingerprint, Target};
use crate::telemetry::Signal;

/// How long the queue may take to confirm an event.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// What the routing key takes in the event that PagerDuty is sent: `"routing_key":"…",`.
const KEY_FIELD: usize = 49;

/// Where a request came in, and where its routing key is.
pub(super) enum Entrance {
    /// With what stands in the path where the key does, if it is there.
    Endpoint(Endpoint, Option<String>),
    /// There is none: the event goes through the default pool.
    Keyless,
}

/// An event that was queued.
struct Taken {
    endpoint: Endpoint,
    dedup_key: Option<String>,
}

/// Takes an event in, and answers as PagerDuty would.
pub(super) async fn take<Q: Outbox>(
    shared: &Shared<Q>,
    entrance: Entrance,
    request: Request,
) -> Response {
    let (head, mut body) = request.into_parts();
    let taken = guard::caught(queue(shared, &entrance, &head, &mut body)).await;
    match taken.unwrap_or(Err(Refused::Panicked)) {
        Ok(Taken { endpoint, dedup_key }) => {
            let dedup_key = dedup_key.as_deref();
            let told = dedup_key.unwrap_or_default();
            let signal = Signal::Accepted { dedup_key: told, endpoint: endpoint.name() };
            signal.tell_to(&shared.gateway.tally);
            let (status, words) = endpoint.answer(dedup_key);
            answer::json(StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED), &words)
        }
        Err(refused) => guard::refuse_with(shared, &refused, &head, body).await,
    }
}

async fn queue<Q: Outbox>(
    shared: &Shared<Q>,
    entrance: &Entrance,
    head: &Parts,
    body: &mut Body,
) -> Result<Taken, Refused> {
    if matches!(entrance, Entrance::Keyless) {
        shared.admit(head).await?;
    }
    let (raw, _share) = body::read(&head.headers, body).await?;
    let (key, mut posted) = check(entrance, &raw)?;
    drop(raw);
    let (target, key) = match key {
        Some(key) => target(shared, head, posted.endpoint, key).await?,
        None => default_pool(shared).await?,
    };
    posted.ensure_dedup_key();
    let outline = Outline::from(&posted);
    let Posted { endpoint, dedup_key, body, .. } = posted;
    // Without one it is no event that could be delivered in order; there was no randomness.
    if dedup_key.is_none() && matches!(endpoint, Endpoint::V2 | Endpoint::V1) {
        return Err(Refused::NotQueued);
    }
    let event = to_raw_value(&body).map_err(|_| Refused::NotQueued)?;
    drop(body);
    // What was added on the way counts too.
    if event.get().len() + KEY_FIELD > BODY_LIMIT {
        return Err(Refused::TooLarge);
    }
    let outgoing = outgoing(&Queued { target, endpoint, event }, &outline)?;
    send(shared, Outgoing { key, ..outgoing }).await?;
    Ok(Taken { endpoint, dedup_key })
}

fn check(entrance: &Entrance, raw: &[u8]) -> Result<(Option<RoutingKey>, Posted), Refused> {
    match entrance {
        Entrance::Endpoint(endpoint, key) => {
            let checked = accept::check(*endpoint, key.as_deref(), raw);
            checked.map(|(key, posted)| (Some(key), posted)).map_err(Refused::invalid)
        }
        Entrance::Keyless => Ok((None, accept::keyless(raw).map_err(Refused::invalid)?)),
    }
}

/// Where an event with this key goes, and the key itself where the queue has to hold it.
async fn target<Q: Outbox>(
    shared: &Shared<Q>,
    head: &Parts,
    endpoint: Endpoint,
    key: RoutingKey,
) -> Result<(Target, Option<RoutingKey>), Refused> {
    let (keys, access) = (&shared.gateway.keys, &shared.gateway.access);
    let target = Target::Key(Fingerprint::of(&key));
    if matches!(keys.is_pooled(&key).await, Ok(true)) {
        return Ok((target, None));
    }
    let holds = access.unknown_keys == UnknownKeys::Held;
    if holds && access.trusts(head) {
        // Before the event is queued: it may be delivered before the queue's answer is here.
        keys.learn(key.clone());
        return Ok((target, Some(key)));
    }
    let known = match keys.knows(&key).await {
        // It may have come into a pool by now.
        Ok(true) => keys.is_pooled(&key).await.map(Some),
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    shared.tell_of_keys(known.as_ref().err());
    match known {
        Ok(Some(true)) => Ok((target, None)),
        Ok(Some(false)) if holds => Ok((target, Some(key))),
        Ok(_) => Err(Refused::invalid(endpoint.unknown_key())),
        Err(_) => Err(Refused::KeysUnreadable),
    }
}

async fn default_pool<Q: Outbox>(
    shared: &Shared<Q>,
) -> Result<(Target, Option<RoutingKey>), Refused> {
    let has_pools = shared.gateway.keys.has_pools().await;
    shared.tell_of_keys(has_pools.as_ref().err());
    match has_pools {
        Ok(true) => Ok((Target::default_pool(), None)),
        // No mistake of the sender's, who should keep the event until it is mended.
        Ok(false) => Err(Refused::NoDefaultPool),
        Err(_) => Err(Refused::KeysUnreadable),
    }
}

/// The message for the queue. No two are the same: PagerDuty, too, takes an event as often
/// as it is sent.
fn outgoing(queued: &Queued, outline: &Outline) -> Result<Outgoing, Refused> {
    queued.outgoing(outline, Deduplication::Unique).map_err(|_| Refused::NotQueued)
}

/// Queues the event. One that was not confirmed in time may be queued all the same; its
/// sender sends it again, and by its dedup key PagerDuty joins the two. Twice is better than
/// not at all.
async fn send<Q: Outbox>(shared: &Shared<Q>, outgoing: Outgoing) -> Result<(), Refused> {
    let sent = timeout(CONFIRMATION, shared.gateway.queue.send(outgoing)).await;
    let sent = sent.unwrap_or_else(|_| {
        Err(QueueError::Failed(format!("no answer within {} s", CONFIRMATION.as_secs())))
    });
    match sent {
        Ok(()) => {
            if shared.queue_fails.set(false) {
                info!("events are queued again");
            }
            Ok(())
        }
        // The event's fault, not the queue's.
        Err(QueueError::TooLarge) => Err(Refused::TooLargeForQueue),
        Err(problem) => {
            if shared.queue_fails.set(true) {
                error!(%problem, "events cannot be queued; their senders are answered 503");
            }
            Err(Refused::NotQueued)
        }
    }
}

impl<Q> Shared<Q> {
    fn tell_of_keys(&self, problem: Option<&KeyError>) {
        match problem {
            Some(problem) if self.keys_fail.set(true) => {
                error!(%problem, "unknown routing keys cannot be checked; their senders are answered 503");
            }
            None if self.keys_fail.set(false) => info!("the routing keys can be read again"),
            _ => {}
        }
    }
}
