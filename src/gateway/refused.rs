//! Why a request was not taken, and how that is answered: in the form of PagerDuty's own
//! answers, and with nothing of the inside in it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use crate::http::answer;
use crate::http::body::BodyError;
use crate::pagerduty::accept::Refusal;

/// Seconds after which a client that was answered 503 should come again.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");
/// A body of half a megabyte can break a rule a hundred thousand times.
const ERRORS: usize = 20;

/// Why a request was not taken. The words are the answer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Invalid(Refusal),
    #[error(transparent)]
    Body(BodyError),
    #[error("the body is no gzip, though its Content-Encoding says so")]
    BrokenGzip,
    #[error("from elsewhere than this machine, this needs the header Authorization: Bearer TOKEN")]
    Unauthorized,
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("this path does not take this method; the header Allow names those it takes")]
    WrongMethod,
    #[error("{}", Refusal::too_large())]
    TooLarge,
    #[error("the event is larger than the queue takes")]
    TooLargeForQueue,
    #[error("Content-Encoding must be gzip, or absent")]
    Coding,
    #[error("something went wrong here")]
    Panicked,
    #[error("the event could not be queued now; send it again")]
    NotQueued,
    #[error("whether the routing key is known could not be checked now; send it again")]
    KeysUnreadable,
    #[error("whether the token is right could not be checked now; send it again")]
    TokenUnreadable,
    #[error("no routing keys are configured for events without one: set routing_keys_file")]
    NoDefaultPool,
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            // An event that is too large is answered in PagerDuty's own words.
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
                "message": "Event was not taken",
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
            // RFC 9110, section 15.5.9: the rest of the body would be taken for a request.
            StatusCode::REQUEST_TIMEOUT => (header::CONNECTION, HeaderValue::from_static("close")),
            _ => return response,
        };
        response.headers_mut().insert(header.0, header.1);
        response
    }
}
