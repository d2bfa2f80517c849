//! What PagerDuty's Events API accepts on each endpoint. A raw request body becomes an event, or
//! the errors in PagerDuty's own words.
//!
//! [`check`] does this for a request to any endpoint:
//!
//! - [`v2()`], [`keyless`], [`change`]: alert and change events of Events API v2.
//! - [`v1()`]: Events API v1.
//! - [`vendor`]: what vendors' tools send to their integrations and to rulesets.
//!
//! [`nagios_form`] reads the form that PagerDuty's script for Nagios posts, as an event of v1.
//!
//! [`mend`] makes an event acceptable where it is clear what was meant. The gateway does so, the
//! sandbox does not: it is as strict as PagerDuty is known to be.
//!
//! The wording comes from answers and documents published by PagerDuty or its users:
//! - v2: `'routing_key' cannot be blank`, its length and its alphabet, `… is missing
//!   or blank`, the severity list, the summary's length (with PagerDuty's spelling),
//!   `Invalid routing key`, `JSON parse error`. PagerDuty stated on 2018-06-08 that a body that
//!   is too large gets a 400.
//! - Change events: the answer `Change event processed`, in the tests of PagerDuty's
//!   own client for Go, and that only summary and key are required.
//! - v1: the answer with its `incident_key`, `Service key is the wrong length (should
//!   be 32 characters)`, `unrecognized object` in lower case.
//!
//! All other sentences follow these patterns; v1's pattern is that of Ruby on Rails, `Incident key
//! can't be blank`. The answers of integrations and rulesets are not published; ours follow v2.

mod mend;
mod nagios;
mod refusal;
pub(super) mod rules;
mod v1;
mod v2;
mod vendor;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value};

pub use mend::{KEY_HEADER, Mended, mend, with_key};
pub use nagios::{Object, nagios_action, nagios_event, nagios_form};
pub use refusal::Refusal;
pub use v1::v1;
pub use v2::{change, keyless, v2};
pub use vendor::vendor;

pub use super::Endpoint;
use super::routing_key::RoutingKey;
use super::{Action, Severity};

/// An event that PagerDuty would accept, as posted, without its routing key.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub endpoint: Endpoint,
    /// `None` for change events, and if a vendor's body does not say.
    pub action: Option<Action>,
    /// `dedup_key` or `incident_key`; always set for acknowledge and resolve of [`Endpoint::V2`]
    /// and [`Endpoint::V1`].
    pub dedup_key: Option<String>,
    /// `None` if the event does not say in PagerDuty's words.
    pub severity: Option<Severity>,
    /// The whole event, including unknown fields. A vendor's body is never changed: the rules of a
    /// ruleset can use any field, even a routing key.
    pub body: Map<String, Value>,
}

/// Checks a request to an endpoint: its body, and the routing key in the path if that endpoint has
/// one.
///
/// # Errors
/// What PagerDuty would answer.
pub fn check(
    endpoint: Endpoint,
    key_in_path: Option<&str>,
    raw: &[u8],
) -> Result<(RoutingKey, Posted), Refusal> {
    match endpoint {
        Endpoint::V2 => v2(raw),
        Endpoint::Change => change(raw),
        Endpoint::V1 => v1(raw),
        Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {
            let key = key_in_path.unwrap_or_default();
            Ok((key.parse().map_err(Refusal::Invalid)?, vendor(endpoint, raw)?))
        }
    }
}

impl Posted {
    /// Gives a trigger of [`Endpoint::V2`] or [`Endpoint::V1`] without a dedup key a unique one, in
    /// the body too. Returns the key. `None` if the system has no random numbers; PagerDuty then
    /// makes a key.
    pub fn ensure_dedup_key(&mut self) -> Option<&str> {
        let field = match self.endpoint {
            Endpoint::V2 => "dedup_key",
            Endpoint::V1 => "incident_key",
            Endpoint::Change | Endpoint::Integration | Endpoint::Ruleset | Endpoint::Other => {
                return self.dedup_key.as_deref();
            }
        };
        if self.dedup_key.is_none()
            && self.action == Some(Action::Trigger)
            && let Some(key) = made_dedup_key()
        {
            self.body.insert(field.to_owned(), key.as_str().into());
            self.dedup_key = Some(key);
        }
        self.dedup_key.as_deref()
    }
}

/// PagerDuty makes a UUID; this makes 32 hex characters.
fn made_dedup_key() -> Option<String> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(random)))
}
