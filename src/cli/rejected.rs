//! `pagetrail rejected`: look at what PagerDuty refused for good, send it again, or drop it.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use chrono::Utc;
use serde_json::Value;

use super::CommandError;
use super::session::{self, SessionArgs};
use crate::event::sha256_hex;
use crate::queue::Queued;
use crate::queue::sqs::SqsQueue;
use crate::text::{clean, cut, one_line};

/// How long the messages are hidden from others while they are worked on.
const HIDDEN: Duration = Duration::from_mins(2);
/// Messages taken at most: SQS lets a FIFO queue have 20 000 in flight.
const MOST: usize = 1_000;

/// Work on the queue of events that PagerDuty refused for good.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// URL of the rejected queue: the stack's output `RejectedQueueUrl`
    #[arg(long, global = true, env = "PAGETRAIL_REJECTED_QUEUE_URL", default_value = "")]
    queue: String,
    #[command(flatten)]
    session: SessionArgs,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// One line for each event: its id, when, the status, the title, PagerDuty's words
    List,
    /// Print an event whole
    Show {
        /// The event's id from the list, or its beginning
        id: String,
    },
    /// Put events back into the events queue, in their order
    Retry {
        /// Ids from the list, or their beginnings
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// URL of the events queue: the stack's output `EventsQueueUrl`
        #[arg(long, env = "PAGETRAIL_EVENTS_QUEUE_URL")]
        events_queue: String,
    },
    /// Delete events for good
    Discard {
        /// Ids from the list, or their beginnings
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
}

/// Runs the subcommand.
///
/// # Errors
/// Without credentials or permission, and when no event has a given id.
pub fn run(args: &Args) -> Result<(), CommandError> {
    if args.queue.is_empty() {
        return Err("--queue is needed: the stack's output RejectedQueueUrl".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work(args))
}

async fn work(args: &Args) -> Result<(), CommandError> {
    let sdk = session::open(&args.session).await?;
    let queue = SqsQueue::new(&sdk, args.queue.clone());
    let messages = take_all(&queue).await?;
    let done = match &args.command {
        Command::List => {
            for message in &messages {
                println!("{}", line(message));
            }
            eprintln!("{} rejected", messages.len());
            Ok(Vec::new())
        }
        Command::Show { id } => show(&messages, id).map(|()| Vec::new()),
        Command::Retry { ids, all, events_queue } => {
            let events = SqsQueue::new(&sdk, events_queue.clone());
            match chosen(&messages, ids, *all) {
                Ok(chosen) => retry(&queue, &events, &chosen).await,
                Err(error) => Err(error),
            }
        }
        Command::Discard { ids, all } => match chosen(&messages, ids, *all) {
            Ok(chosen) => discard(&queue, &chosen).await,
            Err(error) => Err(error),
        },
    };
    // What stays is shown to others again, whatever happened.
    let gone = done.as_deref().unwrap_or_default();
    for message in messages.iter().filter(|message| !gone.iter().any(|id| *id == id_of(message))) {
        let _ = queue.postpone(message.receipt_handle().unwrap_or_default(), Duration::ZERO).await;
    }
    done.map(drop)
}

/// Takes messages until no more come; those of one group come in their order.
async fn take_all(queue: &SqsQueue) -> Result<Vec<Message>, CommandError> {
    let mut messages = Vec::new();
    while messages.len() < MOST {
        let more = queue
            .receive(HIDDEN, Duration::ZERO)
            .await
            .map_err(|error| format!("the rejected queue could not be read: {error}"))?;
        if more.is_empty() {
            break;
        }
        messages.extend(more);
    }
    Ok(messages)
}

/// The messages with these ids, in the queue's order.
fn chosen<'m>(
    messages: &'m [Message],
    ids: &[String],
    all: bool,
) -> Result<Vec<&'m Message>, CommandError> {
    for id in ids {
        match messages.iter().filter(|message| id_of(message).starts_with(id.as_str())).count() {
            1 => {}
            0 => {
                return Err(
                    format!("no rejected event has the id {id:?}; 'list' shows them").into()
                );
            }
            _ => return Err(format!("several rejected events have ids that begin {id:?}").into()),
        }
    }
    let wanted =
        |message: &&Message| all || ids.iter().any(|id| id_of(message).starts_with(id.as_str()));
    Ok(messages.iter().filter(wanted).collect())
}

async fn retry(
    queue: &SqsQueue,
    events: &SqsQueue,
    chosen: &[&Message],
) -> Result<Vec<String>, CommandError> {
    let mut gone = Vec::new();
    for message in chosen {
        let body = message.body().unwrap_or_default();
        let id = id_of(message);
        let group = attribute(message, &MessageSystemAttributeName::MessageGroupId);
        let group = group.unwrap_or_else(|| sha256_hex(&[body]));
        // Another than the first time, or the queue would drop it.
        let once = sha256_hex(&["retry", &id, &Utc::now().timestamp().to_string()]);
        events.send(body.to_owned(), group, once, Vec::new()).await.map_err(|error| {
            format!("{id} was not sent, and stays in the rejected queue: {error}")
        })?;
        delete(queue, message).await?;
        println!("{id} sent again");
        gone.push(id);
    }
    Ok(gone)
}

async fn discard(queue: &SqsQueue, chosen: &[&Message]) -> Result<Vec<String>, CommandError> {
    let mut gone = Vec::new();
    for message in chosen {
        delete(queue, message).await?;
        println!("{} discarded", id_of(message));
        gone.push(id_of(message));
    }
    Ok(gone)
}

async fn delete(queue: &SqsQueue, message: &Message) -> Result<(), CommandError> {
    let receipt = message.receipt_handle().unwrap_or_default();
    queue.delete(receipt).await.map_err(|error| {
        format!("{} could not be deleted from the rejected queue: {error}", id_of(message)).into()
    })
}

fn show(messages: &[Message], id: &str) -> Result<(), CommandError> {
    for message in chosen(messages, &[id.to_owned()], false)? {
        println!("id           {}", id_of(message));
        for name in ["rejected_at", "status", "reason"] {
            println!("{name:<12} {}", said(message, name));
        }
        let body = message.body().unwrap_or_default();
        match serde_json::from_str::<Value>(body) {
            Ok(body) => println!("\n{}", serde_json::to_string_pretty(&body)?),
            Err(_) => println!("\n{}", clean(body)),
        }
    }
    Ok(())
}

/// One line of the list.
fn line(message: &Message) -> String {
    let queued = serde_json::from_str::<Queued>(message.body().unwrap_or_default());
    let title = match &queued {
        Ok(queued) => queued.outline().title(),
        Err(_) => "no Pagetrail event".to_owned(),
    };
    format!(
        "{:.8}  {}  {}  {} · {}",
        id_of(message),
        said(message, "rejected_at"),
        said(message, "status"),
        cut(&one_line(&title), 100),
        cut(&said(message, "reason"), 120),
    )
}

fn id_of(message: &Message) -> String {
    message.message_id().unwrap_or_default().to_owned()
}

/// An attribute that deliver wrote beside the event.
fn said(message: &Message, name: &str) -> String {
    let attributes = message.message_attributes();
    let value = attributes.and_then(|attributes| attributes.get(name)?.string_value());
    one_line(value.unwrap_or("-"))
}

fn attribute(message: &Message, name: &MessageSystemAttributeName) -> Option<String> {
    message.attributes()?.get(name).cloned()
}
