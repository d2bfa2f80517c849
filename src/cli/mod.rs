//! The `pagetrail` command line: one file per subcommand.
//!
//! `session` opens the user's own AWS session, `named` finds an alarm by name or ARN, `timed` lists
//! the calls to AWS that `preview` prints, `progress` counts on a terminal. `error` says which faults
//! are wrong arguments (exit code 2) and which are failures (1).

pub mod coverage;
pub mod digest;
mod error;
pub mod link;
mod named;
mod pd_queue;
pub mod preview;
mod progress;
pub mod rejected;
pub mod sandbox;
pub mod send;
pub mod serve;
mod session;
mod timed;

use std::future::Future;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CommandError;

const AFTER: &str = "Exit codes: 0 done; 1 failed; 2 wrong arguments, files or variables.";

/// CloudWatch alarms as PagerDuty incidents that carry their evidence.
#[derive(Parser, Debug)]
#[command(name = "pagetrail", version, about, after_help = AFTER)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Coverage(coverage::Args),
    Digest(digest::Args),
    Link(Box<link::Args>),
    Preview(preview::Args),
    Rejected(rejected::Args),
    Sandbox(sandbox::Args),
    Send(Box<send::Args>),
    Serve(serve::Args),
}

/// Runs the command given on the command line and returns its exit code:
///
/// - 0: done.
/// - 2: wrong arguments. What was given cannot be used: an argument, a file that an argument
///   names, an AWS profile, an environment variable, the configuration of `serve`. The same command
///   cannot succeed until that is changed.
/// - 1: anything else. No credentials or permission, no such alarm or event, no connection, a
///   port that is taken, a server that does not start, an event that PagerDuty does not take,
///   and what `--strict` finds.
///
/// `send` has the same codes, also by the name `pd-send`: an event that PagerDuty would refuse
/// is a wrong argument.
#[must_use]
pub fn run() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = send::by_name(&arguments).or_else(|| pd_queue::by_name(&arguments)) {
        return code;
    }
    if arguments.get(1).is_some_and(|subcommand| subcommand == "send") {
        arguments = send::spelled_out(arguments);
    }
    let command = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command,
        Err(error) => return send::refused(&error, ""),
    };
    let result = match command {
        Command::Coverage(args) => coverage::run(&args),
        Command::Digest(args) => digest::run(&args),
        Command::Link(args) => link::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Rejected(args) => rejected::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Send(args) => return send::run(&args, "pagetrail"),
        Command::Serve(args) => serve::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pagetrail: {error}");
            error.code()
        }
    }
}

/// Does a command's work on this thread.
///
/// # Errors
/// If the system has no resources for a runtime.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // Requests that hang must not delay the exit.
    runtime.shutdown_background();
    Ok(done)
}
