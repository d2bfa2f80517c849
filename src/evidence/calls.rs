//! Calls to the log service under one deadline: paced, and tried again while there is time.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::ports::LookupError;

/// `FilterLogEvents` allows about 5 calls a second per account and Region, shared
/// with everything else there.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time for what is only good to know.
const BRIEFLY: Duration = Duration::from_secs(4);
const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The time left for evidence, shared by all calls made for one alarm.
pub(super) struct Calls {
    deadline: Instant,
    // The standard library's lock: nothing awaits while it is held.
    next: Mutex<Instant>,
}

impl Calls {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline, next: Mutex::new(Instant::now()) }
    }

    /// Makes a call, and again after transient errors, until it succeeds, fails for
    /// good or the deadline passes; then the last error says why.
    pub(super) async fn make<T, F>(&self, call: impl Fn() -> F) -> Result<T, LookupError>
    where
        F: Future<Output = Result<T, LookupError>>,
    {
        let mut wait = FIRST_WAIT;
        let mut last = LookupError::Deadline;
        loop {
            let turn = self.turn();
            if turn >= self.deadline {
                return Err(last);
            }
            sleep_until(turn).await;
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

    /// The same for what is only good to know: it gets a part of the time.
    pub(super) async fn make_briefly<T, F>(&self, call: impl Fn() -> F) -> Result<T, LookupError>
    where
        F: Future<Output = Result<T, LookupError>>,
    {
        match timeout(BRIEFLY, self.make(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(LookupError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// Waits, and says whether that leaves time for anything.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        sleep_until(until.min(self.deadline)).await;
        until < self.deadline
    }

    fn turn(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let turn = (*next).max(Instant::now());
        *next = turn + INTERVAL;
        turn
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
    async fn no_more_than_five_calls_a_second() {
        let started = Instant::now();
        let calls = Calls::until(started + Duration::from_secs(20));
        for _ in 0..11 {
            calls.make(|| ready(Ok::<_, LookupError>(()))).await.unwrap();
        }
        assert_eq!(started.elapsed(), Duration::from_secs(2));
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
