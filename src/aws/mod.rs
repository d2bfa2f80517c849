//! AWS: the SDK's configuration, and where resources live.

mod arn;
mod sdk;

pub use arn::{Origin, Partition, home};
pub(crate) use arn::{is_account, is_region};
pub use sdk::{lambda_config, user_config};
