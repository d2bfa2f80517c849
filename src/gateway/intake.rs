//! Intake: checks an event from a request and queues it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::{error, info};

use super::access::{self, UnknownKeys};
use super::entrance::{Entrance, Place};
use super::refused::Refused;
use super::{Shared, body, guard};
use crate::http::answer;
use crate::http::body::Sender;
use crate::pagerduty::accept::{self, Posted};
use crate::pagerduty::routing_key::{ROUTING_KEY_LENGTH, RoutingKey};
use crate::pagerduty::{BODY_LIMIT, Endpoint};
use crate::queue::{Deduplication, Outbox, Outgoing, Outline, QueueError, Queued};
use crate::routing::KeyError;
use crate::routing::{Fingerprint, Target};
use crate::telemetry::Signal;

/// Time limit for the queue to confirm an event.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// The size of the routing key in the event for PagerDuty: `"routing_key":"…",`.
const KEY_FIELD: usize = 49;

/// An event that was queued.
struct Accepted {
    endpoint: Endpoint,
    dedup_key: Option<String>,
}

/// Queues an event, and answers as PagerDuty would.
pub(super) async fn take<Q: Outbox>(
    shared: &Shared<Q>,
    entrance: Entrance,
    request: Request,
) -> Response {
    let (head, mut body) = request.into_parts();
    let taken = guard::caught(queue(shared, &entrance, &head, &mut body)).await;
    match taken.unwrap_or(Err(Refused::Panicked)) {
        Ok(Accepted { endpoint, dedup_key }) => {
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
) -> Result<Accepted, Refused> {
    if matches!(entrance, Entrance::Known(Place::Keyless)) {
        shared.admit(head).await?;
    }
    let trusted = shared.gateway.access.trusts(head);
    let is_known = |read: &[u8]| trusted || is_from_known_sender(shared, head, read);
    let address = access::peer(head).map(|peer| peer.ip());
    let sender = Sender { address, is_known: &is_known };
    let (raw, _share) = body::read(&head.headers, body, &sender).await?;
    let Incoming { key, endpoint, route, outline, dedup_key, event } = {
        let _room = room_to_parse(raw.len()).await;
        Incoming::read(entrance, head, raw)?
    };
    let destination = match key {
        Some(key) => {
            let target = destination(shared, head, endpoint, key).await;
            // A key that is not known here does not make the path known.
            target.map_err(|refused| match (endpoint, refused) {
                (Endpoint::Other, Refused::Invalid(_)) => Refused::NoSuchPath,
                (_, refused) => refused,
            })?
        }
        None => default_pool(shared).await?,
    };
    let Destination { target, key, pool } = destination;
    let queued = Queued { target, endpoint, route, event };
    // Every message is unique: PagerDuty, too, accepts an event as often as it is sent.
    let outgoing = queued.outgoing(&outline, pool.as_ref(), Deduplication::Unique);
    let outgoing = outgoing.map_err(|_| Refused::NotQueued)?;
    drop(queued);
    send(shared, Outgoing { key, ..outgoing }).await?;
    Ok(Accepted { endpoint, dedup_key })
}

/// An event that was read, as text: its values take up to fifty times the memory of the body, so none is
/// kept while others are waited for.
struct Incoming {
    key: Option<RoutingKey>,
    endpoint: Endpoint,
    /// That of [`Endpoint::Other`].
    route: Option<String>,
    outline: Outline,
    dedup_key: Option<String>,
    event: Box<RawValue>,
}

impl Incoming {
    fn read(entrance: &Entrance, head: &Parts, raw: Bytes) -> Result<Self, Refused> {
        let (place, route, raw) = entrance.place(head, raw)?;
        let (key, mut posted) = place.read(head, &raw)?;
        drop(raw);
        posted.ensure_dedup_key();
        let outline = Outline::from(&posted);
        let Posted { endpoint, dedup_key, body, .. } = posted;
        // Without a dedup key it cannot be delivered in order; the system had no random numbers.
        if dedup_key.is_none() && matches!(endpoint, Endpoint::V2 | Endpoint::V1) {
            return Err(Refused::NotQueued);
        }
        let event = to_raw_value(&body).map_err(|_| Refused::NotQueued)?;
        // Added fields count too.
        if event.get().len() + KEY_FIELD > BODY_LIMIT {
            return Err(Refused::TooLarge);
        }
        Ok(Self { key, endpoint, route, outline, dedup_key, event })
    }
}

/// The memory for the values of bodies, in bytes of the bodies: two of the largest at once, or hundreds
/// of the usual ones.
static PARSED: Semaphore = Semaphore::const_new(2 * BODY_LIMIT);

/// Whether a known routing key is in the path, in the header for it, or in the beginning of the body. Only
/// what is in memory is looked at.
fn is_from_known_sender<Q: Outbox>(shared: &Shared<Q>, head: &Parts, read: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let header = head.headers.get(accept::KEY_HEADER).map(HeaderValue::as_bytes);
    let places = [head.uri.path().as_bytes(), header.unwrap_or_default(), read];
    let words = places.iter().flat_map(|place| place.split(|byte| !is_word(byte)));
    let keys = words.filter(|word| word.len() == ROUTING_KEY_LENGTH);
    let keys = keys.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok());
    // A body can name many: only the first ones are compared.
    keys.take(8).any(|key: RoutingKey| shared.gateway.keys.is_known_now(&key))
}

/// Room to read a body of this length; waits until others have been read, which takes milliseconds.
async fn room_to_parse(length: usize) -> Option<SemaphorePermit<'static>> {
    let bytes = u32::try_from(length.min(BODY_LIMIT)).unwrap_or_default();
    PARSED.acquire_many(bytes).await.ok()
}

/// Where an event goes.
struct Destination {
    target: Target,
    /// The key itself, if the queue has to hold it.
    key: Option<RoutingKey>,
    /// The pool that the target's key is in.
    pool: Option<Target>,
}

/// Where an event with this key goes.
async fn destination<Q: Outbox>(
    shared: &Shared<Q>,
    head: &Parts,
    endpoint: Endpoint,
    key: RoutingKey,
) -> Result<Destination, Refused> {
    let (keys, access) = (&shared.gateway.keys, &shared.gateway.access);
    let target = Target::Key(Fingerprint::of(&key));
    let to = |key: Option<RoutingKey>, pool| Ok(Destination { target: target.clone(), key, pool });
    if let Ok(Some(pool)) = keys.pool_of(&key).await {
        return to(None, Some(pool));
    }
    let holds = access.unknown_keys == UnknownKeys::Held;
    if holds && access.trusts(head) {
        // Before the event is queued: it may be delivered before the queue confirms it.
        keys.learn(key.clone());
        return to(Some(key), None);
    }
    let known = match keys.knows(&key).await {
        // It may have been added to a pool since the last read.
        Ok(true) => keys.pool_of(&key).await.map(Some),
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    shared.tell_of_keys(known.as_ref().err());
    match known {
        Ok(Some(Some(pool))) => to(None, Some(pool)),
        Ok(Some(None)) if holds => to(Some(key), None),
        Ok(_) => Err(Refused::invalid(endpoint.unknown_key())),
        Err(_) => Err(Refused::KeysUnreadable),
    }
}

async fn default_pool<Q: Outbox>(shared: &Shared<Q>) -> Result<Destination, Refused> {
    let has_pools = shared.gateway.keys.has_pools().await;
    shared.tell_of_keys(has_pools.as_ref().err());
    match has_pools {
        Ok(true) => Ok(Destination { target: Target::default_pool(), key: None, pool: None }),
        // Not the sender's mistake: the sender should keep the event until this is fixed.
        Ok(false) => Err(Refused::NoDefaultPool),
        Err(_) => Err(Refused::KeysUnreadable),
    }
}

/// Queues the event. An event that was not confirmed in time may be queued anyway. Its sender sends
/// it again, and PagerDuty joins the two by their dedup key. Twice is better than never.
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
        // The event is at fault, not the queue.
        Err(QueueError::TooLarge) => Err(Refused::TooLargeForQueue),
        Err(problem) => {
            if shared.queue_fails.set(true) {
                error!(%problem, "events cannot be queued; their senders get a 503");
            }
            Err(Refused::NotQueued)
        }
    }
}

impl<Q> Shared<Q> {
    fn tell_of_keys(&self, problem: Option<&KeyError>) {
        match problem {
            Some(problem) if self.keys_fail.set(true) => {
                error!(%problem, "unknown routing keys cannot be checked; their senders get a 503");
            }
            None if self.keys_fail.set(false) => info!("the routing keys can be read again"),
            _ => {}
        }
    }
}
