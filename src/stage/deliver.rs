//! The `deliver` stage: batches from `events.fifo` to PagerDuty. Holds the key, reads no logs.

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};

use super::end_of;
use crate::aws;
use crate::config::DeliverConfig;
use crate::delivery::{Keys, PagerDuty, Worker};
use crate::queue::sqs::SqsQueue;

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
    let worker = &worker;
    lambda_runtime::run(service_fn(async |batch: LambdaEvent<SqsEvent>| {
        let deadline = end_of(&batch.context);
        Ok::<SqsBatchResponse, Error>(worker.deliver(batch.payload, deadline).await)
    }))
    .await
}
