//! A group: its messages in their order, and whether they may go.

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
    /// How often the first was tried.
    pub(super) failures: u32,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) id: MessageId,
    pub(super) severity: Severity,
}

#[derive(Debug)]
pub(super) enum State {
    Ready,
    Waits(Duration),
    Taken(Box<Taking>),
}

#[derive(Debug)]
pub(super) struct Taking {
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

    /// A group without messages is to be forgotten.
    pub(super) fn remove(&mut self, id: MessageId) -> Option<Removed> {
        let gone = if self.first.id == id {
            self.failures = 0;
            let Some(next) = self.rest.pop_front() else { return Some(Removed::Last) };
            mem::replace(&mut self.first, next)
        } else {
            let at = self.rest.iter().position(|waiting| waiting.id == id)?;
            self.rest.remove(at)?
        };
        // The next as severe is found before the rest is looked at: each is passed once.
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
