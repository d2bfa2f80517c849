//! Routing: which routing key an event goes through, and when.
//!
//! A [`Target`] names a pool of routing keys or one key. [`pools`] says which keys a pool has and
//! in which order an alert tries them, `source` where they are read, [`pace`] how fast a key
//! takes events; [`Keys`] keeps all of that, and sets refused keys aside.

mod keys;
pub mod pace;
pub mod pools;
mod source;
mod target;

pub use keys::{Candidates, KeyHealth, Keys};
pub use source::{KeyError, KeySource, secret_client, secret_text};
pub use target::{DEFAULT_TARGET, Fingerprint, Target};
