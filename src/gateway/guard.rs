//! Wraps every request: refusals are logged and counted, and a panic gets an answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use tracing::{error, info};

use super::refused::Refused;
use super::{Shared, access, body};
use crate::http::body::BodyError;
use crate::telemetry::Signal;

/// The answer to a refused request; its body is read to the end.
pub(super) async fn refuse<Q>(shared: &Shared<Q>, refused: &Refused, request: Request) -> Response {
    let (head, body) = request.into_parts();
    refuse_with(shared, refused, &head, body).await
}

/// The same, for a request whose body was partly read.
pub(super) async fn refuse_with<Q>(
    shared: &Shared<Q>,
    refused: &Refused,
    head: &Parts,
    mut body: Body,
) -> Response {
    if *refused != Refused::Body(BodyError::Slow) {
        body::discard(&mut body).await;
    }
    let peer = access::peer(head).map(|peer| peer.ip().to_canonical().to_string());
    // Never log the path, which may contain a key.
    let signal = Signal::RequestRefused {
        status: refused.status().as_u16(),
        why: &refused.to_string(),
        peer: peer.as_deref().unwrap_or_default(),
    };
    signal.tell_to(&shared.gateway.tally);
    refused.response()
}

impl<Q> Shared<Q> {
    /// Lets only clients continue that can post without a key and read the status.
    pub(super) async fn admit(&self, head: &Parts) -> Result<(), Refused> {
        let admitted = self.gateway.access.admits(head).await;
        match &admitted {
            Err(problem) if self.token_fails.set(true) => {
                error!(%problem, "tokens cannot be checked; clients with a token get a 503");
            }
            Ok(true) if self.token_fails.set(false) => info!("tokens can be checked again"),
            _ => {}
        }
        match admitted {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::Unauthorized),
            Err(_) => Err(Refused::TokenUnreadable),
        }
    }
}

/// The future's result; `None` if it panicked, which affects only this request.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // Nothing that a panic left half done is used again: the future is dropped, and the state
        // that requests share changes in single steps.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
