//! Intake: checks an event from a request and queues it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::{error, info};

use super::access::{self, UnknownKeys};
use super::refused::Refused;
use super::{Shared, body, guard};
use crate::http::answer;
use crate::http::body::Sender;
use crate::pagerduty::accept::{self, Mended, Posted, Refusal};
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

/// The route of a request, and the place of its routing key.
pub(super) enum Entrance {
    /// With the text in the path at the place of the key, if it can be read.
    Endpoint(Endpoint, Option<String>),
    /// No key: the event goes through the default pool.
    Keyless,
    /// A form with Nagios' macros, which becomes an event of v1.
    Nagios,
    /// A path that is not known here. PagerDuty may know it, if a routing key is in it or in the body.
    Unknown,
}

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
    if matches!(entrance, Entrance::Keyless) {
        shared.admit(head).await?;
    }
    let trusted = shared.gateway.access.trusts(head);
    let is_known = |read: &[u8]| trusted || is_from_known_sender(shared, head, read);
    let address = access::peer(head).map(|peer| peer.ip());
    let sender = Sender { address, is_known: &is_known };
    let (raw, _share) = body::read(&head.headers, body, &sender).await?;
    let (entrance, route, raw) = entrance.read(head, raw)?;
    let Incoming { key, endpoint, outline, dedup_key, event } = {
        let _room = room_to_parse(raw.len()).await;
        Incoming::read(&entrance, head, raw)?
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
    outline: Outline,
    dedup_key: Option<String>,
    event: Box<RawValue>,
}

impl Incoming {
    fn read(entrance: &Entrance, head: &Parts, raw: Bytes) -> Result<Self, Refused> {
        let (key, mut posted) = check(entrance, head, &raw)?;
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
        Ok(Self { key, endpoint, outline, dedup_key, event })
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

/// Checks the event; one that PagerDuty would refuse is mended first if that is possible.
fn check(
    entrance: &Entrance,
    head: &Parts,
    raw: &[u8],
) -> Result<(Option<RoutingKey>, Posted), Refused> {
    let refused = match entrance.check(raw) {
        Err(
            refused @ (Refusal::Invalid(_) | Refusal::Unrecognized | Refusal::UnrecognizedByV1),
        ) => refused,
        checked => return checked.map_err(Refused::invalid),
    };
    let key = head.headers.get(accept::KEY_HEADER).and_then(|key| key.to_str().ok());
    let Some(Mended { body, changes }) = accept::mend(entrance.endpoint(), raw, key) else {
        return Err(Refused::invalid(refused));
    };
    let checked = entrance.check(&body).map_err(Refused::invalid)?;
    let dedup_key = checked.1.dedup_key.as_deref().unwrap_or_default();
    info!(dedup_key, changes = changes.join("; "), "an event was mended");
    Ok(checked)
}

impl Entrance {
    /// Finds the endpoint that an event is for: itself, the route of [`Endpoint::Other`], and the body that
    /// the endpoint reads.
    fn read(&self, head: &Parts, raw: Bytes) -> Result<(Self, Option<String>, Bytes), Refused> {
        match self {
            Self::Endpoint(endpoint, key) => {
                Ok((Self::Endpoint(*endpoint, key.clone()), None, raw))
            }
            Self::Keyless => Ok((Self::Keyless, None, raw)),
            Self::Nagios => {
                let raw = accept::nagios_form(&raw).map_or(raw, Bytes::from);
                Ok((Self::Endpoint(Endpoint::V1, None), None, raw))
            }
            Self::Unknown => {
                let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
                if let Some((route, key)) = Endpoint::key_in(path) {
                    let key = Some(key.expose().to_owned());
                    return Ok((Self::Endpoint(Endpoint::Other, key), Some(route), raw));
                }
                // Events of the usual form under another path.
                let event =
                    serde_json::from_slice::<Kind>(&raw).map_err(|_| Refused::NoSuchPath)?;
                let endpoint = match event {
                    Kind { routing_key: Some(_), event_action: Some(_), .. } => Endpoint::V2,
                    Kind { service_key: Some(_), event_type: Some(_), .. } => Endpoint::V1,
                    _ => return Err(Refused::NoSuchPath),
                };
                Ok((Self::Endpoint(endpoint, None), None, raw))
            }
        }
    }

    fn endpoint(&self) -> Endpoint {
        match self {
            Self::Endpoint(endpoint, _) => *endpoint,
            Self::Nagios => Endpoint::V1,
            Self::Keyless | Self::Unknown => Endpoint::V2,
        }
    }

    fn check(&self, raw: &[u8]) -> Result<(Option<RoutingKey>, Posted), Refusal> {
        match self {
            Self::Endpoint(endpoint, key) => accept::check(*endpoint, key.as_deref(), raw)
                .map(|(key, posted)| (Some(key), posted)),
            Self::Keyless => Ok((None, accept::keyless(raw)?)),
            Self::Nagios | Self::Unknown => Err(Refusal::Unrecognized),
        }
    }
}

/// The fields that say of which API an event is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    routing_key: Option<&'a RawValue>,
    #[serde(borrow)]
    event_action: Option<&'a RawValue>,
    #[serde(borrow)]
    service_key: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
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
