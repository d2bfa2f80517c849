//! Limits the rate of calls to CloudWatch Logs; shared by all readers of one Region.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// `FilterLogEvents` allows about 5 calls a second per account and Region, shared with all other
/// readers there. Calls that were not made can be made up for, so that one page's calls need not
/// wait for each other; if the service throttles them, they are tried again with growing waits.
const INTERVAL: Duration = Duration::from_millis(200);
/// Calls that can start at once.
const BURST: u32 = 5;

/// A token bucket: lets calls start first come, first served.
pub(super) struct Pace {
    // When the bucket is full again. The async lock: callers queue behind the one that waits for
    // its turn. A caller that gives up does not use a turn.
    full: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { full: Mutex::new(Instant::now()) }
    }

    /// Returns when the next call can start and leave this many turns to others.
    pub(super) async fn turn(&self, spare: u32) {
        if spare > 0 {
            return self.turn_later(spare).await;
        }
        let mut full = self.full.lock().await;
        if let Some(start) = start(*full, spare) {
            sleep_until(start).await;
        }
        *full = Instant::now().max(*full) + INTERVAL;
    }

    /// Whoever leaves turns to others does not queue in front of them.
    async fn turn_later(&self, spare: u32) {
        loop {
            let until = {
                let mut full = self.full.lock().await;
                let Some(start) = start(*full, spare).filter(|start| *start > Instant::now())
                else {
                    *full = Instant::now().max(*full) + INTERVAL;
                    return;
                };
                start
            };
            sleep_until(until).await;
        }
    }
}

/// When a call can start and leave turns over. An instant cannot be before the clock's start.
fn start(full: Instant, spare: u32) -> Option<Instant> {
    full.checked_sub(INTERVAL * (BURST - 1).saturating_sub(spare))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_turns_at_once_then_five_a_second() {
        let started = Instant::now();
        let pace = Pace::new();
        join_all((0..5).map(|_| pace.turn(0))).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        join_all((0..10).map(|_| pace.turn(0))).await;
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_back_with_time_but_no_more_than_five() {
        let pace = Pace::new();
        join_all((0..5).map(|_| pace.turn(0))).await;
        for (pause, at_once) in [(400, 2), (3_600_000, 5)] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let started = Instant::now();
            join_all((0..at_once).map(|_| pace.turn(0))).await;
            assert_eq!(started.elapsed(), Duration::ZERO, "{at_once}");
            pace.turn(0).await;
            assert_eq!(started.elapsed(), INTERVAL, "{at_once}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_in_the_background_leave_turns_over() {
        let pace = Pace::new();
        let started = Instant::now();
        join_all((0..3).map(|_| pace.turn(2))).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        let later = async {
            pace.turn(2).await;
            started.elapsed()
        };
        let now = async {
            join_all((0..2).map(|_| pace.turn(0))).await;
            started.elapsed()
        };
        let (later, now) = tokio::join!(later, now);
        assert_eq!((now, later), (Duration::ZERO, INTERVAL * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_no_turn() {
        let pace = Pace::new();
        join_all((0..5).map(|_| pace.turn(0))).await;
        let started = Instant::now();
        let brief = || timeout(Duration::from_millis(100), pace.turn(0));
        assert!(join_all((0..20).map(|_| brief())).await.iter().all(Result::is_err));
        pace.turn(0).await;
        assert_eq!(started.elapsed(), INTERVAL);
    }
}
