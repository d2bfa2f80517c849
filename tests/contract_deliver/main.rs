//! The `deliver` stage as built, against stand-ins for all it talks to.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod backoff;
mod crash;
mod health_check;
mod later;
mod pace;
mod plainer;
mod pools;
mod refused;
mod routing_key;
mod start;
mod telemetry;
mod unenriched;

use serde_json::Value;

use support::aws::{Aws, Call, REJECTED_QUEUE};
use support::lambda::{Lambda, Stage};
use support::pagerduty::PagerDuty;
use support::queue_items::{batch, failures};

fn paced(stage: Stage, per_minute: &str, workers: &str) -> Stage {
    stage.variable("PAGETRAIL_RATE_PER_MINUTE", per_minute).variable("PAGETRAIL_WORKERS", workers)
}

/// The stage with an AWS and a PagerDuty of its own.
struct Delivery {
    aws: Aws,
    pagerduty: PagerDuty,
    deliver: Lambda,
}

impl Delivery {
    /// At a pace that no test's events reach.
    async fn start() -> Self {
        Self::at_pace("60000", "1").await
    }

    async fn at_pace(per_minute: &str, workers: &str) -> Self {
        let (aws, pagerduty) = (Aws::start().await, PagerDuty::start().await);
        let deliver = paced(aws.deliver(&pagerduty.url()), per_minute, workers).start().await;
        Self { aws, pagerduty, deliver }
    }

    /// Hands over these messages as one batch; returns the ids that came back.
    async fn hand_over(&self, messages: &[Value]) -> Vec<String> {
        self.invoke(&batch(messages)).await
    }

    async fn invoke(&self, event: &Value) -> Vec<String> {
        failures(&self.deliver.invoke(event).await.response())
    }

    /// The visibility given to each receipt, in seconds, in the order of the calls.
    fn waits(&self) -> Vec<(String, i64)> {
        let calls = self.aws.calls("ChangeMessageVisibility");
        let wait = |call: &Call| {
            let seconds = call.body["VisibilityTimeout"].as_i64().unwrap();
            (call.body["ReceiptHandle"].as_str().unwrap().to_owned(), seconds)
        };
        calls.iter().map(wait).collect()
    }

    /// Ends the function and returns the log lines it wrote.
    async fn log(self) -> Vec<Value> {
        let output = self.deliver.output().await;
        output.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[track_caller]
    fn assert_nothing_rejected(&self) {
        let rejected = self.aws.sent(REJECTED_QUEUE);
        assert!(rejected.is_empty(), "{rejected:#?}");
    }
}
