//! The `deliver` stage: sends batches from `events.fifo` to PagerDuty. Holds the key, reads no
//! logs.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use url::Url;

use super::end_of;
use crate::aws::Arn;
use crate::compose::Paging;
use crate::delivery::{HealthCheck, Worker};
use crate::enrich::unenriched;
use crate::http::tls;
use crate::pagerduty::PagerDuty;
use crate::queue::sqs::{LambdaBatch, SqsOutbox, SqsQueue};
use crate::queue::{Message, QueueError};
use crate::routing::pace::Pace;
use crate::routing::{KeySource, Keys};

/// The key in the daily rule's message, which comes instead of a batch. Its value is ignored: if
/// only a stack's code was updated, the rule still sends the value of an earlier version.
const HEALTH_CHECK: &str = "pagetrail";

/// Time that is left of an invocation to answer Lambda.
const RESERVE: Duration = Duration::from_secs(3);

/// What the `deliver` stage needs.
#[derive(Debug, Clone)]
pub struct Settings {
    pub events_queue_url: String,
    pub rejected_queue_url: String,
    pub pagerduty_url: Url,
    pub routing_key_secret: String,
    pub pace: Pace,
    /// The subscription between the topic and enrich, which the health check reads.
    pub subscription: Option<String>,
    /// For the events of alarms that enrich could not handle.
    pub paging: Paging,
}

/// Handles invocations until Lambda ends the process.
///
/// # Errors
/// When the HTTP client cannot be built or the Runtime API cannot be reached.
pub async fn run(sdk: &SdkConfig, config: Settings) -> Result<(), Error> {
    let events = SqsQueue::new(sdk, config.events_queue_url);
    let worker = Worker {
        pagerduty: PagerDuty::new(config.pagerduty_url, tls::bundled_config())?,
        keys: Arc::new(Keys::new(KeySource::secret(sdk, config.routing_key_secret), config.pace)),
        queue: LambdaBatch::new(events.clone(), SqsQueue::new(sdk, config.rejected_queue_url)),
        // Lambda ends the process between two batches.
        stop: watch::channel(false).1,
    };
    let unenriched = Unenriched { paging: config.paging, outbox: SqsOutbox::new(events) };
    let health_check = HealthCheck::new(sdk, config.subscription);
    let (worker, unenriched, health_check) = (&worker, &unenriched, &health_check);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload.get(HEALTH_CHECK).is_some() {
            let account = account_of(&event.context);
            health_check.run(&worker.keys, &worker.pagerduty, account).await;
            return Ok::<_, Error>(SqsBatchResponse::default());
        }
        let deadline = end_of(&event.context);
        let batch: SqsEvent = serde_json::from_value(event.payload)?;
        let batch = batch.records.into_iter().map(message).collect();
        let (events, mut failed) = unenriched.queue(batch, deadline - RESERVE).await;
        failed.extend(worker.deliver(events, deadline).await);
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed.into_iter().map(failure).collect();
        Ok(response)
    }))
    .await
}

/// Separates the messages that enrich could not handle from a batch.
struct Unenriched {
    paging: Paging,
    outbox: SqsOutbox,
}

impl Unenriched {
    /// Queues them as events. Returns the other messages, and the ids of those that come back.
    async fn queue(&self, batch: Vec<Message>, end: Instant) -> (Vec<Message>, Vec<String>) {
        let (mut others, mut ours) = (Vec::new(), Vec::new());
        for message in batch {
            // Their queue is not a FIFO queue, unlike the events queue, so its messages have no
            // group.
            let without_group = message.group.is_none();
            let read = || unenriched::read(&message.body, &self.paging);
            match without_group.then(read).flatten() {
                Some(events) => ours.push((message.id, events)),
                None => others.push(message),
            }
        }
        let queued = ours.into_iter().map(|(id, events)| async move {
            let queued = timeout_at(end, unenriched::queue(&events, &self.outbox)).await;
            let in_time = |_| QueueError::Failed("the queue did not answer in time".to_owned());
            let error = queued.map_err(in_time).flatten().err()?;
            warn!(
                %error,
                "alarms that enrich could not handle were not queued; they are tried again"
            );
            Some(id)
        });
        (others, join_all(queued).await.into_iter().flatten().collect())
    }
}

/// The account that this function belongs to.
fn account_of(context: &Context) -> &str {
    Arn::parse(&context.invoked_function_arn).map_or("", |arn| arn.account)
}

fn message(mut message: SqsMessage) -> Message {
    let attempts = message.attributes.get("ApproximateReceiveCount");
    Message {
        attempts: attempts.and_then(|count| count.parse().ok()).unwrap_or(1),
        group: message.attributes.remove("MessageGroupId"),
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}
