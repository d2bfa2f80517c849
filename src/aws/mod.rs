//! AWS: the SDK's configuration, secrets, and where resources live.

mod arn;
mod sdk;
mod secret;

pub use arn::{Origin, Partition, home};
pub(crate) use arn::{is_account, is_region};
pub use sdk::{lambda_config, user_config};
pub use secret::{SecretError, StoredSecret};
