//! Pace: how many events a minute go through one key, so that PagerDuty does not answer 429.

use std::time::Duration;

/// PagerDuty counts events over a sliding window of this length.
const WINDOW: f64 = 60.0;

/// The limit of one worker for one key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Events that can go immediately.
    burst: f64,
    /// Events per second after that.
    refill: f64,
}

impl Pace {
    /// Divides a key's limit, in events per minute, among the workers that share it. Burst and
    /// refill together stay within the share in any window of a minute. With a share below two, an
    /// event would never get its turn.
    #[must_use]
    pub fn share(per_minute: u32, workers: u32) -> Self {
        let share = (f64::from(per_minute) / f64::from(workers.max(1))).max(2.0);
        let burst = (share / 10.0).max(1.0);
        Self { burst, refill: (share - burst) / WINDOW }
    }
}

/// A token bucket for one key. Times are measured from any fixed moment.
#[derive(Debug, Clone)]
pub struct Bucket {
    pace: Pace,
    tokens: f64,
    /// Events that were sent back to return at their turn.
    waiting: f64,
    at: Duration,
}

/// Whether an event can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// After this wait, which is reserved for it.
    In(Duration),
    /// Not soon: it should come back after this time.
    ComeBack(Duration),
}

impl Bucket {
    #[must_use]
    pub fn new(pace: Pace, now: Duration) -> Self {
        Self { pace, tokens: pace.burst, waiting: 0.0, at: now }
    }

    /// Whether the next event would have to wait.
    #[must_use]
    pub fn is_spent(&self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64() * self.pace.refill;
        self.tokens + passed < 1.0
    }

    /// Takes a token and waits at most `patience` for it. Otherwise reserves a later turn, each
    /// event after the one before.
    pub fn turn(&mut self, now: Duration, patience: Duration) -> Turn {
        let passed = now.saturating_sub(self.at).as_secs_f64() * self.pace.refill;
        self.tokens = (self.tokens + passed).min(self.pace.burst);
        self.waiting = (self.waiting - passed).max(0.0);
        self.at = self.at.max(now);

        let missing = (1.0 - self.tokens).max(0.0) / self.pace.refill;
        if missing <= patience.as_secs_f64() {
            self.tokens -= 1.0;
            return Turn::In(Duration::from_secs_f64(missing));
        }
        self.waiting += 1.0;
        let seconds = missing + (self.waiting - 1.0) / self.pace.refill;
        Turn::ComeBack(Duration::from_secs_f64(seconds.min(43_200.0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    #[test]
    fn a_burst_then_the_refill_then_a_later_turn() {
        // 12 at once, then 108 a minute: 1.8 a second.
        let mut bucket = Bucket::new(Pace::share(120, 1), Duration::ZERO);
        for _ in 0..12 {
            assert_eq!(bucket.turn(Duration::ZERO, PATIENCE), Turn::In(Duration::ZERO));
        }
        let Turn::In(wait) = bucket.turn(Duration::ZERO, PATIENCE) else { panic!() };
        assert!((0.5..0.6).contains(&wait.as_secs_f64()), "{wait:?}");
        let far: Vec<Turn> = (0..5).map(|_| bucket.turn(Duration::ZERO, PATIENCE)).collect();
        let Turn::ComeBack(last) = far[4] else { panic!("{far:?}") };
        assert!(last > PATIENCE, "{far:?}");
        assert_eq!(bucket.turn(Duration::from_mins(1), PATIENCE), Turn::In(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn no_window_of_a_minute_holds_more_than_the_share(
            per_minute in 10u32..600, workers in 1u32..5,
            gaps in prop::collection::vec(0u64..2_000, 1..400),
        ) {
            let mut bucket = Bucket::new(Pace::share(per_minute, workers), Duration::ZERO);
            let mut now = Duration::ZERO;
            let mut sent: Vec<Duration> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Turn::In(wait) = bucket.turn(now, PATIENCE) {
                    sent.push(now + wait);
                }
            }
            let share = (per_minute / workers).max(1) as usize;
            for (first, start) in sent.iter().enumerate() {
                let within = sent[first..].iter().take_while(|at| **at < *start + Duration::from_mins(1));
                let within = within.count();
                prop_assert!(within <= share, "{within} in a minute of {share}");
            }
        }
    }
}
