//! `POST /sns`: Amazon SNS over HTTPS. Messages are verified, and then enriched by the same code as
//! in Lambda.
//!
//! - `endpoint`: turns a request into a queued event.
//! - `message`: the three types of message, and the text that is signed.
//! - `topic`, `address`: a topic's ARN, and the addresses that a message can contain.
//! - `certificate`, `certificates`, `signature`: check that SNS signed a message.
//! - [`fetch`]: the port to SNS's own host.
//! - `error`: why a request is refused.

mod address;
mod certificate;
mod certificates;
mod endpoint;
mod error;
pub mod fetch;
mod message;
mod signature;
mod topic;

pub use endpoint::{SnsEndpoint, router};
pub use topic::TopicArn;
