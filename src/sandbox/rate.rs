//! The limit of events per minute for each routing key. PagerDuty counts the events in the 60
//! seconds before each event, and does not ingest those above the limit.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::pagerduty::routing_key::RoutingKey;

const WINDOW: Duration = Duration::from_mins(1);
/// Above this number of keys, those without events in the last window are removed.
const KEYS_BEFORE_TIDYING: usize = 1_000;

#[derive(Debug)]
pub struct Rate {
    limit: usize,
    accepted: HashMap<RoutingKey, VecDeque<Instant>>,
}

impl Rate {
    /// At most `limit` events of each key in 60 seconds; 0 = unlimited.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit: limit as usize, accepted: HashMap::new() }
    }

    /// Counts one event; returns false if it is above the limit. A refused event is not counted, so
    /// a client that keeps trying succeeds as the window moves on.
    pub fn allow(&mut self, key: &RoutingKey, now: Instant) -> bool {
        if self.limit == 0 {
            return true;
        }
        if self.accepted.len() > KEYS_BEFORE_TIDYING {
            self.accepted.retain(|_, times| {
                times.back().is_some_and(|last| now.duration_since(*last) < WINDOW)
            });
        }
        let times = self.accepted.entry(key.clone()).or_default();
        while times.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            times.pop_front();
        }
        let allowed = times.len() < self.limit;
        if allowed {
            times.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_with_each_event() {
        let key: RoutingKey = "0".repeat(32).parse().unwrap();
        let other: RoutingKey = "1".repeat(32).parse().unwrap();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rate = Rate::new(2);
        assert!(rate.allow(&key, at(0)));
        assert!(rate.allow(&key, at(30)));
        assert!(!rate.allow(&key, at(59)));
        assert!(rate.allow(&other, at(59)), "each key has its own window");
        assert!(rate.allow(&key, at(60)), "the event of second 0 has left the window");
        assert!(!rate.allow(&key, at(61)), "the events of seconds 30 and 60 are in it");
        assert!(rate.allow(&key, at(90)));
    }
}
