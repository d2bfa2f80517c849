//! Delivery: gets events accepted by PagerDuty.
//!
//! The [`Worker`] takes a batch from the queue and posts each group in its [`order`], with the keys and
//! the pace of `routing`; `backoff` says how long an event that failed waits. `health_check` checks once
//! a day that a page would still arrive.

mod backoff;
mod health_check;
pub mod order;
mod worker;

pub use backoff::delay;
pub(crate) use health_check::NEVER;
pub use health_check::{HealthCheck, check_key};
pub use worker::Worker;
