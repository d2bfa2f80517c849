//! A small model of an SQS FIFO queue: groups, visibility, receive counts, receipts.

use std::time::Duration;

use pagetrail::pagerduty::{Action, Severity};

/// What a message tells.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub group: usize,
    pub action: Action,
    pub severity: Severity,
    pub faulty: Faulty,
}

/// How much of an event PagerDuty refuses for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faulty {
    Not,
    /// The plainer event is taken.
    Full,
    Plainer,
}

/// A message as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// Its place in the queue.
    pub seq: usize,
    pub told: Told,
    pub received: u32,
}

struct Message {
    told: Told,
    received: u32,
    /// Hidden from receivers until then.
    hidden: Duration,
    deleted: bool,
}

#[derive(Default)]
pub struct Fifo {
    messages: Vec<Message>,
    left: usize,
}

impl Fifo {
    pub fn send(&mut self, told: Told) {
        self.left += 1;
        let message = Message { told, received: 0, hidden: Duration::ZERO, deleted: false };
        self.messages.push(message);
    }

    /// Up to ten messages in their order; none of a group of which one is hidden.
    pub fn receive(&mut self, now: Duration, hide: Duration) -> Vec<Item> {
        let waiting = || self.messages.iter().filter(|message| !message.deleted);
        let groups = waiting().map(|message| message.told.group + 1).max().unwrap_or_default();
        let mut blocked = vec![false; groups];
        for message in waiting().filter(|message| message.hidden > now) {
            blocked[message.told.group] = true;
        }
        let mut items = Vec::new();
        for (seq, message) in self.messages.iter_mut().enumerate() {
            if items.len() < 10 && !message.deleted && !blocked[message.told.group] {
                message.received += 1;
                message.hidden = now + hide;
                items.push(Item { seq, told: message.told, received: message.received });
            }
        }
        items
    }

    /// When it is worth looking again.
    pub fn next_visible(&self, now: Duration) -> Option<Duration> {
        let waiting = self.messages.iter().filter(|it| !it.deleted && it.hidden > now);
        waiting.map(|message| message.hidden).min()
    }

    /// A receipt whose time is over is worth nothing.
    pub fn delete(&mut self, item: &Item, now: Duration) {
        if let Some(message) = self.held(item, now) {
            message.deleted = true;
            self.left -= 1;
        }
    }

    /// In whole seconds, rounded up.
    pub fn postpone(&mut self, item: &Item, now: Duration, wait: Duration) {
        if let Some(message) = self.held(item, now) {
            let seconds = wait.as_millis().div_ceil(1_000).min(43_200);
            message.hidden = now + Duration::from_secs(u64::try_from(seconds).unwrap());
        }
    }

    fn held(&mut self, item: &Item, now: Duration) -> Option<&mut Message> {
        let message = &mut self.messages[item.seq];
        let held = !message.deleted && message.received == item.received && message.hidden > now;
        held.then_some(message)
    }

    pub fn left(&self) -> usize {
        self.left
    }
}
