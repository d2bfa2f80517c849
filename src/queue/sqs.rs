//! SQS FIFO queues.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    Message as Received, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::warn;

use super::{Inbox, Message, Outbox, Outgoing, QueueError, QueueState, Rejection, Settle, Wait};
use crate::aws::no_answer;
use crate::hash::sha256_hex;
use crate::lock::lock;
use crate::text::{cut, one_line};

/// A call to SQS without an answer is repeated after this time.
const ATTEMPT: Duration = Duration::from_secs(4);
const ATTEMPTS: u32 = 4;
/// For this time after a failed send, the queue does not count as ready. Then the next send is
/// tried.
const FAILED_LATELY: Duration = Duration::from_secs(30);
/// Time limit for setting the wait of messages that come back.
const POSTPONE: Duration = Duration::from_secs(3);
/// The longest that SQS lets a receiver wait for messages.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long received messages are hidden: the same as the queue's visibility time-out in the
/// template.
const HIDDEN: Duration = Duration::from_mins(3);
/// Longest reason stored with a rejected event, in characters.
const REASON_LIMIT: usize = 1_000;

/// One FIFO queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// A queue by its URL. Connects at the first call.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(attempt(ATTEMPT))
            .build();
        Self { client: Client::from_conf(config), url }
    }

    /// Queues a message durably. Attributes have a name and a value each; a value must not be
    /// empty.
    ///
    /// # Errors
    /// When SQS did not confirm it; the message may be queued anyway.
    pub async fn send(
        &self,
        body: String,
        group: String,
        deduplication_id: String,
        attributes: Vec<(&'static str, String)>,
    ) -> Result<(), QueueError> {
        let mut call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .message_group_id(group)
            .message_deduplication_id(deduplication_id);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value = value.build().map_err(|error| QueueError::Failed(error.to_string()))?;
            call = call.message_attributes(name, value);
        }
        call.send().await.map(drop).map_err(|error| queue_error(&error))
    }

    /// Receives up to ten messages, which stay hidden from others for a while. Waits up to `wait`
    /// for the first one, in whole seconds, 20 at most.
    ///
    /// # Errors
    /// When SQS refused or could not be reached.
    pub async fn receive(
        &self,
        hidden: Duration,
        wait: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(43_200))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(20))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .customize()
            .config_override(Builder::new().timeout_config(attempt(ATTEMPT + wait)))
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Deletes a received message.
    ///
    /// # Errors
    /// When SQS did not confirm it; the message then comes back.
    pub async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let call = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        call.send().await.map(drop).map_err(|error| queue_error(&error))
    }

    /// About how many messages the queue holds, including those being delivered.
    ///
    /// # Errors
    /// When SQS refused or could not be reached.
    pub async fn messages(&self) -> Result<u64, QueueError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        let count = |name| answer.attributes()?.get(&name)?.parse::<u64>().ok();
        Ok(names.into_iter().filter_map(count).sum())
    }

    /// Makes a received message come back after a delay, in whole seconds, rounded up.
    ///
    /// # Errors
    /// When SQS refused; the message then comes back after its visibility time-out.
    pub async fn postpone(&self, receipt: &str, delay: Duration) -> Result<(), QueueError> {
        // SQS allows at most 12 hours.
        let seconds = delay.as_millis().div_ceil(1_000).min(43_200);
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(43_200))
            .send()
            .await
            .map(drop)
            .map_err(|error| queue_error(&error))
    }
}

/// The events queue, for sending.
#[derive(Debug, Clone)]
pub struct SqsOutbox {
    events: SqsQueue,
    /// The last send, if it failed. Reading the attributes can work while sending fails.
    failed: Arc<Mutex<Option<(Instant, QueueError)>>>,
}

/// The events queue, for receiving, and the rejected queue.
#[derive(Debug, Clone)]
pub struct SqsInbox {
    events: SqsQueue,
    rejected: SqsQueue,
}

/// The batch that Lambda's event source mapping received from the events queue. The mapping deletes
/// delivered and rejected messages, depending on the function's response.
#[derive(Debug, Clone)]
pub struct LambdaBatch {
    events: SqsQueue,
    rejected: SqsQueue,
}

impl SqsOutbox {
    #[must_use]
    pub fn new(events: SqsQueue) -> Self {
        Self { events, failed: Arc::default() }
    }
}

impl SqsInbox {
    #[must_use]
    pub fn new(events: SqsQueue, rejected: SqsQueue) -> Self {
        Self { events, rejected }
    }
}

impl LambdaBatch {
    #[must_use]
    pub fn new(events: SqsQueue, rejected: SqsQueue) -> Self {
        Self { events, rejected }
    }
}

impl Outbox for SqsOutbox {
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        let Outgoing { body, group, deduplication, key, .. } = message;
        if key.is_some() {
            let why = "a routing key that is in no pool cannot go through SQS";
            return Err(QueueError::Failed(why.to_owned()));
        }
        let sent = self.events.send(body, group, deduplication.id(), Vec::new()).await;
        let mut failed = lock(&self.failed);
        match &sent {
            Ok(()) => *failed = None,
            // The message is at fault, not the queue.
            Err(QueueError::TooLarge) => {}
            Err(error) => *failed = Some((Instant::now(), error.clone())),
        }
        sent
    }

    async fn state(&self) -> QueueState {
        let messages = self.events.messages().await;
        let failed = lock(&self.failed).clone();
        let lately = failed.filter(|(at, _)| at.elapsed() < FAILED_LATELY);
        QueueState {
            messages: messages.as_ref().ok().copied(),
            ready: messages.and_then(|_| lately.map_or(Ok(()), |(_, error)| Err(error))),
            by_target: BTreeMap::new(),
            oldest: None,
            rejected: None,
        }
    }
}

impl Inbox for SqsInbox {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        let received = self.events.receive(HIDDEN, LONG_POLL).await?;
        Ok(received.into_iter().map(message).collect())
    }
}

impl Settle for SqsInbox {
    async fn done(&self, message: &Message) -> Result<(), QueueError> {
        self.events.delete(&message.receipt).await
    }

    async fn postpone(&self, messages: &[Message], wait: Wait) {
        postpone(&self.events, messages, &wait).await;
    }

    async fn reject(&self, message: &Message, rejection: Rejection) -> Result<(), QueueError> {
        send_rejected(&self.rejected, message, rejection).await?;
        self.done(message).await
    }
}

impl Settle for LambdaBatch {
    async fn done(&self, _: &Message) -> Result<(), QueueError> {
        Ok(())
    }

    async fn postpone(&self, messages: &[Message], wait: Wait) {
        // A message without a group is from another queue, which brings it back by itself.
        let own: Vec<Message> = messages.iter().filter(|it| it.group.is_some()).cloned().collect();
        postpone(&self.events, &own, &wait).await;
    }

    async fn reject(&self, message: &Message, rejection: Rejection) -> Result<(), QueueError> {
        send_rejected(&self.rejected, message, rejection).await
    }
}

/// Makes messages of the events queue come back after the wait.
async fn postpone(events: &SqsQueue, messages: &[Message], wait: &Wait) {
    let calls = messages.iter().map(|message| events.postpone(&message.receipt, wait.duration()));
    // Without this they come back after the queue's visibility time-out. The function's response
    // matters more and must not wait for a call that hangs.
    let Ok(calls) = timeout(POSTPONE, join_all(calls)).await else {
        warn!("setting the wait took too long");
        return;
    };
    for error in calls.into_iter().filter_map(Result::err) {
        warn!(%error, "the wait could not be set");
    }
}

/// Sends a message to the rejected queue, with the reason.
async fn send_rejected(
    rejected: &SqsQueue,
    message: &Message,
    rejection: Rejection,
) -> Result<(), QueueError> {
    let Rejection { status, reason, at } = rejection;
    let body = &message.body;
    let group = message.group.clone().unwrap_or_else(|| sha256_hex(&[body]));
    let attributes = vec![
        ("status", status.map_or_else(|| "none".to_owned(), |it| it.to_string())),
        ("reason", cut(&one_line(&reason), REASON_LIMIT)),
        ("rejected_at", at),
    ];
    // SQS rejects an empty body.
    let kept = if body.is_empty() { "(empty)".to_owned() } else { body.clone() };
    rejected.send(kept, group, sha256_hex(&[&message.id, body]), attributes).await
}

fn attempt(longest: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(longest).build()
}

fn message(received: Received) -> Message {
    let attribute = |name| received.attributes()?.get(&name).cloned();
    let attempts = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    Message {
        group: attribute(MessageSystemAttributeName::MessageGroupId),
        attempts: attempts.and_then(|count| count.parse().ok()).unwrap_or(1),
        id: received.message_id.unwrap_or_default(),
        receipt: received.receipt_handle.unwrap_or_default(),
        body: received.body.unwrap_or_default(),
    }
}

fn queue_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> QueueError {
    let SdkError::ServiceError(refusal) = error else {
        return QueueError::Failed(format!("SQS: {}", no_answer(error)));
    };
    let code = refusal.err().code().unwrap_or("no error code");
    let words = refusal.err().message().unwrap_or_default();
    // SQS names the limit in "One or more parameters are invalid. Reason: Message must
    // be shorter than … bytes."
    if words.contains("must be shorter than") || code.contains("BatchRequestTooLong") {
        return QueueError::TooLarge;
    }
    QueueError::Failed(format!("SQS answered {code}: {}", cut(words, 300)))
}
