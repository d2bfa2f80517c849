//! PagerDuty: its events, its endpoints, its answers, and the client.
//!
//! - `event`: the event's types and limits; [`plainer()`] makes the event to try after a refusal.
//! - [`routing_key`]: the key that says which integration an event is for.
//! - `endpoint`, [`accept`]: the endpoints' paths and answers, and what each accepts.
//! - `client`, `outcome`: posting an event, and what the answer means for it.

pub mod accept;
mod client;
mod endpoint;
mod event;
mod outcome;
mod plain;
pub mod routing_key;

pub use client::{ATTEMPT, PAGERDUTY_URL, PagerDuty};
pub use endpoint::Endpoint;
pub use event::{
    Action, BODY_LIMIT, DEDUP_KEY_LIMIT, DedupKey, Event, Link, Payload, SENDABLE_LIMIT,
    SUMMARY_LIMIT, Severity,
};
pub use outcome::{Answer, Outcome, Reason, outcome};
pub use plain::{Plain, plainer};
