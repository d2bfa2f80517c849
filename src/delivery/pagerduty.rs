//! The PagerDuty client: one attempt to hand over one event.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use url::Url;

use super::outcome::{Answer, retry_after};
use crate::event::Event;
use crate::event::routing_key::RoutingKey;

/// How long one attempt may take, the answer's body included.
pub(super) const ATTEMPT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(4);
/// What is read of an answer; PagerDuty's have a few hundred bytes, and the status
/// decides whatever stands behind these.
const ANSWER_LIMIT: usize = 64 * 1024;

/// An Events API endpoint.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    client: Client,
    url: Url,
}

impl PagerDuty {
    /// A client for one endpoint. Connects lazily.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(url: Url, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("pagetrail/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ATTEMPT)
            .build()?;
        Ok(Self { client, url })
    }

    /// Posts an event once.
    pub async fn post(&self, event: &Event, key: &RoutingKey) -> Answer {
        let Ok(Value::Object(mut body)) = serde_json::to_value(event) else {
            return Answer::Nothing { why: "the event could not be written as JSON" };
        };
        body.insert("routing_key".to_owned(), json!(key.expose()));
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Value::Object(body).to_string())
            .send()
            .await;
        match sent {
            Ok(response) => read(response).await,
            Err(error) => Answer::Nothing { why: why(&error) },
        }
    }
}

/// Reads a whole answer. The words in it are shown only after the key is hidden in
/// them: a peer may echo what it was sent.
async fn read(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = asked_wait(response.headers());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_LIMIT {
                    break;
                }
            }
            Ok(None) => break,
            Err(_) => return Answer::Nothing { why: "half an answer" },
        }
    }
    Answer::Http { status, retry_after, body: String::from_utf8_lossy(&body).into_owned() }
}

fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let header = headers.get(RETRY_AFTER).or_else(|| headers.get("ratelimit-reset"))?;
    retry_after(header.to_str().ok()?, Utc::now())
}

fn why(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
