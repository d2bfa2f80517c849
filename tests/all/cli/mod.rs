//! The `pagetrail` commands that read from AWS, as built, against a stand-in for AWS; and the
//! exit codes of all commands.

mod coverage;
mod exit_codes;
mod harness;
mod preview;
mod profile;
