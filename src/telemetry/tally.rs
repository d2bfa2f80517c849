//! Counts in memory what happened since the start, for the status page and for Prometheus.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, Utc};

use super::{Counter, METRICS, Metric, Row, Signal};
use crate::lock::lock;
use crate::text::{cut, one_line};

/// Minutes that the chart shows.
pub const MINUTES: i64 = 60;
/// The number of refusals that are kept: the newest.
const REFUSALS: usize = 20;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// A copy of the counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The sum of each metric's values, in the order of the rows.
    sums: [u64; METRICS.len()],
    /// The last minutes, the newest last.
    pub minutes: VecDeque<Minute>,
    /// The last refused events and keys, the newest last.
    pub refusals: VecDeque<RecentRefusal>,
    /// The last refused requests, separate from the events because anyone can cause them.
    pub requests: VecDeque<RecentRefusal>,
}

/// What happened within one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// Minutes since 1970.
    pub minute: i64,
    pub accepted: u64,
    pub delivered: u64,
}

/// Something that was refused: a request by us, an event or a key by PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRefusal {
    pub at: DateTime<Utc>,
    pub what: &'static str,
    pub why: String,
}

impl Tally {
    /// Counts what a signal says.
    pub fn count(&self, signal: &Signal<'_>, now: DateTime<Utc>) {
        let mut counts = self.counts();
        for (metric, value) in signal.values(now) {
            counts.add(metric, value, now);
        }
        match *signal {
            Signal::Rejected { why, .. } => counts.refusal(now, "event", why),
            Signal::KeyRefused { key, why } => {
                counts.refusal(now, "routing key", &format!("{key}: {why}"));
            }
            Signal::RequestRefused { status, why, .. } => {
                keep(&mut counts.requests, now, "request", &format!("HTTP {status}: {why}"));
            }
            _ => {}
        }
    }

    /// The counts now.
    #[must_use]
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.0)
    }
}

impl Counts {
    /// The sum of the metric's values.
    #[must_use]
    pub fn sum(&self, metric: Metric) -> u64 {
        self.sums[metric as usize]
    }

    /// What a server shows: each counter with its row and its sum.
    pub fn counters(&self) -> impl Iterator<Item = (&'static Row, Counter, u64)> {
        METRICS.iter().filter_map(|row| Some((row, row.counter?, self.sum(row.metric))))
    }

    fn add(&mut self, metric: Metric, value: u64, now: DateTime<Utc>) {
        self.sums[metric as usize] += value;
        match metric {
            Metric::TakenIn => self.minute(now).accepted += value,
            Metric::Delivered => self.minute(now).delivered += value,
            _ => {}
        }
    }

    fn minute(&mut self, now: DateTime<Utc>) -> &mut Minute {
        let minute = now.timestamp().div_euclid(60);
        // If the clock is set back a little, the newest minute goes on counting. If the clock was
        // far ahead, its minutes are dropped.
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

fn keep(list: &mut VecDeque<RecentRefusal>, at: DateTime<Utc>, what: &'static str, why: &str) {
    if list.len() == REFUSALS {
        list.pop_front();
    }
    list.push_back(RecentRefusal { at, what, why: cut(&one_line(why), 200) });
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
        let (accepted, refused) =
            (counts.sum(Metric::TakenIn), counts.sum(Metric::RequestsRefused));
        assert_eq!((accepted, refused), (5, 30));
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
