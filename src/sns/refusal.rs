//! Why a request is not taken, and what SNS is told.
//!
//! SNS takes a status below 500 as final, and sends again after any other. So what may be
//! our own fault, or may pass, is a 503.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::certificates::Unavailable;
use super::fetch::FetchError;
use super::topic::TopicArn;
use crate::http::answer;
use crate::http::body::BodyError;

/// What `Retry-After` asks for, in seconds: SNS's own default between two attempts.
const RETRY_AFTER: &str = "20";

/// Why a request is not taken. The words hold nothing of the message but the topic's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Body(BodyError),
    #[error("the body is no JSON as SNS posts it: subscribe this address to a topic")]
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
        "Timestamp must not be older than a day: see what became of the alarm, and whether this clock is right"
    )]
    Old,
    #[error("SigningCertURL must be https://{0}/SimpleNotificationService-….pem")]
    CertificateUrl(String),
    #[error("SubscribeURL must confirm this subscription at https://{0}/")]
    SubscribeUrl(String),
    #[error("Signature does not fit the message: only Amazon SNS may post here")]
    Signature,
    #[error("SigningCertURL: the certificate cannot be had: {0}")]
    Certificate(Unavailable),
    #[error("SubscribeURL: SNS did not confirm the subscription: {0}")]
    NotConfirmed(FetchError),
    #[error("the message did not arrive, or could not be verified, in time")]
    Late,
    #[error("Message could not be queued in time")]
    NotQueued,
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            // Its own status, 408, would be final.
            BodyError::Slow => Self::Late,
            other => Self::Body(other),
        }
    }
}

impl Refusal {
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

    /// The part of the request that it is about.
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

impl IntoResponse for Refusal {
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
