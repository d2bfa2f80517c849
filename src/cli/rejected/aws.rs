//! Rejected events in the stack's queue.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use chrono::Utc;

use super::{Place, Rejected};
use crate::cli::CommandError;
use crate::cli::session::{self, SessionArgs};
use crate::hash::sha256_hex;
use crate::queue::sqs::SqsQueue;

/// How long the messages are hidden from others while they are worked on.
const HIDDEN: Duration = Duration::from_mins(2);
/// The most messages that are taken: SQS allows 20 000 in flight for a FIFO queue.
const MOST: usize = 1_000;

pub(super) struct Stack {
    rejected: SqsQueue,
    events: Option<SqsQueue>,
    /// Messages that were taken and not deleted.
    messages: Vec<Message>,
}

impl Stack {
    pub(super) async fn open(
        args: &SessionArgs,
        rejected: &str,
        events: Option<&str>,
    ) -> Result<Self, CommandError> {
        let sdk = session::open(args, None).await?;
        let queue = |url: &str| SqsQueue::new(&sdk, url.to_owned());
        Ok(Self { rejected: queue(rejected), events: events.map(queue), messages: Vec::new() })
    }

    async fn delete(&mut self, id: &str) -> Result<(), CommandError> {
        let Some(at) = self.messages.iter().position(|message| id_of(message) == id) else {
            return Ok(());
        };
        let receipt = self.messages[at].receipt_handle().unwrap_or_default();
        self.rejected.delete(receipt).await.map_err(|error| {
            format!("{id} could not be deleted from the rejected queue: {error}")
        })?;
        self.messages.remove(at);
        Ok(())
    }
}

impl Place for Stack {
    /// Takes messages until no more come; those of one group come in their order.
    async fn list(&mut self) -> Result<Vec<Rejected>, CommandError> {
        while self.messages.len() < MOST {
            let more = self
                .rejected
                .receive(HIDDEN, Duration::ZERO)
                .await
                .map_err(|error| format!("the rejected queue could not be read: {error}"))?;
            if more.is_empty() {
                break;
            }
            self.messages.extend(more);
        }
        Ok(self.messages.iter().map(rejected).collect())
    }

    async fn retry(&mut self, id: &str) -> Result<(), CommandError> {
        let events = self.events.as_ref().ok_or("--events-queue is needed")?;
        if let Some(message) = self.messages.iter().find(|message| id_of(message) == id) {
            let body = message.body().unwrap_or_default();
            let name = MessageSystemAttributeName::MessageGroupId;
            let group = message.attributes().and_then(|it| it.get(&name)).cloned();
            let group = group.unwrap_or_else(|| sha256_hex(&[body]));
            // A new id: with the id of the first time, the queue would drop the event.
            let once = sha256_hex(&["retry", id, &Utc::now().timestamp().to_string()]);
            events.send(body.to_owned(), group, once, Vec::new()).await.map_err(|error| {
                format!("{id} was not sent, and stays in the rejected queue: {error}")
            })?;
        }
        self.delete(id).await
    }

    async fn discard(&mut self, id: &str) -> Result<(), CommandError> {
        self.delete(id).await
    }

    async fn leave(self) {
        for message in &self.messages {
            let receipt = message.receipt_handle().unwrap_or_default();
            let _ = self.rejected.postpone(receipt, Duration::ZERO).await;
        }
    }
}

fn rejected(message: &Message) -> Rejected {
    // The attributes that deliver wrote with the event.
    let said = |name: &str| {
        let value = message.message_attributes().and_then(|all| all.get(name)?.string_value());
        value.unwrap_or("-").to_owned()
    };
    Rejected {
        id: id_of(message).to_owned(),
        short: id_of(message).chars().take(8).collect(),
        at: said("rejected_at"),
        status: said("status"),
        reason: said("reason"),
        body: message.body().unwrap_or_default().to_owned(),
    }
}

fn id_of(message: &Message) -> &str {
    message.message_id().unwrap_or_default()
}
