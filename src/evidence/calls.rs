//! Calls under one deadline, with retries while there is time.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::ports::LookupError;

/// Time for a call whose answer is useful but not necessary.
const BRIEFLY: Duration = Duration::from_secs(4);
const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The time left for evidence, shared by all calls made for one alarm.
pub(super) struct Calls {
    deadline: Instant,
}

impl Calls {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// Makes a call, and retries it after transient errors, until it succeeds, fails
    /// permanently, or the deadline passes. Then the last error is returned.
    pub(super) async fn make<T, F>(&self, call: impl Fn() -> F) -> Result<T, LookupError>
    where
        F: Future<Output = Result<T, LookupError>>,
    {
        let mut wait = FIRST_WAIT;
        let mut last = LookupError::Deadline;
        loop {
            if Instant::now() >= self.deadline {
                return Err(last);
            }
            match timeout_at(self.deadline, call()).await {
                Err(_) => return Err(last),
                Ok(Err(error)) if error.is_transient() => last = error,
                Ok(answer) => return answer,
            }
            if !self.pause(wait).await {
                return Err(last);
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The same for an answer that is useful but not necessary: it gets only part of the time.
    pub(super) async fn make_briefly<T, F>(&self, call: impl Fn() -> F) -> Result<T, LookupError>
    where
        F: Future<Output = Result<T, LookupError>>,
    {
        match timeout(BRIEFLY, self.make(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(LookupError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// Waits; returns whether time is left afterwards.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        sleep_until(until.min(self.deadline)).await;
        until < self.deadline
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hanging_call_ends_at_the_deadline() {
        let started = Instant::now();
        let calls = Calls::until(started + Duration::from_secs(20));
        let answer: Result<(), _> = calls.make(pending).await;
        assert_eq!(answer, Err(LookupError::Deadline));
        assert_eq!(started.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_is_answered_with_backoff_and_named_at_the_end() {
        let started = Instant::now();
        let tries = AtomicUsize::new(0);
        let calls = Calls::until(started + Duration::from_secs(10));
        let answer: Result<(), _> = calls
            .make(|| {
                tries.fetch_add(1, Ordering::Relaxed);
                ready(Err(LookupError::Throttled))
            })
            .await;
        assert_eq!(answer, Err(LookupError::Throttled));
        assert_eq!(started.elapsed(), Duration::from_secs(10));
        // 0, 0.4, 1.2, 2.8, 6.0 s; the next would be at 11.0.
        assert_eq!(tries.into_inner(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_error_is_not_tried_again() {
        let started = Instant::now();
        let calls = Calls::until(started + Duration::from_secs(20));
        let answer: Result<(), _> = calls.make(|| ready(Err(LookupError::AccessDenied))).await;
        assert_eq!(answer, Err(LookupError::AccessDenied));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
