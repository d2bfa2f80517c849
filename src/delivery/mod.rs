//! Delivery: getting an event accepted by PagerDuty.

mod backoff;
mod canary;
mod key_source;
mod keys;
pub mod order;
mod outcome;
pub mod pace;
mod pagerduty;
pub mod pools;
mod unenriched;
mod worker;

pub use backoff::delay;
pub use canary::Canary;
pub(crate) use canary::NEVER;
pub use key_source::{KeyError, KeySource, secret_client, secret_text};
pub use keys::{KeyHealth, Keys};
pub use outcome::{Answer, Outcome, Reason, outcome};
pub use pagerduty::PagerDuty;
pub use worker::Worker;
