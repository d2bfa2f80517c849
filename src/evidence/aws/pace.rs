//! Limits the rate of calls to CloudWatch Logs; shared by all readers of one Region.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// `FilterLogEvents` allows about 5 calls a second per account and Region, shared with all other
/// readers there.
const INTERVAL: Duration = Duration::from_millis(200);

/// Lets one call start after the other, first come, first served.
pub(super) struct Pace {
    // The async lock: callers queue behind the one that waits for its turn. A caller that gives
    // up does not use a turn.
    next: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { next: Mutex::new(Instant::now()) }
    }

    /// Returns when the next call can start.
    pub(super) async fn turn(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + INTERVAL;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_than_five_turns_a_second() {
        let started = Instant::now();
        let pace = Pace::new();
        join_all((0..11).map(|_| pace.turn())).await;
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_no_turn() {
        let pace = Pace::new();
        pace.turn().await;
        let started = Instant::now();
        let brief = || timeout(Duration::from_millis(100), pace.turn());
        assert!(join_all((0..20).map(|_| brief())).await.iter().all(Result::is_err));
        pace.turn().await;
        assert_eq!(started.elapsed(), INTERVAL);
    }
}
