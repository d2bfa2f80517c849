//! Composes a PagerDuty event from an alarm, its evidence and context.
//!
//! The [`Composer`] combines the parts: the `title` (with what crossed the threshold, `crossing`, or
//! what a message says `happened`), the `sections` of the details with their
//! `rows` and `plot`, the `links`, the `severity`. `fit` composes again with less detail until the event is
//! within PagerDuty's limits. [`Paging`] holds the settings.

mod composer;
mod crossing;
mod details;
mod fit;
mod happened;
pub mod links;
mod paging;
mod plot;
mod rows;
mod sections;
mod severity;
mod title;

pub use composer::{Composer, dedup_key, resolve};
pub use paging::Paging;
