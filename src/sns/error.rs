//! Why a request is refused, and the answer to SNS.
//!
//! SNS treats a status below 500 as final, and sends again after any other. So anything that may be
//! our own fault, or may pass, is a 503.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::certificates::Unavailable;
use super::fetch::FetchError;
use super::topic::TopicArn;
use crate::http::answer;
use crate::http::body::BodyError;

/// Seconds for `Retry-After`: SNS's own default between two attempts.
const RETRY_AFTER: &str = "20";

/// Why a request is refused. The text contains nothing of the message except the topic's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Body(BodyError),
    #[error("the body is not a message from SNS: subscribe this address to a topic")]
    Json,
    #[error(
        "x-amz-sns-rawdelivery must not be true: a raw message has no signature; turn raw message \
         delivery off for this subscription"
    )]
    Raw,
    #[error("{0} {1}")]
    Field(&'static str, &'static str),
    #[error("TopicArn {0} is not in sns_topics: add it there, or delete the subscription")]
    Topic(TopicArn),
    #[error(
        "Timestamp must not be older than a day: check the alarm's state and this machine's clock"
    )]
    Old,
    #[error("SigningCertURL must be https://{0}/SimpleNotificationService-….pem")]
    CertificateUrl(String),
    #[error("SubscribeURL must confirm this subscription at https://{0}/")]
    SubscribeUrl(String),
    #[error("Signature does not match the message: only Amazon SNS may post here")]
    Signature,
    #[error("SigningCertURL: the certificate cannot be used: {0}")]
    Certificate(Unavailable),
    #[error("SubscribeURL: SNS did not confirm the subscription: {0}")]
    NotConfirmed(FetchError),
    #[error("the message did not arrive, or could not be verified, in time")]
    Late,
    #[error("Message could not be queued in time")]
    NotQueued,
}

impl From<BodyError> for RequestError {
    fn from(error: BodyError) -> Self {
        match error {
            // 408 would be final.
            BodyError::Slow => Self::Late,
            other => Self::Body(other),
        }
    }
}

impl RequestError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Body(error) => error.status(),
            Self::Json | Self::Field(..) => StatusCode::BAD_REQUEST,
            Self::Raw
            | Self::Topic(_)
            | Self::CertificateUrl(_)
            | Self::SubscribeUrl(_)
            | Self::Signature => StatusCode::FORBIDDEN,
            Self::Old
            | Self::Certificate(_)
            | Self::NotConfirmed(_)
            | Self::Late
            | Self::NotQueued => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The part of the request that is wrong.
    fn field(&self) -> &'static str {
        match self {
            Self::Body(_) | Self::Json | Self::Late => "body",
            Self::Raw => "x-amz-sns-rawdelivery",
            Self::Field(name, _) => name,
            Self::Topic(_) => "TopicArn",
            Self::Old => "Timestamp",
            Self::CertificateUrl(_) | Self::Certificate(_) => "SigningCertURL",
            Self::SubscribeUrl(_) | Self::NotConfirmed(_) => "SubscribeURL",
            Self::Signature => "Signature",
            Self::NotQueued => "Message",
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let body = json!({
            "status": "refused", "field": self.field(), "message": self.to_string(),
        });
        let mut response = answer::json(self.status(), &body);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let again = HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, again);
        }
        response
    }
}
