//! AWS: the SDK's configuration, partitions and ARNs.

mod arn;
mod partition;
mod sdk;

pub(crate) use arn::is_account;
pub use arn::{Arn, Origin, home, log_group_name};
pub use partition::Partition;
pub(crate) use partition::is_region;
pub use sdk::{lambda_config, user_config};
