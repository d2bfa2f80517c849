//! Routing: which routing key an event goes through, and when.
//!
//! A [`Target`] names a pool of routing keys or one key. [`pools`] defines which keys a pool has
//! and in which order an alert tries them. `source` reads the keys, `fresh` decides when to read
//! them again, and `others` holds keys that are in no pool. `health` knows which keys PagerDuty
//! refused and how fast each accepts events ([`pace`]). [`Keys`] combines all of them.

mod fresh;
mod health;
mod keys;
mod others;
pub mod pace;
pub mod pools;
mod source;
mod target;

pub use fresh::{Fresh, LONGEST_AGE};
pub use health::KeyHealth;
pub use keys::{Candidates, Keys};
pub use source::{KeyError, KeySource};
pub use target::{DEFAULT_TARGET, Fingerprint, Target};
