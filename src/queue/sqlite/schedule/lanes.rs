//! The lanes of the schedule: which may be taken from, and when.

use std::mem;
use std::time::Duration;

use super::lane::{LaneId, Opening, Probes, Rank};
use super::{Schedule, Wakeup};
use crate::routing::{Fingerprint, Target};

impl Schedule {
    /// The lane for a group that a key sent back.
    pub(super) fn lane_of(&mut self, from: LaneId, fingerprint: Fingerprint) -> LaneId {
        let route = self.targets.get(&from.target);
        if route.is_none_or(|route| matches!(route.target, Target::Key(_))) {
            return from;
        }
        let known = self.keys.iter().position(|key| *key == fingerprint);
        let number = known.unwrap_or_else(|| {
            self.keys.push(fingerprint);
            self.keys.len() - 1
        });
        LaneId { target: from.target, key: u32::try_from(number).ok() }
    }

    /// The probes of a lane with unknown keys, while events wait for a key of the pool.
    pub(super) fn probes(&mut self, lane: LaneId) -> Option<&mut Probes> {
        let probes = &mut self.targets.get_mut(&lane.target)?.probes;
        (lane.key.is_none() && probes.keys_waited_for > 0).then_some(probes)
    }

    /// A group of this lane was tried and did not have to wait.
    pub(super) fn succeeded(&mut self, lane: LaneId) {
        if let Some(probes) = self.probes(lane) {
            probes.succeeded();
        }
    }

    pub(super) fn enter(&mut self, id: LaneId) {
        let lane = self.lanes.entry(id).or_default();
        lane.groups += 1;
        if lane.groups == 1
            && id.key.is_some()
            && let Some(route) = self.targets.get_mut(&id.target)
        {
            route.probes.keys_waited_for += 1;
            if route.probes.keys_waited_for == 1 {
                route.probes.start();
            }
        }
    }

    pub(super) fn leave(&mut self, now: Duration, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.groups -= 1;
        if lane.groups > 0 || id.key.is_none() {
            return;
        }
        if let Some(route) = self.targets.get_mut(&id.target) {
            route.probes.keys_waited_for -= 1;
        }
        self.refresh(id, now);
        self.refresh(LaneId { key: None, ..id }, now);
    }

    pub(super) fn make_ready(&mut self, id: LaneId, rank: Rank) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.ready.insert(rank);
        }
    }

    pub(super) fn opening(&self, id: LaneId, now: Duration) -> Opening {
        let Some(lane) = self.lanes.get(&id) else { return Opening::Never };
        let probes = self.targets.get(&id.target).map(|route| &route.probes);
        match (lane.by_turns(now), probes) {
            (Opening::Now, Some(probes)) if id.key.is_none() => probes.opening(),
            (opening, _) => opening,
        }
    }

    /// Lists a lane that can give a group, or sets its wakeup. Call it after each change to what
    /// the lane can give.
    pub(super) fn refresh(&mut self, id: LaneId, now: Duration) {
        let opening = self.opening(id, now);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let wakeup = match opening {
            Opening::At(at) => Some(at),
            _ => None,
        };
        if opening == Opening::Now && !lane.listed {
            lane.listed = true;
            self.listed.push_back(id);
        }
        if lane.wakeup != wakeup {
            if let Some(at) = mem::replace(&mut lane.wakeup, wakeup) {
                self.wakeups.remove(&(at, Wakeup::Lane(id)));
            }
            self.wakeups.extend(wakeup.map(|at| (at, Wakeup::Lane(id))));
        }
        if lane.groups == 0 && !lane.listed {
            self.lanes.remove(&id);
        }
    }
}
