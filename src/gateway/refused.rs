//! Why a request was refused, and the answer: in the format of PagerDuty's own answers, and without
//! internal details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use crate::http::answer;
use crate::http::body::BodyError;
use crate::pagerduty::accept::Refusal;

/// Seconds after which a client that got a 503 should try again.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");
/// A body of half a megabyte can break a rule a hundred thousand times.
const ERRORS: usize = 20;

/// Why a request was refused. The text goes into the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Invalid(Refusal),
    #[error(transparent)]
    Body(BodyError),
    #[error("the body is not gzip, but its Content-Encoding says gzip")]
    BrokenGzip,
    #[error("from another machine, this needs the header Authorization: Bearer TOKEN")]
    Unauthorized,
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("this path does not allow this method; the header Allow lists the allowed ones")]
    WrongMethod,
    #[error("{}", Refusal::too_large())]
    TooLarge,
    #[error("the event is larger than the queue allows")]
    TooLargeForQueue,
    #[error("Content-Encoding must be gzip, or absent")]
    Coding,
    #[error("an internal error occurred")]
    Panicked,
    #[error("the event could not be queued now; send it again")]
    NotQueued,
    #[error("the routing key could not be checked now; send it again")]
    KeysUnreadable,
    #[error("the token could not be checked now; send it again")]
    TokenUnreadable,
    #[error("no routing keys are configured for events without one: set routing_keys_file")]
    NoDefaultPool,
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            // An event that is too large gets PagerDuty's own words.
            BodyError::TooLarge(_) => Self::TooLarge,
            other => Self::Body(other),
        }
    }
}

impl Refused {
    /// An event that breaks PagerDuty's rules.
    pub(super) fn invalid(mut refusal: Refusal) -> Self {
        if let Refusal::Invalid(errors) = &mut refusal {
            errors.truncate(ERRORS);
        }
        Self::Invalid(refusal)
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::BrokenGzip => StatusCode::BAD_REQUEST,
            Self::Body(error) => error.status(),
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge | Self::TooLargeForQueue => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotQueued
            | Self::KeysUnreadable
            | Self::TokenUnreadable
            | Self::NoDefaultPool => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn response(&self) -> Response {
        let status = self.status();
        let body = match self {
            Self::Invalid(refusal) => refusal.answer(),
            Self::TooLarge => Refusal::too_large().answer(),
            other => json!({
                "status": status.canonical_reason().unwrap_or_default().to_lowercase(),
                "message": "Event was not accepted",
                "errors": [other.to_string()],
            }),
        };
        let mut response = answer::json(status, &body);
        let header = match status {
            StatusCode::UNAUTHORIZED => {
                (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Pagetrail\""))
            }
            StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, RETRY_AFTER),
            // RFC 9110, section 15.5.16.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
            }
            // RFC 9110, section 15.5.9: the rest of the body would be read as a request.
            StatusCode::REQUEST_TIMEOUT => (header::CONNECTION, HeaderValue::from_static("close")),
            _ => return response,
        };
        response.headers_mut().insert(header.0, header.1);
        response
    }
}
