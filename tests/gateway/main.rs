//! The gateway's routes, called most of them without a socket.

// A stand-in or a test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod bodies;
mod endpoints;
mod failures;
mod looks;
mod properties;
mod support;
mod wire;
