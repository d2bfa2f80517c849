//! The `deliver` stage: batches from `events.fifo` to PagerDuty. Holds the key, reads no logs.

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use super::end_of;
use crate::aws;
use crate::config::DeliverConfig;
use crate::delivery::{Canary, Keys, PagerDuty, Worker};
use crate::queue::sqs::SqsQueue;

/// What the daily rule sends, `{"pagetrail": "canary"}`, in place of a batch.
const CANARY: &str = "canary";

/// Answers invocations until Lambda ends the process.
///
/// # Errors
/// When the configuration is faulty or the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig) -> Result<(), Error> {
    let config = DeliverConfig::read(|name| std::env::var(name).ok())?;
    let worker = Worker {
        pagerduty: PagerDuty::new(config.pagerduty_url, aws::tls_config())?,
        keys: Keys::new(sdk, config.routing_key_secret, config.pace),
        events: SqsQueue::new(sdk, config.events_queue_url),
        rejected: SqsQueue::new(sdk, config.rejected_queue_url),
        paging: config.paging,
    };
    let canary = Canary::new(sdk, config.subscription);
    let (worker, canary) = (&worker, &canary);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload["pagetrail"] == CANARY {
            canary.look(&worker.keys, &worker.pagerduty).await;
            return Ok::<_, Error>(SqsBatchResponse::default());
        }
        let deadline = end_of(&event.context);
        let batch = serde_json::from_value(event.payload)?;
        Ok(worker.deliver(batch, deadline).await)
    }))
    .await
}
