//! `POST /sns`: turns a request from SNS into a queued event.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::Utc;
use reqwest::Client;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use tracing::info;

use super::address;
use super::certificates::Certificates;
use super::error::RequestError;
use super::fetch::Fetch;
use super::message::{MessageType, SnsMessage};
use super::topic::TopicArn;
use crate::enrich::{self, Enrich};
use crate::http::body::Sender;
use crate::http::{answer, body};
use crate::queue::Outbox;
use crate::telemetry::Signal;

/// A message has at most 256 KB (SNS quotas), and more when it is escaped as JSON.
const LARGEST_BODY: usize = 1024 * 1024;
/// Time limit for receiving and verifying the message.
const VERIFIED: Duration = Duration::from_secs(8);
/// Time limit for collecting evidence, from the start of the request. The rest of the time is for
/// composing and queueing.
const EVIDENCE: Duration = Duration::from_secs(10);
/// SNS hangs up after 15 seconds (Developer Guide, "Make sure your endpoint is ready").
const ANSWER: Duration = Duration::from_secs(14);

/// Handles the notifications of the configured topics.
pub struct SnsEndpoint<Q, F = Client> {
    enrich: Enrich<Q>,
    /// Anyone can create a topic that notifies this address, with a valid signature from SNS.
    topics: Vec<TopicArn>,
    certificates: Certificates,
    fetch: F,
}

impl<Q: Outbox> SnsEndpoint<Q> {
    /// Takes the accepted topics and the client that reaches SNS.
    #[must_use]
    pub fn new(enrich: Enrich<Q>, topics: Vec<TopicArn>, client: Client) -> Self {
        Self::with_fetch(enrich, topics, client)
    }
}

impl<Q: Outbox, F: Fetch> SnsEndpoint<Q, F> {
    /// The same, with another way to reach SNS.
    #[must_use]
    pub fn with_fetch(enrich: Enrich<Q>, topics: Vec<TopicArn>, fetch: F) -> Self {
        Self { enrich, topics, certificates: Certificates::default(), fetch }
    }

    /// Reads a request, and accepts it only if SNS signed it.
    async fn verified(&self, request: Request) -> Result<SnsMessage, RequestError> {
        let raw = request.headers().get("x-amz-sns-rawdelivery");
        let is_raw = raw.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        // The signature is verified when the body is there.
        let sender = Sender { address: peer, is_known: &|_| false };
        let body = body::read(&mut request.into_body(), LARGEST_BODY, VERIFIED, &sender).await;
        let (body, _share) = body?;
        if is_raw {
            return Err(RequestError::Raw);
        }
        let message = SnsMessage::read(&body)?;
        let topic = &message.topic;
        if !self.topics.contains(topic) {
            return Err(RequestError::Topic(topic.clone()));
        }
        let now = Utc::now();
        if message.is_too_old(now) {
            return Err(RequestError::Old);
        }
        let url = address::certificate(&message.certificate_url, topic);
        let url = url.ok_or_else(|| RequestError::CertificateUrl(topic.host()))?;
        let certificate = self.certificates.get(&url, topic.domain(), &self.fetch, now).await;
        let certificate = certificate.map_err(RequestError::Certificate)?;
        if message.signature.fits(&message.signed_text(), &certificate.key) {
            Ok(message)
        } else {
            Err(RequestError::Signature)
        }
    }

    async fn confirm(&self, url: &str, token: &str, topic: &TopicArn) -> Result<(), RequestError> {
        let url = address::confirmation(url, topic, token);
        let url = url.ok_or_else(|| RequestError::SubscribeUrl(topic.host()))?;
        match self.fetch.get(&url).await {
            Ok(_) => {
                info!(%topic, "confirmed the subscription: the topic notifies Pagetrail");
                Ok(())
            }
            Err(why) => {
                let what = format!("the subscription to {topic} could not be confirmed: {why}");
                Signal::TopicFault { what: &what }.tell();
                Err(RequestError::NotConfirmed(why))
            }
        }
    }

    /// Queues the event for a notification. This is a separate task: work that has begun is
    /// finished even if SNS hangs up, and if SNS sends the message again, it is queued once.
    async fn page(
        self: Arc<Self>,
        message: SnsMessage,
        arrival: Instant,
    ) -> Result<(), RequestError> {
        let end = arrival + EVIDENCE + enrich::RESERVE;
        let task = tokio::spawn(async move {
            let account = message.topic.account();
            self.enrich.handle(&message.notification(), account, end).await
        });
        match timeout_at(arrival + ANSWER, task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            _ => Err(RequestError::NotQueued),
        }
    }
}

/// Routes only `POST /sns`.
pub fn router<Q: Outbox, F: Fetch>(endpoint: Arc<SnsEndpoint<Q, F>>) -> Router {
    Router::new().route("/sns", post(receive::<Q, F>)).with_state(endpoint)
}

async fn receive<Q: Outbox, F: Fetch>(
    State(endpoint): State<Arc<SnsEndpoint<Q, F>>>,
    request: Request,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    match take(endpoint, request).await {
        Ok(done) => answer::json(StatusCode::OK, &json!({"status": "success", "message": done})),
        Err(refusal) => {
            let (status, why) = (refusal.status().as_u16(), refusal.to_string());
            Signal::RequestRefused { status, why: &why, peer: &peer }.tell();
            refusal.into_response()
        }
    }
}

async fn take<Q: Outbox, F: Fetch>(
    endpoint: Arc<SnsEndpoint<Q, F>>,
    request: Request,
) -> Result<&'static str, RequestError> {
    let arrival = Instant::now();
    let verified = timeout_at(arrival + VERIFIED, endpoint.verified(request)).await;
    let message = verified.map_err(|_| RequestError::Late)??;
    match &message.kind {
        MessageType::Notification { .. } => {
            endpoint.page(message, arrival).await?;
            Ok("the notification is queued")
        }
        MessageType::SubscriptionConfirmation { url, token } => {
            endpoint.confirm(url, token, &message.topic).await?;
            Ok("the subscription is confirmed")
        }
        MessageType::UnsubscribeConfirmation { .. } => {
            let topic = &message.topic;
            let what = format!("{topic} no longer notifies Pagetrail: subscribe it again");
            Signal::TopicFault { what: &what }.tell();
            Ok("the end of the subscription was recorded")
        }
    }
}
