//! How every HTTP client is built, and how its responses are read.

use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Response};
use rustls::ClientConfig;
use url::Url;

use super::body::{self, Beginning};
use super::url::is_loopback;

/// Settings that all clients share; the caller adds its time limits.
///
/// Redirects are not followed: they could send a key to another server.
pub(crate) fn builder(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("pagetrail/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
}

/// The same, for one server. A loopback address does not go through a proxy: the proxy would look
/// for it on its own machine, and the request would go there unencrypted.
pub(crate) fn builder_for(url: &Url, tls: ClientConfig) -> ClientBuilder {
    if is_loopback(url) { builder(tls).no_proxy() } else { builder(tls) }
}

/// Up to `limit` bytes of a response's body.
///
/// # Errors
/// When the connection breaks, or the client's time limit passes first.
pub(crate) async fn read(response: Response, limit: usize) -> Result<Beginning, reqwest::Error> {
    body::beginning(&mut Body::from(response), limit).await
}
