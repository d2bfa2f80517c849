//! The gateway's routes, called most of them without a socket.

mod access;
mod bodies;
mod endpoints;
mod failures;
mod looks;
mod mended;
mod properties;
mod support;
mod wire;
