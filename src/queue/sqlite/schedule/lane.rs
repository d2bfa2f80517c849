//! A lane: the groups of a routing target that wait for the same turns, the most severe first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use super::{GroupKey, MessageId, Severity, TargetId};

/// While events of a pool wait for turns of its keys, this many events whose key is unknown can be
/// tried at once,
const PROBES: u32 = 10;
/// and this many again after this time.
const PROBE_AGAIN: Duration = Duration::from_secs(1);
/// If one did not have to wait, this many more can be tried: if one key of ten is free, its events
/// flow.
const PROBES_FOR_ONE: u32 = 10;
const PROBES_MOST: u32 = 1_000;

/// A lane's name: a routing target, and the key if events of a pool are known to use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneId {
    pub(super) target: TargetId,
    pub(super) key: Option<u32>,
}

/// A group's position in its lane: the most severe first, then the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) severity: Reverse<Severity>,
    pub(super) first: MessageId,
    pub(super) group: GroupKey,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) ready: BTreeSet<Rank>,
    /// Groups in this lane, ready or not.
    pub(super) groups: usize,
    /// When the key has a free turn for an event that was sent back, soonest first.
    pub(super) turns: BinaryHeap<Reverse<Duration>>,
    /// Whether it is in the list of lanes with a group to give.
    pub(super) listed: bool,
    /// When to look at it again.
    pub(super) wakeup: Option<Duration>,
}

/// When a lane can give a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Now,
    At(Duration),
    Never,
}

impl Lane {
    /// For a lane with one key: one group at each turn. If no turn is known, any group can be
    /// tried.
    pub(super) fn by_turns(&self, now: Duration) -> Opening {
        match self.turns.peek() {
            _ if self.ready.is_empty() => Opening::Never,
            Some(Reverse(turn)) if *turn > now => Opening::At(*turn),
            _ => Opening::Now,
        }
    }

    /// Uses the turn that is due.
    pub(super) fn spend(&mut self, now: Duration) {
        if self.turns.peek().is_some_and(|Reverse(turn)| *turn <= now) {
            self.turns.pop();
        }
    }

    /// Returns a turn that was not used.
    pub(super) fn refund(&mut self, now: Duration) {
        if !self.turns.is_empty() {
            self.turns.push(Reverse(now));
        }
    }
}

/// How many groups of a pool can be tried while their keys are unknown.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// Keys of the pool that events wait for.
    pub(super) keys_waited_for: usize,
    left: u32,
    again: Duration,
}

impl Probes {
    pub(super) fn opening(&self) -> Opening {
        match self.left {
            0 if self.keys_waited_for > 0 => Opening::At(self.again),
            _ => Opening::Now,
        }
    }

    /// From now on, events wait for a key.
    pub(super) fn start(&mut self) {
        self.left = PROBES;
    }

    pub(super) fn spend(&mut self, now: Duration) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.again = now + PROBE_AGAIN;
        }
    }

    pub(super) fn refund(&mut self) {
        self.left += 1;
    }

    /// One group did not have to wait.
    pub(super) fn succeeded(&mut self) {
        self.left = (self.left + PROBES_FOR_ONE).min(PROBES_MOST);
    }

    pub(super) fn wake(&mut self, now: Duration) {
        if self.left == 0 && self.again <= now {
            self.left = PROBES;
        }
    }
}
