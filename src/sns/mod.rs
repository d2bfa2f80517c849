//! `POST /sns`: Amazon SNS over HTTPS. Its messages are verified, then enriched by the same
//! code as Lambda's.
//!
//! - `endpoint`: a request on its way to the queue.
//! - `message`: the three types of message, and the text that is signed.
//! - `topic`, `address`: a topic's ARN, and the addresses that its messages may name.
//! - `certificate`, `certificates`, `signature`: whether SNS signed a message.
//! - [`fetch`]: the port to SNS's own host.
//! - `refusal`: why a request is not taken.

mod address;
mod certificate;
mod certificates;
mod endpoint;
pub mod fetch;
mod message;
mod refusal;
mod signature;
mod topic;

pub use endpoint::{SnsEndpoint, router};
pub use topic::TopicArn;
