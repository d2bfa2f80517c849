//! HTTP: shared by every listener and client.
//!
//! - `body`, `answer`: reading bodies within limits, and writing JSON responses.
//! - `client`, [`tls`]: building clients, and the TLS configuration of clients and listeners.
//! - `path`: paths as clients write them.
//! - `url`: which addresses are safe to send to.
//! - `html`: the frame of the sandbox's and the gateway's pages.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod html;
pub(crate) mod path;
pub mod tls;
pub(crate) mod url;
