//! The Lambda stages: they only connect the parts.
//!
//! - [`enrich`]: turns alarms into events; reads logs, holds no key.
//! - [`deliver`]: sends queued events to PagerDuty; holds the key, reads no logs.
//! - [`gateway`]: queues events that come over HTTP. `function_url` translates between Lambda's
//!   payload and an HTTP request.

pub mod deliver;
pub mod enrich;
mod function_url;
pub mod gateway;

use std::time::Duration;

use lambda_runtime::Context;
use tokio::time::Instant;

/// The time when Lambda ends this invocation.
fn end_of(context: &Context) -> Instant {
    let left = context.deadline().duration_since(std::time::SystemTime::now());
    Instant::now() + left.unwrap_or(Duration::ZERO)
}
