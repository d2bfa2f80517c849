//! HTTP: shared by every listener and client.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod html;
pub mod tls;
pub(crate) mod url;
