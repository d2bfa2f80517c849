//! Most tests are modules of this one program: each program of its own would link all of the AWS
//! SDK once more. What is where: tests/README.md.

// A test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// The modules of one program export nothing.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod contract_deliver;
mod contract_enrich;
mod contract_gateway;
mod delivery_model;
mod digest;
mod digest_cli;
mod events;
mod evidence;
mod gateway;
mod imports;
mod link;
mod oncall;
mod posted;
mod preview;
mod records;
mod redact;
mod redact_beside;
mod redact_properties;
mod sandbox;
mod sandbox_cli;
mod sandbox_endpoints;
mod sandbox_page;
mod search_words;
mod send_cli;
mod sns;
