//! Stand-ins on loopback for everything the built `pagetrail-lambda` talks to.
//!
//! - [`lambda`]: the Lambda Runtime API; runs the binary as Lambda would.
//! - [`aws`]: one server for all AWS services; [`cbor`]: CloudWatch's wire format.
//! - [`resources`]: the alarms, tags, functions and rules it knows.
//! - [`logs`] and [`pattern`]: what the Logs stand-in knows and how it searches.
//! - [`pagerduty`]: the Events API.
//! - [`router`]: the answer of a router that is called without a socket.
//! - [`sandbox`]: the sandbox in this process; [`tunnel`]: an HTTP proxy.
//! - [`script`]: how a test tells a stand-in what to answer.
//! - [`http`]: the server below them, which can also answer wrongly.
//! - [`alarms`], [`queue_items`], [`function_url`]: the events that the stages are invoked with.

// Each test binary uses its own part of the stand-ins, and none exports them.
#![allow(dead_code, unreachable_pub)]

pub mod alarms;
pub mod aws;
pub mod cbor;
pub mod deployed;
pub mod function_url;
pub mod http;
pub mod lambda;
pub mod logs;
pub mod pagerduty;
pub mod pattern;
pub mod queue_items;
pub mod resources;
pub mod router;
pub mod sandbox;
pub mod script;
pub mod tunnel;

use std::time::Duration;

/// Longer than anything here may take: a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_mins(1);
