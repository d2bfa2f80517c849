//! The HTTP client: how every one of them is built, and how its answers are read.

use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Response};
use rustls::ClientConfig;
use url::Url;

use super::body::{self, Beginning};
use super::url::is_loopback;

/// What all clients have in common; the caller adds its time limits.
///
/// Redirects are not followed: they could carry a key to another server.
pub(crate) fn builder(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("pagetrail/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
}

/// The same for one server. A proxy's loopback address is the proxy's own machine, and what is
/// meant for this one would go there unencrypted.
pub(crate) fn builder_for(url: &Url, tls: ClientConfig) -> ClientBuilder {
    if is_loopback(url) { builder(tls).no_proxy() } else { builder(tls) }
}

/// The body of an answer, up to so many bytes.
///
/// # Errors
/// When the connection breaks or the client's time is over before that.
pub(crate) async fn read(response: Response, limit: usize) -> Result<Beginning, reqwest::Error> {
    body::beginning(&mut Body::from(response), limit).await
}
