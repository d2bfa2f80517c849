//! `pagetrail rejected`: shows, resends or deletes what PagerDuty refused for good.

mod aws;
mod file;

use std::path::PathBuf;

use serde_json::Value;
use url::Url;

use super::CommandError;
use super::session::SessionArgs;
use crate::queue::Queued;
use crate::text::{clean, cut, one_line};

/// Work on the events that PagerDuty refused for good.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// URL of the rejected queue: the stack's output `RejectedQueueUrl`
    #[arg(long, global = true, env = "PAGETRAIL_REJECTED_QUEUE_URL", default_value = "")]
    queue: String,
    /// A server's queue instead: its file, `queue.db` in `data_dir`
    #[arg(long, global = true, value_name = "QUEUE.DB")]
    file: Option<PathBuf>,
    #[command(flatten)]
    session: SessionArgs,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// One line for each event: its id, when, the status, the title, PagerDuty's words
    List,
    /// Print a whole event
    Show {
        /// The event's id from the list, or its beginning
        id: String,
    },
    /// Put events back into the events queue, in their order; stop the server first
    Retry {
        #[command(flatten)]
        which: Which,
        /// URL of the events queue: the stack's output `EventsQueueUrl`
        #[arg(long, env = "PAGETRAIL_EVENTS_QUEUE_URL", default_value = "")]
        events_queue: String,
    },
    /// Delete events for good; stop the server first
    Discard {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(clap::Args, Debug)]
struct Which {
    /// Ids from the list, or their beginnings
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

/// A rejected event.
struct Rejected {
    id: String,
    /// What the list shows of the id.
    short: String,
    at: String,
    status: String,
    reason: String,
    body: String,
}

/// Where rejected events are kept.
trait Place {
    /// All of them, those of one group in their order.
    async fn list(&mut self) -> Result<Vec<Rejected>, CommandError>;
    /// Puts one event back into the queue for delivery.
    async fn retry(&mut self, id: &str) -> Result<(), CommandError>;
    /// Deletes one event.
    async fn discard(&mut self, id: &str) -> Result<(), CommandError>;
    /// Makes the remaining events visible to others again.
    async fn leave(self);
}

/// Runs the subcommand.
///
/// # Errors
/// Without credentials or permission, when the file is in use by a server that would have to
/// be stopped, and when no event has a given id.
pub fn run(args: &Args) -> Result<(), CommandError> {
    super::block_on(async {
        if let Some(path) = &args.file {
            let change = matches!(args.command, Command::Retry { .. } | Command::Discard { .. });
            return work(&args.command, file::QueueFile::open(path, change)?).await;
        }
        let rejected =
            queue_url("--queue", &args.queue, "RejectedQueueUrl, or --file, a server's queue")?;
        let events = match &args.command {
            Command::Retry { events_queue, .. } => {
                Some(queue_url("--events-queue", events_queue, "EventsQueueUrl")?)
            }
            _ => None,
        };
        work(&args.command, aws::Stack::open(&args.session, rejected, events).await?).await
    })?
}

/// The URL as it was given, if it is one.
fn queue_url<'a>(flag: &str, given: &'a str, output: &str) -> Result<&'a str, CommandError> {
    if given.is_empty() {
        return Err(CommandError::wrong(format!("{flag} is needed: the stack's output {output}")));
    }
    if Url::parse(given).is_ok_and(|url| matches!(url.scheme(), "https" | "http")) {
        return Ok(given);
    }
    let what = "must be the URL of an SQS queue, the stack's output";
    Err(CommandError::wrong(format!("{flag} {what} {output}")))
}

async fn work(command: &Command, mut place: impl Place) -> Result<(), CommandError> {
    let done = run_on(command, &mut place).await;
    // Whatever happened.
    place.leave().await;
    done
}

async fn run_on(command: &Command, place: &mut impl Place) -> Result<(), CommandError> {
    let events = place.list().await?;
    match command {
        Command::List => {
            for event in &events {
                println!("{}", line(event));
            }
            eprintln!("{} rejected", events.len());
        }
        Command::Show { id } => {
            for event in chosen(&events, std::slice::from_ref(id))? {
                show(event)?;
            }
        }
        Command::Retry { which, .. } => {
            each(&which.of(&events)?, "sent again", async |id| place.retry(id).await).await?;
        }
        Command::Discard { which } => {
            each(&which.of(&events)?, "discarded", async |id| place.discard(id).await).await?;
        }
    }
    Ok(())
}

/// Does something with each event. If it fails for one, the others are still handled.
async fn each(
    events: &[&Rejected],
    done: &str,
    mut act: impl AsyncFnMut(&str) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut left = 0;
    for event in events {
        match act(&event.id).await {
            Ok(()) => println!("{} {done}", event.id),
            Err(error) => {
                eprintln!("pagetrail: {error}");
                left += 1;
            }
        }
    }
    if left == 0 { Ok(()) } else { Err(format!("rejected events left as they are: {left}").into()) }
}

impl Which {
    fn of<'e>(&self, events: &'e [Rejected]) -> Result<Vec<&'e Rejected>, CommandError> {
        if self.all { Ok(events.iter().collect()) } else { chosen(events, &self.ids) }
    }
}

/// The events with these ids, in the place's order.
fn chosen<'e>(events: &'e [Rejected], ids: &[String]) -> Result<Vec<&'e Rejected>, CommandError> {
    let mut wanted = Vec::new();
    for id in ids {
        // A short id is the beginning of a long one; of a number each digit counts.
        let means = |event: &&Rejected| {
            event.id == *id || (event.short != event.id && event.id.starts_with(id.as_str()))
        };
        match events.iter().filter(means).collect::<Vec<_>>()[..] {
            [event] => wanted.push(&event.id),
            [] => {
                return Err(
                    format!("no rejected event has the id {id:?}; 'list' shows them").into()
                );
            }
            _ => return Err(format!("several rejected events have ids that begin {id:?}").into()),
        }
    }
    Ok(events.iter().filter(|event| wanted.contains(&&event.id)).collect())
}

fn show(event: &Rejected) -> Result<(), CommandError> {
    println!("id           {}", event.id);
    for (name, value) in
        [("rejected_at", &event.at), ("status", &event.status), ("reason", &event.reason)]
    {
        println!("{name:<12} {}", one_line(value));
    }
    match serde_json::from_str::<Value>(&event.body) {
        Ok(body) => println!("\n{}", serde_json::to_string_pretty(&body)?),
        Err(_) => println!("\n{}", clean(&event.body)),
    }
    Ok(())
}

/// One line of the list.
fn line(event: &Rejected) -> String {
    let title = match serde_json::from_str::<Queued>(&event.body) {
        Ok(queued) => queued.outline().title(),
        Err(_) => "not a Pagetrail event".to_owned(),
    };
    format!(
        "{}  {}  {}  {} · {}",
        event.short,
        one_line(&event.at),
        one_line(&event.status),
        cut(&one_line(&title), 100),
        cut(&one_line(&event.reason), 120),
    )
}
