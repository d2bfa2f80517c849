//! The `pagetrail` command line: one file per subcommand.

pub mod coverage;
pub mod digest;
pub mod link;
pub mod preview;
pub mod sandbox;
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
    Sandbox(sandbox::Args),
}

/// Runs the command given on the command line and returns its exit code:
/// 0 done, 1 failed, 2 wrong arguments.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Coverage(args) => coverage::run(&args),
        Command::Digest(args) => digest::run(&args),
        Command::Link(args) => link::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
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
