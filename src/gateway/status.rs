//! How the gateway is doing: what page, JSON and metrics show.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::{Place, Shared};
use crate::queue::{Outbox, QueueState};
use crate::routing::KeyHealth;
use crate::routing::Target;
use crate::telemetry::{Counter, Counts, MINUTES, Row};

/// Targets that are shown by name, the longest queues; senders with keys of their own can
/// make any number.
const TARGETS: usize = 100;

/// How the gateway is doing.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    pub version: &'static str,
    pub at: DateTime<Utc>,
    /// None where the queue did not answer.
    pub queue: Option<Waiting>,
    /// None where one instance cannot know it.
    #[serde(flatten)]
    pub process: Option<Process>,
}

/// What waits for delivery.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    pub events: u64,
    pub oldest_seconds: Option<u64>,
    /// Events put aside for good.
    pub rejected: Option<u64>,
    /// Longest first.
    pub targets: Vec<Depth>,
    /// Events for targets that are not listed.
    pub others: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Depth {
    pub target: String,
    pub events: u64,
}

/// What this process did since it started.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    pub started: DateTime<Utc>,
    #[serde(flatten, serialize_with = "by_field")]
    pub counters: Vec<(&'static Row, Counter, u64)>,
    pub keys: Vec<Key>,
    /// The last hour, the newest last.
    pub minutes: Vec<Minute>,
    /// The newest first.
    pub refusals: Vec<Refusal>,
}

#[derive(Debug, Serialize)]
pub(super) struct Key {
    /// Its last four characters.
    pub key: String,
    pub state: KeyHealth,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Minute {
    pub at: DateTime<Utc>,
    pub accepted: u64,
    pub delivered: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub at: DateTime<Utc>,
    pub what: &'static str,
    pub why: String,
}

impl Status {
    pub(super) async fn of<Q: Outbox>(shared: &Shared<Q>) -> Self {
        let gateway = &shared.gateway;
        let state = shared.probe.state(&gateway.queue).await;
        let problem = state.ready.as_ref().err().map(ToString::to_string);
        let at = Utc::now();
        let process = (gateway.place == Place::Server).then(|| {
            let keys = gateway.keys.health().into_iter();
            let keys = keys.map(|(name, state)| (Target::Key(name), state)).collect();
            Process::new(shared.started, gateway.tally.read(), labelled(keys), at)
        });
        Self {
            ready: problem.is_none(),
            problem,
            version: env!("CARGO_PKG_VERSION"),
            at,
            queue: state.messages.map(|events| Waiting::new(events, state)),
            process,
        }
    }
}

impl Waiting {
    fn new(events: u64, state: QueueState) -> Self {
        let targets = labelled(state.by_target.into_iter().collect()).into_iter();
        let mut targets: Vec<Depth> =
            targets.map(|(target, events)| Depth { target, events }).collect();
        // Stable, so that equals stay where they are.
        targets.sort_by_key(|depth| std::cmp::Reverse(depth.events));
        let others = targets.iter().skip(TARGETS).map(|depth| depth.events).sum();
        targets.truncate(TARGETS);
        let oldest = if events == 0 { Some(Duration::ZERO) } else { state.oldest };
        let oldest_seconds = oldest.map(|age| age.as_secs());
        Self { events, oldest_seconds, rejected: state.rejected, targets, others }
    }
}

impl Process {
    fn new(
        started: DateTime<Utc>,
        counts: Counts,
        keys: Vec<(String, KeyHealth)>,
        at: DateTime<Utc>,
    ) -> Self {
        let minutes = minutes(&counts, at);
        let counters = counts.counters().collect();
        let mut refusals: Vec<_> = counts.refusals.into_iter().chain(counts.requests).collect();
        refusals.sort_by_key(|it| std::cmp::Reverse(it.at));
        Self {
            started,
            counters,
            keys: keys.into_iter().map(|(key, state)| Key { key, state }).collect(),
            minutes,
            refusals: refusals
                .into_iter()
                .map(|it| Refusal { at: it.at, what: it.what, why: it.why })
                .collect(),
        }
    }
}

fn by_field<S: Serializer>(
    counters: &[(&Row, Counter, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counters.iter().map(|(_, counter, sum)| (counter.field, sum)))
}

/// Every minute of the last hour, those in which nothing happened too.
fn minutes(counts: &Counts, at: DateTime<Utc>) -> Vec<Minute> {
    let known: BTreeMap<i64, _> = counts.minutes.iter().map(|it| (it.minute, it)).collect();
    let newest = at.timestamp().div_euclid(60);
    (newest - MINUTES + 1..=newest)
        .filter_map(|minute| {
            let known = known.get(&minute);
            Some(Minute {
                at: DateTime::from_timestamp(60 * minute, 0)?,
                accepted: known.map_or(0, |it| it.accepted),
                delivered: known.map_or(0, |it| it.delivered),
            })
        })
        .collect()
}

/// Names for people and for metrics, each once: two keys can end with the same four
/// characters.
fn labelled<T>(targets: Vec<(Target, T)>) -> Vec<(String, T)> {
    let mut taken = HashSet::new();
    let label = |(target, value)| {
        let name = match target {
            Target::Pool(name) => name,
            Target::Key(name) => name.masked(),
        };
        let names = (2..).map(|number| format!("{name} ({number})"));
        let mut free = std::iter::once(name.clone()).chain(names);
        (free.find(|name| taken.insert(name.clone())).unwrap_or(name), value)
    };
    targets.into_iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Fingerprint;
    use crate::telemetry::{Signal, Tally};

    fn key(number: u32) -> Target {
        let key = format!("{number:028x}cdef").parse().unwrap();
        Target::Key(Fingerprint::of(&key))
    }

    #[test]
    fn names_are_unique_and_the_longest_queues_are_listed() {
        let mut state = QueueState::default();
        for number in 0..150 {
            state.by_target.insert(key(number), u64::from(number));
        }
        state.by_target.insert(Target::Pool("…cdef (2)".to_owned()), 500);
        let waiting = Waiting::new(1_000, state);
        let names: HashSet<_> = waiting.targets.iter().map(|depth| &depth.target).collect();
        assert_eq!(names.len(), TARGETS);
        assert_eq!(waiting.targets[0].events, 500);
        let listed: u64 = waiting.targets.iter().map(|depth| depth.events).sum();
        assert_eq!(listed + waiting.others, 500 + (0..150).sum::<u64>());
    }

    #[test]
    fn an_hour_has_sixty_minutes_whatever_happened() {
        let tally = Tally::default();
        let at: DateTime<Utc> = "2026-11-21T10:00:30Z".parse().unwrap();
        let accepted = Signal::Accepted { dedup_key: "k", endpoint: "v2" };
        tally.count(&accepted, at - chrono::TimeDelta::minutes(59));
        tally.count(&accepted, at);
        let minutes = minutes(&tally.read(), at);
        assert_eq!(minutes.len(), 60);
        assert_eq!((minutes[0].accepted, minutes[59].accepted), (1, 1));
        assert_eq!(minutes[59].at.to_rfc3339(), "2026-11-21T10:00:00+00:00");
        assert_eq!(minutes.iter().map(|it| it.accepted).sum::<u64>(), 2);
    }
}
