//! The schedule compared with a simple model, and many events through rate-limited keys.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::pace::{Bucket, Pace, Turn};

const LATER: Duration = Duration::from_hours(24);

fn pool() -> Target {
    Target::Pool("default".to_owned())
}

fn key(number: usize) -> Fingerprint {
    Fingerprint::of(&format!("{number:032x}").parse::<RoutingKey>().unwrap())
}

fn group(number: usize) -> GroupKey {
    GroupKey::of(&number.to_string())
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, Clone)]
enum Step {
    Add {
        group: usize,
        severity: Severity,
    },
    Take(usize),
    GiveBack(usize),
    /// Settles the first messages of a receive, and postpones the rest.
    Settle {
        receive: usize,
        done: usize,
        wait: Option<Wait>,
    },
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        3 => (1u64..5_000).prop_map(|wait| Wait::Failed(millis(wait))),
        2 => (1u64..5_000, 0usize..3)
            .prop_map(|(wait, number)| Wait::Turn { wait: millis(wait), key: key(number) }),
    ];
    let step = prop_oneof![
        6 => (0usize..12, 0u8..5).prop_map(|(group, severity)| Step::Add { group, severity }),
        4 => (1usize..12).prop_map(Step::Take),
        1 => (0usize..4).prop_map(Step::GiveBack),
        5 => (0usize..4, 0usize..10, prop::option::weighted(0.7, wait))
            .prop_map(|(receive, done, wait)| Step::Settle { receive, done, wait }),
        2 => (0u64..4_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..120)
}

/// Targets 0 and 1 are pools, target 2 is a key.
fn target_of(group: usize) -> (TargetId, Target) {
    match group % 3 {
        2 => (2, Target::Key(key(9))),
        number => (i64::try_from(number).unwrap(), Target::Pool(format!("pool-{number}"))),
    }
}

/// Every message with its severity, by group, and what is known of each group.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<usize, Vec<(MessageId, Severity)>>,
    under_way: BTreeSet<usize>,
    due: BTreeMap<usize, Duration>,
    /// Targets with a key that sent events back: they follow turns.
    paced: BTreeSet<TargetId>,
}

impl Model {
    fn may_go(&self, group: usize, now: Duration) -> bool {
        !self.under_way.contains(&group) && self.due.get(&group).is_none_or(|due| *due <= now)
    }

    fn rank(&self, group: usize) -> (Reverse<Severity>, MessageId) {
        let waiting = &self.waiting[&group];
        (Reverse(waiting.iter().map(|it| it.1).max().unwrap()), waiting[0].0)
    }

    fn number(&self, key: GroupKey) -> usize {
        *self.waiting.keys().find(|number| group(**number) == key).unwrap()
    }

    fn take(
        &mut self,
        taken: &[Received],
        most: usize,
        now: Duration,
    ) -> Result<(), TestCaseError> {
        let count: usize = taken.iter().map(|taken| taken.ids.len()).sum();
        prop_assert!(count <= most);
        let numbers: Vec<usize> = taken.iter().map(|taken| self.number(taken.group)).collect();
        for (taken, number) in taken.iter().zip(&numbers) {
            prop_assert!(self.may_go(*number, now), "{} is not to go", number);
            let order = self.waiting[number].iter().map(|it| it.0);
            prop_assert!(order.take(taken.ids.len()).eq(taken.ids.iter().copied()));
        }
        for left in self.waiting.keys().filter(|it| self.may_go(**it, now)) {
            let target = target_of(*left).0;
            if numbers.contains(left) || self.paced.contains(&target) {
                continue;
            }
            prop_assert_eq!(count, most, "{} could go and was not taken", left);
            for other in numbers.iter().filter(|it| target_of(**it).0 == target) {
                prop_assert!(self.rank(*other) < self.rank(*left), "{} before {}", other, left);
            }
        }
        self.under_way.extend(numbers);
        Ok(())
    }

    fn gone(&mut self, number: usize, id: MessageId) {
        let waiting = self.waiting.get_mut(&number).unwrap();
        waiting.retain(|it| it.0 != id);
        if waiting.is_empty() {
            self.waiting.remove(&number);
        }
    }

    fn by_target(&self) -> BTreeMap<Target, u64> {
        let mut counts = BTreeMap::new();
        for (number, waiting) in &self.waiting {
            *counts.entry(target_of(*number).1).or_default() += waiting.len() as u64;
        }
        counts
    }
}

fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut schedule, mut model) = (Schedule::default(), Model::default());
    let (mut now, mut id) = (Duration::ZERO, 0);
    let mut receives: Vec<Received> = Vec::new();
    for step in steps {
        match step {
            Step::Add { group: number, severity } => {
                id += 1;
                let (target_id, target) = target_of(number);
                schedule.add(now, id, group(number), severity, (target_id, &target));
                model.waiting.entry(number).or_default().push((id, severity));
            }
            Step::Take(most) => {
                let taken = schedule.take(now, most);
                model.take(&taken, most, now)?;
                receives.extend(taken);
            }
            Step::GiveBack(at) if at < receives.len() => {
                let taken = receives.remove(at);
                model.under_way.remove(&model.number(taken.group));
                schedule.give_back(now, &taken);
            }
            Step::Settle { receive, done, wait } if receive < receives.len() => {
                let taken = receives.remove(receive);
                let number = model.number(taken.group);
                let done = if wait.is_none() { taken.ids.len() } else { done };
                let done = done.min(taken.ids.len());
                for id in &taken.ids[..done] {
                    schedule.remove(now, taken.group, *id);
                    model.gone(number, *id);
                }
                model.under_way.remove(&number);
                let rest = &taken.ids[done..];
                for id in rest {
                    schedule.postpone(
                        now,
                        taken.group,
                        (taken.receipt, *id),
                        &wait.clone().unwrap(),
                    );
                }
                match wait.filter(|_| !rest.is_empty()) {
                    Some(Wait::Failed(wait)) => drop(model.due.insert(number, now + wait)),
                    Some(Wait::Turn { .. }) => drop(model.paced.insert(target_of(number).0)),
                    None => {}
                }
            }
            Step::Pass(passed) => now += millis(passed),
            Step::GiveBack(_) | Step::Settle { .. } => {}
        }
        prop_assert_eq!(schedule.by_target(), model.by_target());
    }
    // Messages that were being delivered were lost with their receivers. All of them come back, in
    // order.
    model.under_way.clear();
    while !model.waiting.is_empty() {
        now += LATER;
        for taken in schedule.take(now, 10) {
            let number = model.number(taken.group);
            prop_assert_eq!(taken.ids[0], model.waiting[&number][0].0);
            for id in &taken.ids {
                schedule.remove(now, taken.group, *id);
                model.gone(number, *id);
            }
        }
    }
    prop_assert!(schedule.take(now, 10).is_empty());
    prop_assert_eq!((schedule.groups.len(), schedule.targets.len()), (0, 0));
    prop_assert_eq!((schedule.lanes.len(), schedule.wakeups.len()), (0, 0));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_group_in_order_and_the_most_severe_first(steps in steps()) {
        play(steps)?;
    }
}

/// Messages through rate-limited keys, by workers that take ten at a time.
struct Storm {
    target: Target,
    keys: usize,
    per_minute: u32,
    /// When each message comes, the number of its key, and its severity. Each is its own group.
    arrivals: Vec<(Duration, usize, Severity)>,
}

#[derive(Debug, Default)]
struct Outcome {
    /// When each message was delivered.
    delivered: BTreeMap<MessageId, Duration>,
    asked: usize,
    /// Takes that returned nothing.
    idle: usize,
}

impl Storm {
    fn play(&self) -> Outcome {
        const WORKERS: usize = 4;
        let pace = Pace::share(self.per_minute, 1);
        let mut buckets = vec![Bucket::new(pace, Duration::ZERO); self.keys];
        let mut schedule = Schedule::default();
        let mut outcome = Outcome::default();
        let mut arrivals = self.arrivals.iter().zip(0..).peekable();
        // The turns that workers reserved, and how much each worker still holds.
        let mut turns: BinaryHeap<Reverse<(Duration, usize, MessageId)>> = BinaryHeap::new();
        let mut in_hand = [0usize; WORKERS];
        let mut now = Duration::ZERO;
        while outcome.delivered.len() < self.arrivals.len() {
            while let Some(((_, _, severity), id)) = arrivals.next_if(|it| it.0.0 <= now) {
                let number = usize::try_from(id).unwrap();
                schedule.add(now, id, group(number), *severity, (1, &self.target));
            }
            while let Some(Reverse((_, worker, id))) =
                turns.peek().copied().filter(|Reverse((at, ..))| *at <= now)
            {
                turns.pop();
                in_hand[worker] -= 1;
                schedule.remove(now, group(usize::try_from(id).unwrap()), id);
                outcome.delivered.insert(id, now);
            }
            for (worker, in_hand) in in_hand.iter_mut().enumerate() {
                while *in_hand == 0 {
                    let mut batch = schedule.take(now, 10);
                    if batch.is_empty() {
                        outcome.idle += 1;
                        break;
                    }
                    let severity = |id: &MessageId| self.arrivals[usize::try_from(*id).unwrap()].2;
                    batch.sort_by_key(|taken| Reverse(severity(&taken.ids[0])));
                    for taken in batch {
                        outcome.asked += 1;
                        let id = taken.ids[0];
                        let of = self.arrivals[usize::try_from(id).unwrap()].1;
                        match buckets[of].turn(now, Duration::from_secs(2)) {
                            Turn::In(wait) => {
                                *in_hand += 1;
                                turns.push(Reverse((now + wait, worker, id)));
                            }
                            Turn::ComeBack(wait) => schedule.postpone(
                                now,
                                taken.group,
                                (taken.receipt, id),
                                &Wait::Turn { wait, key: key(of) },
                            ),
                        }
                    }
                }
            }
            let next = [
                arrivals.peek().map(|it| it.0.0),
                turns.peek().map(|Reverse((at, ..))| *at),
                schedule.next().filter(|_| in_hand.contains(&0)),
            ];
            let Some(next) = next.into_iter().flatten().min() else { break };
            now = now.max(next);
        }
        assert_eq!(outcome.delivered.len(), self.arrivals.len(), "nothing is left behind");
        outcome
    }
}

fn at_once(count: usize, keys: usize) -> Vec<(Duration, usize, Severity)> {
    (0..count).map(|number| (Duration::ZERO, number * 7 % keys, 2)).collect()
}

/// The minutes that a key needs at its limit, after its burst.
fn sustained(count: usize, per_minute: u32) -> f64 {
    let (count, per_minute) = (f64::from(u32::try_from(count).unwrap()), f64::from(per_minute));
    count / (per_minute - (per_minute / 10.0).max(1.0))
}

#[test]
fn many_events_through_one_key_go_at_its_pace_with_few_attempts() {
    for target in [pool(), Target::Key(key(0))] {
        for (count, per_minute) in [(3_000, 120), (60, 2), (20_000, 6_000)] {
            let storm =
                Storm { target: target.clone(), keys: 1, per_minute, arrivals: at_once(count, 1) };
            let outcome = storm.play();
            let minutes = outcome.delivered.values().max().unwrap().as_secs_f64() / 60.0;
            let least = sustained(count, per_minute);
            assert!(minutes < least * 1.15 + 1.0, "{target:?} {per_minute}: {minutes} of {least}");
            assert!(outcome.asked < count * 4, "{target:?} {per_minute}: {outcome:.0?}");
            assert!(outcome.idle < count * 20, "{target:?} {per_minute}: {}", outcome.idle);
        }
    }
}

#[test]
fn a_pools_keys_all_go_at_their_pace() {
    for keys in [2, 5, 20] {
        let storm = Storm { target: pool(), keys, per_minute: 120, arrivals: at_once(4_000, keys) };
        let outcome = storm.play();
        let minutes = outcome.delivered.values().max().unwrap().as_secs_f64() / 60.0;
        let least = sustained(4_000 / keys, 120);
        assert!(minutes < least * 1.2 + 1.0, "{keys} keys: {minutes} of {least}");
        assert!(outcome.asked < 4_000 * 4, "{keys} keys: {}", outcome.asked);
    }
}

#[test]
fn critical_ones_do_not_wait_behind_the_others() {
    for (target, keys) in [(pool(), 1), (pool(), 3), (Target::Key(key(0)), 1)] {
        let mut arrivals = at_once(2_000, keys);
        let at = Duration::from_mins(2);
        arrivals.extend((0..5).map(|number| (at, number % keys, 4)));
        let storm = Storm { target: target.clone(), keys, per_minute: 120, arrivals };
        let outcome = storm.play();
        for id in 2_000..2_005 {
            let waited = outcome.delivered[&id].checked_sub(at).unwrap();
            assert!(waited < Duration::from_secs(10), "{target:?}, {keys} keys: {waited:?}");
        }
    }
}

#[test]
fn a_spent_key_does_not_hold_the_events_of_a_free_one() {
    // One of ten keys has very many events; the others have a few events behind those.
    let mut arrivals: Vec<_> = (0..3_000).map(|_| (Duration::ZERO, 0, 2)).collect();
    let at = Duration::from_mins(1);
    arrivals.extend((0..27).map(|number| (at, 1 + number % 9, 2)));
    let outcome = Storm { target: pool(), keys: 10, per_minute: 120, arrivals }.play();
    // The events before them are tried first, some each second; through their own key they need
    // half an hour.
    let last =
        (3_000..3_027).map(|id| outcome.delivered[&id].checked_sub(at).unwrap()).max().unwrap();
    assert!(last < Duration::from_mins(2), "{last:?}");
}

#[test]
fn lost_messages_come_back_and_a_late_answer_blocks_nothing() {
    let mut schedule = Schedule::default();
    let now = Duration::ZERO;
    schedule.add(now, 1, group(1), 0, (1, &pool()));
    schedule.add(now, 2, group(1), 0, (1, &pool()));
    let first = schedule.take(now, 1).remove(0);
    assert!(schedule.take(now, 10).is_empty(), "the group is under way");
    assert_eq!(schedule.next(), Some(LEASE));
    let again = schedule.take(LEASE, 10).remove(0);
    assert_eq!((again.ids.as_slice(), again.attempts), ([1, 2].as_slice(), 2));
    let late = Wait::Failed(LATER);
    schedule.postpone(LEASE, first.group, (first.receipt, 1), &late);
    schedule.remove(LEASE, first.group, 1);
    schedule.remove(LEASE, first.group, 1);
    schedule.postpone(LEASE, again.group, (again.receipt, 2), &Wait::Failed(millis(5)));
    assert_eq!(schedule.take(LEASE + millis(5), 10)[0].ids, [2]);
}

#[test]
fn attempts_count_failures_of_the_first_and_no_turns() {
    let mut schedule = Schedule::default();
    let now = Duration::ZERO;
    schedule.add(now, 1, group(1), 0, (1, &pool()));
    schedule.add(now, 2, group(1), 0, (1, &pool()));
    let mut expected = 0;
    for wait in [
        Wait::Failed(Duration::ZERO),
        Wait::Turn { wait: Duration::ZERO, key: key(0) },
        Wait::Failed(Duration::ZERO),
    ] {
        let taken = schedule.take(now, 10).remove(0);
        assert_eq!(taken.attempts, expected + 1);
        expected += u32::from(matches!(wait, Wait::Failed(_)));
        for id in taken.ids {
            schedule.postpone(now, taken.group, (taken.receipt, id), &wait);
        }
    }
    let taken = schedule.take(now, 10).remove(0);
    schedule.remove(now, taken.group, 1);
    schedule.postpone(now, taken.group, (taken.receipt, 2), &Wait::Failed(Duration::ZERO));
    assert_eq!(schedule.take(now, 10)[0].attempts, 2, "of the second message");
}
