//! The `pagetrail` commands that read from AWS, as built, against a stand-in for AWS; and the
//! exit codes of all commands.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// The parts of one program export nothing.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod coverage;
mod exit_codes;
mod harness;
mod preview;
mod profile;
