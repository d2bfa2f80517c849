//! `pd-queue`: the command of PagerDuty's agent that shows its queue and retries what was refused, over the
//! queue of `pagetrail serve`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::CommandError;
use super::send::{parsed, refused};
use crate::config::data_directory;
use crate::pagerduty::routing_key::RoutingKey;
use crate::queue::Queued;
use crate::queue::sqlite::RejectedEvents;
use crate::routing::{Fingerprint, Target};

const NAME: &str = "pd-queue";

/// Works on the queue of `pagetrail serve`.
#[derive(clap::Args)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// The queue's file; by default `queue.db` in the server's data directory
    #[arg(long, global = true, value_name = "QUEUE.DB")]
    file: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print how many events wait, and how many were refused for good
    Status {
        /// Only events for this routing key
        #[arg(short = 'k', long, value_parser = key)]
        service_key: Option<RoutingKey>,
    },
    /// Send refused events again; stop the server first
    Retry {
        /// Events for this routing key
        #[arg(short = 'k', long, value_parser = key, required_unless_present = "all_keys", conflicts_with = "all_keys")]
        service_key: Option<RoutingKey>,
        /// Events for all routing keys
        #[arg(short = 'a', long)]
        all_keys: bool,
    },
}

/// Does the work of `pd-queue` if the program was called by that name.
pub(super) fn by_name(arguments: &[OsString]) -> Option<ExitCode> {
    let called = Path::new(arguments.first()?).file_name()?;
    if called != NAME {
        return None;
    }
    let args = match parsed::<Args>(NAME, arguments.iter().cloned()) {
        Ok(args) => args,
        Err(error) => return Some(refused(&error, "pd-queue: ")),
    };
    Some(match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            error.code()
        }
    })
}

fn run(args: &Args) -> Result<(), CommandError> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let path = args.file.clone().unwrap_or_else(|| data_directory(variable).join("queue.db"));
    match &args.command {
        Command::Status { service_key } => status(&path, service_key.as_ref()),
        Command::Retry { service_key, .. } => retry(&path, service_key.as_ref()),
    }
}

/// The agent's table. Delivered events are not kept, so their number is not known.
fn status(path: &Path, key: Option<&RoutingKey>) -> Result<(), CommandError> {
    let queue = RejectedEvents::look(path)?;
    let mut rows: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (target, waiting, rejected) in queue.counts()? {
        if is_for(&target, key) && waiting + rejected > 0 {
            let name = match &target {
                Target::Pool(name) => name.clone(),
                Target::Key(key) => key.masked(),
            };
            rows.insert(name, (waiting, rejected));
        }
    }
    if rows.is_empty() {
        println!("Nothing to report.");
        return Ok(());
    }
    println!("{:<35}{:>10}{:>10}{:>10}", "Service Key", "Pending", "Success", "In Error");
    println!("{}", "=".repeat(65));
    for (target, (waiting, rejected)) in rows {
        println!("{target:<35}{waiting:>10}{:>10}{rejected:>10}", "-");
    }
    Ok(())
}

fn retry(path: &Path, key: Option<&RoutingKey>) -> Result<(), CommandError> {
    let mut queue = RejectedEvents::own(path)?;
    let mut count = 0;
    for event in queue.list()? {
        let queued: Option<Queued> = serde_json::from_str(&event.body).ok();
        let wanted = match (&queued, key) {
            (Some(queued), key) => is_for(&queued.target, key),
            (None, key) => key.is_none(),
        };
        if wanted && queue.retry(event.id)? {
            count += 1;
        }
    }
    println!("{count} event(s) set up for retry.");
    Ok(())
}

fn key(given: &str) -> Result<RoutingKey, String> {
    given.trim().parse().map_err(|errors: Vec<String>| errors.join("; "))
}

fn is_for(target: &Target, key: Option<&RoutingKey>) -> bool {
    key.is_none_or(|key| *target == Target::Key(Fingerprint::of(key)))
}
