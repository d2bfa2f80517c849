//! Decides which messages go next. Plain values: no clock, no disk; bodies stay on disk.
//!
//! A group is ready, being delivered, or waiting after a failure. The ready groups of a routing
//! target are in a *lane*, the most severe first, then the oldest. Lanes that can give a group are
//! in a list and give one group each in turn, so that no target blocks another.
//!
//! A key at its rate limit sends events back, each with a turn: the time when the key is free
//! again. The turn belongs to the key, not to the event. When it comes, the most severe group of
//! the key's lane uses it. The others stay in the lane, however many there are. When no turn is
//! left, groups can be tried freely again.
//!
//! - A target that is one key has one lane. New events wait for turns like the others.
//! - In a pool, the key of an alert is unknown until its event was tried once. So a pool has one
//!   lane for groups with unknown keys, and one lane for each key that sent events back. While
//!   there are such keys, the first lane gives only a few groups a second, and ten more for each
//!   that did not have to wait. So free keys get their events, events of a key at its limit are
//!   tried about once each, and a pool with one key does not try in a loop.
//!
//! Every wait ends at a known time: [`Schedule::next`] says when to look again.

mod group;
mod lane;
mod lanes;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem;
use std::time::Duration;

use group::{Group, Lease, Phase, Removed, Waiting};
use lane::{Lane, LaneId, Opening, Probes};
use sha2::{Digest as _, Sha256};

use crate::queue::Wait;
use crate::routing::{Fingerprint, Target};

/// Messages accepted later have greater ids.
pub(super) type MessageId = i64;
/// The row of the target.
pub(super) type TargetId = i64;
/// From 0, unknown, to 4, critical.
pub(super) type Severity = u8;

/// Received messages that were not settled after this time come back: the receiver is gone.
const LEASE: Duration = Duration::from_mins(15);

/// The hash of a group's name, since waiting messages must use little memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupKey([u64; 2]);

impl GroupKey {
    pub(super) fn of(group: &str) -> Self {
        let hash = Sha256::digest(group.as_bytes());
        let number = |at: usize| {
            hash[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        Self([number(0), number(8)])
    }
}

/// Messages of one group that were received together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) group: GroupKey,
    /// The name of this receive.
    pub(super) receipt: u64,
    pub(super) ids: Vec<MessageId>,
    /// How often the first message was tried, including this time.
    pub(super) attempts: u32,
}

#[derive(Debug, Default)]
pub(super) struct Schedule {
    // Not a hash map, which pauses for a moment when it grows.
    groups: BTreeMap<GroupKey, Group>,
    targets: HashMap<TargetId, Route>,
    lanes: HashMap<LaneId, Lane>,
    /// Keys that sent events back, by number.
    keys: Vec<Fingerprint>,
    /// Lanes that can give a group, each once.
    listed: VecDeque<LaneId>,
    wakeups: BTreeSet<(Duration, Wakeup)>,
    takings: u64,
}

#[derive(Debug)]
struct Route {
    target: Target,
    messages: u64,
    probes: Probes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wakeup {
    Group(GroupKey),
    Lane(LaneId),
}

impl Schedule {
    /// Adds a message after all others of its group.
    pub(super) fn add(
        &mut self,
        now: Duration,
        id: MessageId,
        key: GroupKey,
        severity: Severity,
        (target_id, target): (TargetId, &Target),
    ) {
        let added = Waiting { id, severity };
        if let Some(group) = self.groups.get_mut(&key) {
            if let Some(route) = self.targets.get_mut(&group.lane.target) {
                route.messages += 1;
            }
            let before = group.rank(key);
            group.rest.push_back(added);
            group.most_severe = group.most_severe.max(severity);
            if let (Phase::Ready, Some(lane)) = (&group.state, self.lanes.get_mut(&group.lane)) {
                lane.ready.remove(&before);
                lane.ready.insert(group.rank(key));
            }
            return;
        }
        let route = self.targets.entry(target_id).or_insert_with(|| Route {
            target: target.clone(),
            messages: 0,
            probes: Probes::default(),
        });
        route.messages += 1;
        let lane = LaneId { target: target_id, key: None };
        let group = Group {
            lane,
            first: added,
            rest: VecDeque::new(),
            most_severe: severity,
            failures: 0,
            state: Phase::Ready,
        };
        self.enter(lane);
        self.make_ready(lane, group.rank(key));
        self.groups.insert(key, group);
        self.refresh(lane, now);
    }

    /// Takes up to `most` messages of groups that can go now.
    pub(super) fn take(&mut self, now: Duration, most: usize) -> Vec<Received> {
        self.wake(now);
        let mut batch = Vec::new();
        let mut left = most;
        while left > 0 {
            let Some(id) = self.listed.pop_front() else { break };
            let opening = self.opening(id, now);
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.listed = false;
            if opening == Opening::Now
                && let Some(rank) = lane.ready.pop_first()
            {
                lane.spend(now);
                if let Some(probes) = self.probes(id) {
                    probes.spend(now);
                }
                let taken = self.hand_over(now, rank.group, left);
                left -= taken.as_ref().map_or(0, |taken| taken.ids.len());
                batch.extend(taken);
            }
            self.refresh(id, now);
        }
        batch
    }

    /// Takes up to `most` messages of this group, if nobody else has.
    pub(super) fn take_group(
        &mut self,
        now: Duration,
        key: GroupKey,
        most: usize,
    ) -> Option<Received> {
        let group = self.groups.get(&key)?;
        match group.state {
            Phase::Delivering(_) => return None,
            Phase::Postponed(due) => drop(self.wakeups.remove(&(due, Wakeup::Group(key)))),
            Phase::Ready => {
                let rank = group.rank(key);
                self.lanes.get_mut(&group.lane)?.ready.remove(&rank);
            }
        }
        self.hand_over(now, key, most)
    }

    /// The first messages of groups whose first message was tried, the oldest first, at most `most`.
    pub(super) fn tried(&self, most: usize) -> Vec<(GroupKey, MessageId)> {
        let groups = self.groups.iter();
        let tried = groups.filter(|(_, group)| {
            group.failures > 0 && !matches!(group.state, Phase::Delivering(_))
        });
        let mut tried: Vec<_> = tried.map(|(key, group)| (*key, group.first.id)).collect();
        tried.sort_unstable_by_key(|(_, id)| *id);
        tried.truncate(most);
        tried
    }

    fn hand_over(&mut self, now: Duration, key: GroupKey, most: usize) -> Option<Received> {
        let group = self.groups.get_mut(&key)?;
        let ids: Vec<MessageId> = group.ids().take(most).collect();
        self.takings += 1;
        let (receipt, until) = (self.takings, now + LEASE);
        group.state =
            Phase::Delivering(Box::new(Lease { receipt, until, open: ids.clone(), wait: None }));
        self.wakeups.insert((until, Wakeup::Group(key)));
        Some(Received { group: key, receipt, ids, attempts: group.failures + 1 })
    }

    /// Puts back messages that were taken but not tried.
    pub(super) fn give_back(&mut self, now: Duration, taken: &Received) {
        let Some(group) = self.groups.get_mut(&taken.group) else { return };
        let lane = group.lane;
        let Phase::Delivering(lease) = &mut group.state else { return };
        if lease.receipt != taken.receipt {
            return;
        }
        lease.open.clear();
        if let Some(probes) = self.probes(lane) {
            probes.refund();
        } else if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.refund(now);
        }
        self.settle(now, taken.group);
    }

    /// Removes a message, taken or not.
    pub(super) fn remove(&mut self, now: Duration, key: GroupKey, id: MessageId) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let (lane, before) = (group.lane, group.rank(key));
        let Some(removed) = group.remove(id) else { return };
        let route = self.targets.get_mut(&lane.target);
        if let Some(route) = route {
            route.messages -= 1;
        }
        let settled = match &mut group.state {
            Phase::Delivering(lease) => {
                lease.open.retain(|open| *open != id);
                lease.open.is_empty()
            }
            Phase::Ready => {
                if let Some(lane) = self.lanes.get_mut(&lane) {
                    lane.ready.remove(&before);
                    lane.ready.extend((removed == Removed::One).then(|| group.rank(key)));
                }
                false
            }
            Phase::Postponed(_) => false,
        };
        if removed == Removed::Last {
            self.forget(now, key);
        } else if settled {
            self.succeeded(lane);
            self.settle(now, key);
        }
    }

    /// Makes a taken message come back. Its group comes back when everything taken from it is
    /// settled.
    pub(super) fn postpone(
        &mut self,
        now: Duration,
        key: GroupKey,
        (receipt, id): (u64, MessageId),
        wait: &Wait,
    ) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let lane = group.lane;
        let Phase::Delivering(lease) = &mut group.state else { return };
        let open = lease.open.iter().position(|open| *open == id);
        let Some(at) = open.filter(|_| lease.receipt == receipt) else { return };
        lease.open.remove(at);
        lease.wait = Some(wait.clone());
        if lease.open.is_empty() {
            if matches!(wait, Wait::Failed(_)) {
                self.succeeded(lane);
            }
            self.settle(now, key);
        }
    }

    /// When to look again, if nothing else happens.
    pub(super) fn next(&self) -> Option<Duration> {
        self.wakeups.first().map(|(at, _)| *at)
    }

    /// Messages that wait or are being delivered, by target.
    pub(super) fn by_target(&self) -> BTreeMap<Target, u64> {
        self.targets.values().map(|route| (route.target.clone(), route.messages)).collect()
    }

    /// Puts a group in its place when none of its messages is being delivered any more.
    fn settle(&mut self, now: Duration, key: GroupKey) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Phase::Delivering(lease) = mem::replace(&mut group.state, Phase::Ready) else { return };
        self.wakeups.remove(&(lease.until, Wakeup::Group(key)));
        let from = group.lane;
        match lease.wait {
            None => {}
            Some(Wait::Failed(wait)) => {
                group.failures = group.failures.saturating_add(1);
                group.state = Phase::Postponed(now + wait);
                self.wakeups.insert((now + wait, Wakeup::Group(key)));
                return self.refresh(from, now);
            }
            Some(Wait::Turn { wait, key: fingerprint }) => {
                let to = self.lane_of(from, fingerprint);
                if let Some(group) = self.groups.get_mut(&key).filter(|_| to != from) {
                    group.lane = to;
                    self.leave(now, from);
                    self.enter(to);
                }
                if let Some(lane) = self.lanes.get_mut(&to) {
                    lane.turns.push(Reverse(now + wait));
                }
            }
        }
        let Some(group) = self.groups.get(&key) else { return };
        let (lane, rank) = (group.lane, group.rank(key));
        self.make_ready(lane, rank);
        self.refresh(lane, now);
        self.refresh(from, now);
    }

    /// Removes a group after its last message.
    fn forget(&mut self, now: Duration, key: GroupKey) {
        let Some(group) = self.groups.remove(&key) else { return };
        match group.state {
            Phase::Delivering(lease) => {
                self.wakeups.remove(&(lease.until, Wakeup::Group(key)));
                self.succeeded(group.lane);
            }
            Phase::Postponed(due) => drop(self.wakeups.remove(&(due, Wakeup::Group(key)))),
            Phase::Ready => {}
        }
        self.leave(now, group.lane);
        self.refresh(group.lane, now);
        let target = group.lane.target;
        if self.targets.get(&target).is_some_and(|route| route.messages == 0) {
            self.targets.remove(&target);
        }
    }

    fn wake(&mut self, now: Duration) {
        while let Some((_, wakeup)) = self.wakeups.first().copied().filter(|(at, _)| *at <= now) {
            self.wakeups.pop_first();
            match wakeup {
                Wakeup::Lane(id) => {
                    if let Some(lane) = self.lanes.get_mut(&id) {
                        lane.wakeup = None;
                    }
                    if let Some(probes) = self.probes(id) {
                        probes.wake(now);
                    }
                    self.refresh(id, now);
                }
                Wakeup::Group(key) => {
                    let Some(group) = self.groups.get_mut(&key) else { continue };
                    if matches!(group.state, Phase::Delivering(_)) {
                        group.failures = group.failures.saturating_add(1);
                    }
                    group.state = Phase::Ready;
                    let (lane, rank) = (group.lane, group.rank(key));
                    self.make_ready(lane, rank);
                    self.refresh(lane, now);
                }
            }
        }
    }
}
