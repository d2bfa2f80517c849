//! SQS FIFO queues.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};

use super::Queued;
use crate::event::sha256_hex;

/// A call to SQS that hangs is made again rather than waited for.
const ATTEMPT: Duration = Duration::from_secs(4);
const ATTEMPTS: u32 = 4;

/// One FIFO queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

/// A message to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub body: String,
    pub group: String,
    /// A second message with the same id within five minutes is accepted and dropped.
    pub deduplication_id: String,
    /// Names and values; a value must not be empty.
    pub attributes: Vec<(&'static str, String)>,
}

/// Why SQS did not take a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("the message is larger than the queue takes")]
    TooLarge,
    #[error("{0}")]
    Failed(String),
}

impl SqsQueue {
    /// A queue by its URL. Connects lazily.
    #[must_use]
    pub fn new(config: &SdkConfig, url: String) -> Self {
        let config = Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .build();
        Self { client: Client::from_conf(config), url }
    }

    /// Queues a message durably.
    ///
    /// # Errors
    /// When SQS did not confirm it; it may have been queued all the same.
    pub async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        let mut call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(message.body)
            .message_group_id(message.group)
            .message_deduplication_id(message.deduplication_id);
        for (name, value) in message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value = value.build().map_err(|error| QueueError::Failed(error.to_string()))?;
            call = call.message_attributes(name, value);
        }
        call.send().await.map(drop).map_err(|error| queue_error(&error))
    }

    /// Queues an event for delivery, in its group.
    ///
    /// # Errors
    /// When SQS did not confirm it; it may have been queued all the same.
    pub async fn send_event(
        &self,
        queued: &Queued,
        deduplication_id: String,
    ) -> Result<(), QueueError> {
        let body =
            serde_json::to_string(queued).map_err(|error| QueueError::Failed(error.to_string()))?;
        let group = queued.group();
        // The same change may go to several targets.
        let deduplication_id = sha256_hex(&[&queued.target, &deduplication_id]);
        self.send(Outgoing { body, group, deduplication_id, attributes: Vec::new() }).await
    }

    /// Takes up to ten messages, which stay hidden from others for a while.
    ///
    /// # Errors
    /// When SQS refused or could not be reached.
    pub async fn receive(&self, hidden: Duration) -> Result<Vec<Message>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(43_200))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
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

    /// Makes a received message come back after a delay, in whole seconds, rounded up.
    ///
    /// # Errors
    /// When SQS refused; the message then comes back after its visibility time-out.
    pub async fn postpone(&self, receipt: &str, delay: Duration) -> Result<(), QueueError> {
        // SQS takes at most 12 hours.
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

fn queue_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> QueueError {
    let SdkError::ServiceError(refusal) = error else {
        let why = match error {
            SdkError::TimeoutError(_) => "SQS did not answer in time",
            SdkError::DispatchFailure(_) => "no connection to SQS",
            SdkError::ResponseError(_) => "SQS gave an answer that could not be read",
            _ => "the request to SQS could not be made",
        };
        return QueueError::Failed(why.to_owned());
    };
    let code = refusal.err().code().unwrap_or("no error code");
    let words = refusal.err().message().unwrap_or_default();
    // SQS names the limit in "One or more parameters are invalid. Reason: Message must
    // be shorter than … bytes."
    if words.contains("must be shorter than") || code.contains("BatchRequestTooLong") {
        return QueueError::TooLarge;
    }
    QueueError::Failed(format!("SQS answered {code}: {}", crate::text::cut(words, 300)))
}
