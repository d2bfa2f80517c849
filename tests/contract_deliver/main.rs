//! The `deliver` stage as built, against stand-ins for all it talks to.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod backoff;
mod refused;
mod routing_key;
mod start;

use serde_json::Value;

use support::aws::{Aws, REJECTED_QUEUE};
use support::lambda::Lambda;
use support::pagerduty::PagerDuty;
use support::queue_items::{batch, failures};

/// The stage with an AWS and a PagerDuty of its own.
struct Delivery {
    aws: Aws,
    pagerduty: PagerDuty,
    deliver: Lambda,
}

impl Delivery {
    async fn start() -> Self {
        let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
        let deliver = aws.deliver(&pagerduty.url()).start().await;
        Self { aws, pagerduty, deliver }
    }

    /// Hands over these messages as one batch; returns the ids that came back.
    async fn hand_over(&self, messages: &[Value]) -> Vec<String> {
        self.invoke(&batch(messages)).await
    }

    async fn invoke(&self, event: &Value) -> Vec<String> {
        failures(&self.deliver.invoke(event).await.response())
    }

    #[track_caller]
    fn assert_nothing_rejected(&self) {
        let rejected = self.aws.sent(REJECTED_QUEUE);
        assert!(rejected.is_empty(), "{rejected:#?}");
    }
}
