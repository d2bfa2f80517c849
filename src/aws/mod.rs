//! AWS: the SDK's configuration, profiles of the AWS CLI, secrets, partitions and ARNs.

mod arn;
mod partition;
mod profile;
mod sdk;
mod secret;

pub(crate) use arn::is_account;
pub use arn::{Arn, Origin, home, log_group_name};
pub use partition::Partition;
pub(crate) use partition::is_region;
pub use profile::{Profile, ProfileError};
pub(crate) use sdk::reason;
pub use sdk::{lambda_config, user_config};
pub use secret::{SecretError, StoredSecret};
