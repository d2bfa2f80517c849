//! `pagetrail serve` as built: started, killed, reloaded, ended, against a stand-in for PagerDuty.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// The parts of one program export nothing.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod config;
mod crash;
mod disk;
mod harness;
mod keys;
mod life;
mod network;
mod rejected;
