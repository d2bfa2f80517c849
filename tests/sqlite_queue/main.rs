//! The embedded queue: nothing acknowledged is lost, nothing overtakes, and what is wrong
//! with its file or its disk is reported and survived.

// A test that meets the unexpected has to fail.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod age;
mod bounds;
mod contract;
mod damage;
mod disk;
mod files;
mod kit;
mod rejected;
