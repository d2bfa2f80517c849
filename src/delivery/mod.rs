//! Delivery: getting an event accepted by PagerDuty.

mod backoff;
mod canary;
pub mod order;
mod worker;

pub use backoff::delay;
pub use canary::Canary;
pub(crate) use canary::NEVER;
pub use worker::Worker;
