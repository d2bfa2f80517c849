//! The PagerDuty client: one attempt to send one event.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response};
use url::Url;

use super::outcome::{Answer, retry_after};
use super::routing_key::RoutingKey;
use super::{Endpoint, Event};
use crate::http::client;

/// Where PagerDuty's Events API v2 is, for accounts in its US service Region.
pub const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// How long one attempt can take, including the answer's body.
pub const ATTEMPT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(4);
/// How much of an answer is read. PagerDuty's answers have a few hundred bytes, and the status
/// decides anyway.
const ANSWER_LIMIT: usize = 64 * 1024;

/// An Events API endpoint.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    client: Client,
    url: Url,
}

impl PagerDuty {
    /// A client for one endpoint. Connects at the first request.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(url: Url, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let client = client::builder_for(&url, tls).connect_timeout(CONNECT).timeout(ATTEMPT);
        Ok(Self { client: client.build()?, url })
    }

    /// Posts a composed event once.
    pub async fn post(&self, event: &Event, key: &RoutingKey) -> Answer {
        match serde_json::to_string(event) {
            Ok(event) => self.post_raw((Endpoint::V2, None), &event, key).await,
            Err(_) => Answer::Nothing { why: "the event could not be written as JSON" },
        }
    }

    /// Posts an event once; it is a JSON object without its routing key. The second part of `to` is the
    /// route of [`Endpoint::Other`].
    pub async fn post_raw(
        &self,
        to: (Endpoint, Option<&str>),
        event: &str,
        key: &RoutingKey,
    ) -> Answer {
        let (endpoint, other) = to;
        let sent = self
            .client
            .post(self.url_of(endpoint, other, key))
            .header(CONTENT_TYPE, "application/json")
            .body(with_key(event, endpoint.key_field(), key))
            .send()
            .await;
        match sent {
            Ok(response) => read(response, key).await,
            Err(error) => Answer::Nothing { why: why(&error) },
        }
    }

    /// The configured URL is that of `/v2/enqueue`; the other endpoints are next to it.
    fn url_of(&self, endpoint: Endpoint, other: Option<&str>, key: &RoutingKey) -> Url {
        let mut url = self.url.clone();
        if endpoint != Endpoint::V2 {
            let before = url.path().strip_suffix(Endpoint::V2.route()).unwrap_or_default();
            let path = format!("{before}{}", endpoint.path(other, key));
            let (path, query) = match path.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (path.as_str(), None),
            };
            url.set_path(path);
            url.set_query(query);
        }
        url
    }
}

/// The event with the routing key as its first field, if the key belongs in the body.
fn with_key(event: &str, field: Option<&str>, key: &RoutingKey) -> String {
    let (Some(field), Some(rest)) = (field, event.trim_start().strip_prefix('{')) else {
        return event.to_owned();
    };
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\"{field}\":\"{}\"{comma}{rest}", key.expose())
}

/// Reads an answer and masks the key in it: the other side can echo what it received.
async fn read(response: Response, key: &RoutingKey) -> Answer {
    let status = response.status().as_u16();
    let retry_after = asked_wait(response.headers());
    match client::read(response, ANSWER_LIMIT).await {
        Ok(read) => {
            let body = key.hide_in(&String::from_utf8_lossy(&read.bytes));
            Answer::Http { status, retry_after, body }
        }
        Err(_) => Answer::Nothing { why: "incomplete answer" },
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RoutingKey {
        "0123456789abcdef0123456789abcdef".parse().unwrap()
    }

    #[test]
    fn the_key_goes_where_the_endpoint_wants_it() {
        let key_in = |event: &str| with_key(event, Some("service_key"), &key());
        let with = format!(r#"{{"service_key":"{}"#, key().expose());
        assert_eq!(key_in(r#"{"a":1}"#), format!(r#"{with}","a":1}}"#));
        assert_eq!(key_in("{}"), format!(r#"{with}"}}"#));
        assert_eq!(with_key("{}", None, &key()), "{}");
    }

    #[test]
    fn the_other_endpoints_are_neighbours_of_the_configured_one() {
        let url = |configured: &str, endpoint| {
            let tls = crate::http::tls::bundled_config();
            let pagerduty = PagerDuty::new(configured.parse().unwrap(), tls).unwrap();
            pagerduty.url_of(endpoint, None, &key()).to_string()
        };
        let eu = "https://events.eu.pagerduty.com/v2/enqueue";
        assert_eq!(url(eu, Endpoint::V2), eu);
        assert_eq!(url(eu, Endpoint::Change), "https://events.eu.pagerduty.com/v2/change/enqueue");
        assert_eq!(
            url("https://relay.example/pd/v2/enqueue", Endpoint::V1),
            "https://relay.example/pd/generic/2010-04-15/create_event.json"
        );
    }
}
