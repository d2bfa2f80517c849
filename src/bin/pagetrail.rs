//! The `pagetrail` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    pagetrail::cli::run()
}
