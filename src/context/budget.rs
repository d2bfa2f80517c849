//! The time for context: each call once, and only until the page is ready.

use std::future::Future;

use tokio::time::{Instant, timeout_at};

use crate::evidence::ports::LookupError;

/// The time until which calls for context can be answered.
pub(super) struct Budget {
    deadline: Instant,
}

impl Budget {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// Makes a call once. A failure only costs the sentence: it is logged, and nothing is said.
    pub(super) async fn once<T>(
        &self,
        call: impl Future<Output = Result<T, LookupError>>,
    ) -> Option<T> {
        match timeout_at(self.deadline, call).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a call for context failed");
                None
            }
            Err(_) => None,
        }
    }
}
