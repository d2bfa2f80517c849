//! The `gateway` stage as built, against stand-ins for all it talks to.

mod access;
mod events;
mod faults;
mod start;

use crate::support::aws::{Aws, ROUTING_KEY};
use crate::support::function_url::{Request, Response};
use crate::support::lambda::Lambda;
use serde_json::{Value, json};

/// The stage with an AWS of its own.
struct Gateway {
    aws: Aws,
    lambda: Lambda,
}

impl Gateway {
    async fn start() -> Self {
        let aws = Aws::start().await;
        let lambda = aws.gateway().start().await;
        Self { aws, lambda }
    }

    /// What a client gets for its request.
    async fn ask(&self, request: &Request) -> Response {
        Response::of(&self.lambda.invoke(&request.event()).await.response())
    }

    async fn post(&self, path: &str, event: &Value) -> Response {
        self.ask(&Request::post(path, event)).await
    }
}

/// A trigger without a routing key.
fn trigger(dedup_key: &str) -> Value {
    json!({
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {"summary": "disk 98 %", "source": "db-1", "severity": "critical"},
    })
}

/// The event with a routing key that is known.
fn keyed(mut event: Value) -> Value {
    event["routing_key"] = ROUTING_KEY.into();
    event
}
