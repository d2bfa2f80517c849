//! The entrance of a request: its route says for which endpoint its event is, and that is how the event is read.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::info;

use super::refused::Refused;
use crate::pagerduty::Endpoint;
use crate::pagerduty::accept::{self, Mended, Posted, Refusal};
use crate::pagerduty::routing_key::RoutingKey;

/// The route of a request.
pub(super) enum Entrance {
    Known(Place),
    /// A form with Nagios' macros, which becomes an event of v1.
    Nagios,
    /// A path that is not known here. PagerDuty may know it, if a routing key is in it or in the body.
    Unknown,
}

/// The endpoint, and the place of the routing key.
#[derive(Clone)]
pub(super) enum Place {
    /// With the text in the path at the place of the key, if it can be read.
    Endpoint(Endpoint, Option<String>),
    /// No key: the event goes through the default pool.
    Keyless,
}

impl Entrance {
    /// What a body that came in here is for, the route of [`Endpoint::Other`], and the body that the endpoint
    /// reads.
    pub(super) fn place(
        &self,
        head: &Parts,
        raw: Bytes,
    ) -> Result<(Place, Option<String>, Bytes), Refused> {
        match self {
            Self::Known(place) => Ok((place.clone(), None, raw)),
            Self::Nagios => {
                let raw = accept::nagios_form(&raw).map_or(raw, Bytes::from);
                Ok((Place::Endpoint(Endpoint::V1, None), None, raw))
            }
            Self::Unknown => {
                let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
                if let Some((route, key)) = Endpoint::key_in(path) {
                    let key = Some(key.expose().to_owned());
                    return Ok((Place::Endpoint(Endpoint::Other, key), Some(route), raw));
                }
                // Events of the usual form under another path.
                let event =
                    serde_json::from_slice::<Kind>(&raw).map_err(|_| Refused::NoSuchPath)?;
                let endpoint = match event {
                    Kind { routing_key: Some(_), event_action: Some(_), .. } => Endpoint::V2,
                    Kind { service_key: Some(_), event_type: Some(_), .. } => Endpoint::V1,
                    _ => return Err(Refused::NoSuchPath),
                };
                Ok((Place::Endpoint(endpoint, None), None, raw))
            }
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

impl Place {
    /// Checks the event; one that PagerDuty would refuse is mended first if that is possible.
    pub(super) fn read(
        &self,
        head: &Parts,
        raw: &[u8],
    ) -> Result<(Option<RoutingKey>, Posted), Refused> {
        let refused = match self.check(raw) {
            Err(
                refused @ (Refusal::Invalid(_) | Refusal::Unrecognized | Refusal::UnrecognizedByV1),
            ) => refused,
            checked => return checked.map_err(Refused::invalid),
        };
        let key = head.headers.get(accept::KEY_HEADER).and_then(|key| key.to_str().ok());
        let Some(Mended { body, changes }) = accept::mend(self.endpoint(), raw, key) else {
            return Err(Refused::invalid(refused));
        };
        let checked = self.check(&body).map_err(Refused::invalid)?;
        let dedup_key = checked.1.dedup_key.as_deref().unwrap_or_default();
        info!(dedup_key, changes = changes.join("; "), "an event was mended");
        Ok(checked)
    }

    fn endpoint(&self) -> Endpoint {
        match self {
            Self::Endpoint(endpoint, _) => *endpoint,
            Self::Keyless => Endpoint::V2,
        }
    }

    fn check(&self, raw: &[u8]) -> Result<(Option<RoutingKey>, Posted), Refusal> {
        match self {
            Self::Endpoint(endpoint, key) => accept::check(*endpoint, key.as_deref(), raw)
                .map(|(key, posted)| (Some(key), posted)),
            Self::Keyless => Ok((None, accept::keyless(raw)?)),
        }
    }
}
