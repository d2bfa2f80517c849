//! The `enrich` stage: turns alarms from SNS into events in `events.fifo`. Reads logs, holds no
//! key.

use aws_config::SdkConfig;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use super::end_of;
use crate::aws::Arn;
use crate::context::memory::Pages;
use crate::enrich::{self, Enrich};
use crate::queue::sqs::{SqsOutbox, SqsQueue};

/// What the `enrich` stage needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub events_queue_url: String,
    /// The log group that the function writes to, which remembers its pages.
    pub own_log_group: Option<String>,
    pub enrich: enrich::Settings,
}

/// Handles invocations until Lambda ends the process.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig, config: Settings) -> Result<(), Error> {
    let events = SqsQueue::new(sdk, config.events_queue_url);
    let queue = SqsOutbox::new(events);
    let pages = config.own_log_group.map_or(Pages::None, Pages::OwnLog);
    let enrich = Enrich::new(config.enrich, sdk, queue, pages);
    let enrich = &enrich;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let arn = Arn::parse(&event.context.invoked_function_arn);
        let account = arn.map(|arn| arn.account).unwrap_or_default();
        // If this fails, Lambda invokes the function again.
        enrich.handle(&event.payload, account, end_of(&event.context)).await.map_err(Error::from)
    }))
    .await
}
