//! HTTP: what everything that listens or connects has in common.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod html;
pub mod tls;
pub(crate) mod url;
