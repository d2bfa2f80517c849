//! The `pagetrail` command line: one file per subcommand.

pub mod coverage;
pub mod digest;
pub mod link;
pub mod preview;
pub mod rejected;
pub mod sandbox;
pub mod send;
pub mod serve;
mod session;
mod timed;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// CloudWatch alarms as PagerDuty incidents that carry their evidence.
#[derive(Parser, Debug)]
#[command(name = "pagetrail", version, about)]
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
/// 0 done, 1 failed, 2 wrong arguments.
#[must_use]
pub fn run() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = send::as_pd_send(&arguments) {
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
            ExitCode::FAILURE
        }
    }
}

/// Why a command failed, in words for the person who typed it.
pub type CommandError = Box<dyn std::error::Error>;
