//! What PagerDuty's Events API accepts on each of its endpoints: a raw request
//! body becomes an event or the errors in PagerDuty's own words.
//!
//! [`check`] does it for a request to any of them:
//!
//! - [`v2()`], [`keyless`], [`change`]: alert and change events of Events API v2.
//! - [`v1()`]: Events API v1.
//! - [`vendor`]: what vendors' tools send to their integrations and to rulesets.
//!
//! Wording seen in answers and documents that were published, by PagerDuty or by
//! those who got them:
//! - v2: `'routing_key' cannot be blank`, its length and its alphabet, `… is missing
//!   or blank`, the severity list, the summary's length (with PagerDuty's spelling),
//!   `Invalid routing key`, `JSON parse error`; that a body too large is a 400 is
//!   PagerDuty's statement of 2018-06-08.
//! - Change events: the answer `Change event processed`, in the tests of PagerDuty's
//!   own client for Go, and that only summary and key are required.
//! - v1: the answer with its `incident_key`, `Service key is the wrong length (should
//!   be 32 characters)`, `unrecognized object` in lower case.
//!
//! All other sentences follow these patterns; v1's pattern is that of Ruby on Rails,
//! `Incident key can't be blank`. What integrations and rulesets answer is published
//! nowhere: theirs follows v2.

mod refusal;
mod rules;
mod v1;
mod v2;
mod vendor;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value};

pub use refusal::Refusal;
pub use v1::v1;
pub use v2::{change, keyless, v2};
pub use vendor::vendor;

pub use super::Endpoint;
use super::routing_key::RoutingKey;
use super::{Action, Severity};

/// An event that PagerDuty would accept, as posted but without its routing key.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub endpoint: Endpoint,
    /// None for change events and where a vendor's body does not tell.
    pub action: Option<Action>,
    /// `dedup_key` or `incident_key`; always there for acknowledge and resolve of
    /// [`Endpoint::V2`] and [`Endpoint::V1`].
    pub dedup_key: Option<String>,
    /// None where the event does not tell in PagerDuty's words.
    pub severity: Option<Severity>,
    /// The whole event, unknown fields too. A vendor's body is never changed: the rules
    /// of a ruleset may look at any field, a routing key among them.
    pub body: Map<String, Value>,
}

/// Checks a request to an endpoint: its body, and what stands in the path where the key does.
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
        Endpoint::Integration | Endpoint::Ruleset => {
            let key = key_in_path.unwrap_or_default();
            Ok((key.parse().map_err(Refusal::Invalid)?, vendor(endpoint, raw)?))
        }
    }
}

impl Posted {
    /// Gives a trigger of [`Endpoint::V2`] or [`Endpoint::V1`] that has no dedup key one
    /// that never repeats, in the body too. Returns the key now in force; none where the
    /// system has no randomness to give, and PagerDuty then makes one.
    pub fn ensure_dedup_key(&mut self) -> Option<&str> {
        let field = match self.endpoint {
            Endpoint::V2 => "dedup_key",
            Endpoint::V1 => "incident_key",
            Endpoint::Change | Endpoint::Integration | Endpoint::Ruleset => {
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

/// PagerDuty makes a UUID; here its 32 hex characters.
fn made_dedup_key() -> Option<String> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(random)))
}
