//! The Lambda stages: they only connect the parts.

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
