//! Receiving: takes messages from the schedule, reads their bodies, and sorts out those that cannot
//! be delivered.

use std::iter;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout_at};
use tracing::error;

use super::database::Change;
use super::schedule::{GroupKey, MessageId, Received};
use super::store::Stored;
use super::writer::Operation;
use super::{Shared, SqliteQueue, closed, fault};
use crate::queue::{Inbox, Message, QueueError, Rejection, Wait};
use crate::telemetry::Signal;

/// Messages received at once, as with SQS.
const MOST: usize = 10;
/// A message that could not be read is tried again after this time.
const UNREADABLE: Duration = Duration::from_mins(1);
/// After this many tries an event that cannot be read no longer holds up the others of its group.
const MOST_READS: u32 = 3;
/// If nothing can be read, the time between two tries.
const PAUSE: Duration = Duration::from_secs(1);

impl Inbox for SqliteQueue {
    async fn receive(&self) -> Result<Vec<Message>, QueueError> {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // Changes from here on are noticed.
            changed.as_mut().enable();
            if self.shared.closed.load(Ordering::Acquire) {
                return Err(closed());
            }
            let (taken, next) = {
                let mut schedule = self.shared.schedule();
                (schedule.take(self.shared.now(), MOST), schedule.next())
            };
            if taken.is_empty() {
                match next {
                    Some(at) => drop(timeout_at(self.shared.started + at, changed).await),
                    None => changed.await,
                }
                continue;
            }
            let mut in_hand = InHand { shared: &self.shared, taken };
            let ids: Vec<MessageId> =
                in_hand.taken.iter().flat_map(|taken| taken.ids.iter().copied()).collect();
            let reader = Arc::clone(&self.reader);
            let read = spawn_blocking(move || reader.read(&ids)).await;
            let read = read.map_err(|error| QueueError::Failed(error.to_string()))?;
            let (messages, failure) = self.sort_out(mem::take(&mut in_hand.taken), read);
            if !messages.is_empty() {
                return Ok(messages);
            }
            if failure.is_err() {
                sleep(PAUSE).await;
                failure?;
            }
        }
    }
}

impl SqliteQueue {
    /// Sorts out received messages: those that cannot be delivered are rejected or postponed.
    fn sort_out(
        &self,
        taken: Vec<Received>,
        read: Vec<rusqlite::Result<Option<Stored>>>,
    ) -> (Vec<Message>, Result<(), QueueError>) {
        let mut read = read.into_iter();
        let (mut messages, mut failure) = (Vec::new(), Ok(()));
        for Received { group, receipt, ids, attempts } in taken {
            let mut unreadable = false;
            for (id, attempts) in ids.into_iter().zip(iter::once(attempts).chain(iter::repeat(1))) {
                match read.next() {
                    // No message of a group goes before an earlier one.
                    _ if unreadable => self.put_off(group, (receipt, id)),
                    Some(Ok(Some(stored))) if stored.altered => self.reject_changed(group, id),
                    Some(Ok(Some(Stored { group, body, .. }))) => messages.push(Message {
                        id: id.to_string(),
                        receipt: receipt.to_string(),
                        group: Some(group),
                        body,
                        attempts,
                    }),
                    Some(Err(error)) => {
                        let words = fault::words(&error);
                        error!(
                            id,
                            error = words,
                            "an event could not be read; it will be tried again"
                        );
                        if fault::is_damage(&error) {
                            self.shared.damaged(words);
                        }
                        failure = Err(fault::queue_error(&error));
                        if attempts > MOST_READS {
                            self.leave_out(group, id);
                            continue;
                        }
                        unreadable = true;
                        self.put_off(group, (receipt, id));
                    }
                    Some(Ok(None)) | None => {
                        error!(id, "an event disappeared from the queue without being deleted");
                        self.shared.schedule().remove(self.shared.now(), group, id);
                    }
                }
            }
        }
        (messages, failure)
    }

    /// Lets the later events of the group go out. What cannot be read stays in the file, which the next
    /// start sets aside.
    fn leave_out(&self, group: GroupKey, id: MessageId) {
        error!(id, "an event could not be read and is left out; the later ones of its alert go on");
        self.shared.schedule().remove(self.shared.now(), group, id);
    }

    fn put_off(&self, group: GroupKey, message: (u64, MessageId)) {
        let wait = Wait::Failed(UNREADABLE);
        self.shared.schedule().postpone(self.shared.now(), group, message, &wait);
    }

    /// Rejects an event whose checksum does not match. The writer does the work; if it cannot, the
    /// event comes again.
    fn reject_changed(&self, group: GroupKey, id: MessageId) {
        let reason = "changed on disk: its checksum does not match".to_owned();
        Signal::Rejected { dedup_key: "", why: &reason }.tell();
        let rejection = Rejection::now(None, reason);
        let (answer, _) = oneshot::channel();
        let change = Change::Reject { group, id, rejection };
        let _ = self.operations.send(Operation::Change(change, answer));
    }
}

/// Messages that were taken but not returned yet: given back if the caller stops waiting.
struct InHand<'a> {
    shared: &'a Shared,
    taken: Vec<Received>,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            let mut schedule = self.shared.schedule();
            for taken in &self.taken {
                schedule.give_back(self.shared.now(), taken);
            }
            drop(schedule);
            self.shared.changed.notify_waiters();
        }
    }
}
