//! Delivery: gets events accepted by PagerDuty.

mod backoff;
mod health_check;
pub mod order;
mod worker;

pub use backoff::delay;
pub(crate) use health_check::NEVER;
pub use health_check::{HealthCheck, check_key};
pub use worker::Worker;
