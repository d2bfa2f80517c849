//! What happened so far, counted in memory: for the status page and for Prometheus.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Signal;
use crate::text::{cut, one_line};

/// Minutes that the chart shows.
pub const MINUTES: i64 = 60;
/// Refusals that are kept, the newest.
const REFUSALS: usize = 20;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// A copy of the counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events taken in.
    pub accepted: u64,
    /// Requests that were answered with an error.
    pub refused: u64,
    /// Events that PagerDuty took.
    pub delivered: u64,
    /// Attempts that did not succeed, and are made again.
    pub postponed: u64,
    /// Those among them that PagerDuty answered with 429.
    pub rate_limited: u64,
    /// Events put aside for good.
    pub rejected: u64,
    /// How often PagerDuty did not take a routing key.
    pub keys_refused: u64,
    /// The last minutes, the newest last.
    pub minutes: VecDeque<Minute>,
    /// The last events and keys that were not taken, the newest last.
    pub refusals: VecDeque<Refusal>,
    /// The last requests that were not, apart: everybody can cause them.
    pub requests: VecDeque<Refusal>,
}

/// What happened within one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// Minutes since 1970.
    pub minute: i64,
    pub accepted: u64,
    pub delivered: u64,
}

/// Something that was not taken: a request by us, an event or a key by PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub at: DateTime<Utc>,
    pub what: &'static str,
    pub why: String,
}

impl Tally {
    /// Counts what a signal tells of.
    pub fn count(&self, signal: &Signal<'_>, now: DateTime<Utc>) {
        let mut counts = self.counts();
        match *signal {
            Signal::Accepted { .. } | Signal::Triggered { .. } | Signal::Resolved { .. } => {
                counts.accepted += 1;
                counts.minute(now).accepted += 1;
            }
            Signal::Delivered { .. } => {
                counts.delivered += 1;
                counts.minute(now).delivered += 1;
            }
            Signal::Later { why, .. } => {
                counts.postponed += 1;
                counts.rate_limited += u64::from(why == "HTTP 429");
            }
            Signal::Rejected { why, .. } => {
                counts.rejected += 1;
                counts.refusal(now, "event", why);
            }
            Signal::KeyRefused { key, why } => {
                counts.keys_refused += 1;
                counts.refusal(now, "routing key", &format!("{key}: {why}"));
            }
            Signal::RequestRefused { status, why, .. } => {
                counts.refused += 1;
                keep(&mut counts.requests, now, "request", &format!("HTTP {status}: {why}"));
            }
            Signal::Bare { .. } | Signal::Paced { .. } | Signal::Amiss { .. } => {}
        }
    }

    /// The counts now.
    #[must_use]
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn minute(&mut self, now: DateTime<Utc>) -> &mut Minute {
        let minute = now.timestamp().div_euclid(60);
        // A clock set back goes on counting in the newest minute.
        // One that was far ahead is forgotten.
        self.minutes.retain(|it| it.minute < minute + MINUTES);
        if self.minutes.back().is_none_or(|last| last.minute < minute) {
            self.minutes.push_back(Minute { minute, ..Minute::default() });
            self.minutes.retain(|it| it.minute > minute - MINUTES);
        }
        let last = self.minutes.len() - 1;
        &mut self.minutes[last]
    }

    fn refusal(&mut self, at: DateTime<Utc>, what: &'static str, why: &str) {
        keep(&mut self.refusals, at, what, why);
    }
}

fn keep(list: &mut VecDeque<Refusal>, at: DateTime<Utc>, what: &'static str, why: &str) {
    if list.len() == REFUSALS {
        list.pop_front();
    }
    list.push_back(Refusal { at, what, why: cut(&one_line(why), 200) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_refusals_are_kept_for_a_while() {
        let tally = Tally::default();
        let accepted = Signal::Accepted { dedup_key: "k", endpoint: "v2" };
        let at = |minute: i64| DateTime::from_timestamp(60 * minute, 0).unwrap();
        for minute in [1_000, 1_000, 999, 1_001, 1_070] {
            tally.count(&accepted, at(minute));
        }
        for status in 0..30 {
            tally.count(&Signal::RequestRefused { status, why: "a\nb", peer: "" }, at(1_070));
        }
        let counts = tally.read();
        assert_eq!((counts.accepted, counts.refused), (5, 30));
        assert_eq!(counts.minutes.len(), 1, "an hour later only the new minute is left");
        assert_eq!(counts.requests.len(), REFUSALS);
        assert_eq!(counts.requests[0].why, "HTTP 10: a b");
    }

    #[test]
    fn what_pagerduty_refused_is_not_lost_among_the_requests_of_others() {
        let tally = Tally::default();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        tally.count(&Signal::Rejected { dedup_key: "k", why: "HTTP 400" }, now);
        for _ in 0..2 * REFUSALS {
            tally.count(&Signal::RequestRefused { status: 404, why: "", peer: "" }, now);
        }
        assert_eq!(tally.read().refusals[0].why, "HTTP 400");
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_is_forgotten() {
        let tally = Tally::default();
        let accepted = Signal::Accepted { dedup_key: "k", endpoint: "v2" };
        let at = |minute: i64| DateTime::from_timestamp(60 * minute, 0).unwrap();
        for minute in [1_000_000, 1_000] {
            tally.count(&accepted, at(minute));
        }
        assert_eq!(tally.read().minutes.back().unwrap().minute, 1_000);
    }
}
