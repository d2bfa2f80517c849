//! A group: its messages in order, and whether they can go.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::iter;
use std::mem;
use std::time::Duration;

use super::lane::{LaneId, Rank};
use super::{GroupKey, MessageId, Severity};
use crate::queue::Wait;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) lane: LaneId,
    pub(super) first: Waiting,
    pub(super) rest: VecDeque<Waiting>,
    pub(super) most_severe: Severity,
    /// How often the first message was tried.
    pub(super) failures: u32,
    pub(super) state: Phase,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) id: MessageId,
    pub(super) severity: Severity,
}

#[derive(Debug)]
pub(super) enum Phase {
    Ready,
    Postponed(Duration),
    Delivering(Box<Lease>),
}

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) receipt: u64,
    pub(super) until: Duration,
    /// Not settled yet.
    pub(super) open: Vec<MessageId>,
    pub(super) wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    One,
    Last,
}

impl Group {
    pub(super) fn rank(&self, key: GroupKey) -> Rank {
        Rank { severity: Reverse(self.most_severe), first: self.first.id, group: key }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        iter::once(self.first).chain(self.rest.iter().copied())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = MessageId> {
        self.waiting().map(|waiting| waiting.id)
    }

    /// A group without messages must be removed by the caller.
    pub(super) fn remove(&mut self, id: MessageId) -> Option<Removed> {
        let gone = if self.first.id == id {
            self.failures = 0;
            let Some(next) = self.rest.pop_front() else { return Some(Removed::Last) };
            mem::replace(&mut self.first, next)
        } else {
            let at = self.rest.iter().position(|waiting| waiting.id == id)?;
            self.rest.remove(at)?
        };
        // Stops at the first message that is just as severe, so each message is passed only once.
        if gone.severity == self.most_severe {
            let mut most = 0;
            for waiting in self.waiting() {
                most = most.max(waiting.severity);
                if most == gone.severity {
                    break;
                }
            }
            self.most_severe = most;
        }
        Some(Removed::One)
    }
}
