//! The port to SNS's own host, which has the certificates and confirms subscriptions.

use std::time::Duration;

use reqwest::Client;
use url::Url;

use crate::http::client;

/// Time limit for an answer, including its body.
const PATIENCE: Duration = Duration::from_secs(4);
/// A certificate has about 2 KB, a confirmation less.
const LARGEST: usize = 64 * 1024;

/// Gets the content of an address; never follows a redirect.
pub trait Fetch: Send + Sync + 'static {
    /// The body of a successful answer.
    fn get(&self, url: &Url) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

/// Why there is no successful answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("no answer in time")]
    Time,
    #[error("no connection")]
    Connection,
    #[error("the answer broke off")]
    Broken,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer came from another address")]
    Redirected,
    #[error("HTTP {0}")]
    Status(u16),
}

impl Fetch for Client {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let sent = Client::get(self, url.clone()).timeout(PATIENCE).send().await;
        let response = sent.map_err(|error| reason(&error, FetchError::Connection))?;
        // Someone else built the client, and it may follow redirects.
        if response.url() != url {
            return Err(FetchError::Redirected);
        }
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let read = client::read(response, LARGEST).await;
        let read = read.map_err(|error| reason(&error, FetchError::Broken))?;
        if read.is_whole { Ok(read.bytes.into()) } else { Err(FetchError::TooLarge) }
    }
}

fn reason(error: &reqwest::Error, otherwise: FetchError) -> FetchError {
    if error.is_timeout() { FetchError::Time } else { otherwise }
}
