//! AWS: what all callers of AWS share.
//!
//! - `sdk`, `profile`: the SDK's configuration, in Lambda and on a person's machine, and the
//!   AWS CLI's profiles.
//! - `secret`: reads a secret from Secrets Manager.
//! - [`signed`]: calls of services without a client of their own here.
//! - `partition`, `arn`, `region_names`: the sets of Regions with their domains and consoles, ARNs,
//!   and the Regions' names in words.

mod arn;
mod partition;
mod profile;
mod region_names;
mod sdk;
mod secret;
pub(crate) mod signed;

pub(crate) use arn::is_account;
pub use arn::{Arn, Origin, alarm_name, home, log_group_name};
pub use partition::Partition;
pub(crate) use partition::is_region;
pub use profile::{Profile, ProfileError};
pub(crate) use region_names::region_named;
pub use sdk::{lambda_config, user_config};
pub(crate) use sdk::{no_answer, reason};
pub use secret::{SecretError, StoredSecret};
