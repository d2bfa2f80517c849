//! The only thread that writes. It takes everything that waits, writes it in one transaction, and
//! answers when that is on disk. While it waits for the disk, the next messages collect. A single
//! message waits only for its own write.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tokio::sync::oneshot;
use tracing::warn;

use super::Shared;
use super::database::{Change, Database, Effect};
use super::expiry;
use super::fault::{is_damage, is_full, queue_error, words};
use super::lock::Lock;
use crate::queue::QueueError;

/// Maximum number of changes in one transaction.
const MOST: usize = 4_096;
/// Maximum bytes of bodies in one transaction.
const MOST_BYTES: usize = 4 << 20;
/// After this time without work, the log is copied into the file.
const REST: Duration = Duration::from_secs(3);
/// Time between two checks for messages that have waited too long.
const TICK: Duration = Duration::from_mins(1);

/// A request to the writer, and where its answer goes.
pub(super) enum Operation {
    Change(Change, Reply),
    Ask(oneshot::Sender<WriterState>),
    Close,
}

pub(super) type Reply = oneshot::Sender<Result<(), QueueError>>;

/// The state of the writer.
pub(super) struct WriterState {
    pub(super) ready: Result<(), QueueError>,
    /// When the oldest event was accepted, in milliseconds since 1970.
    pub(super) oldest: Option<i64>,
    pub(super) rejected: u64,
}

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) database: Database,
    pub(super) longest: Duration,
    /// From when the ages of messages count, in milliseconds since 1970.
    pub(super) count_from: i64,
    receiver: Receiver<Operation>,
    /// Released last, when everything is on disk.
    _lock: Lock,
}

type Batch = Vec<(Change, Reply)>;

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        database: Database,
        (longest, count_from): (Duration, i64),
        receiver: Receiver<Operation>,
        lock: Lock,
    ) -> Self {
        Self { shared, database, longest, count_from, receiver, _lock: lock }
    }

    /// Works until it gets the request to close.
    pub(super) fn run(mut self) {
        let mut tick = Instant::now();
        let mut in_log = true;
        loop {
            if tick <= Instant::now() {
                let more = expiry::expire(&mut self);
                let next = TICK.min(self.longest / 10);
                tick = Instant::now() + if more { REST.min(next) } else { next };
            }
            let until = tick.saturating_duration_since(Instant::now());
            let wait = if in_log { until.min(REST) } else { until };
            match self.receiver.recv_timeout(wait) {
                Ok(operation) => {
                    in_log = true;
                    if self.work(operation).is_break() {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) if in_log && wait == REST => {
                    in_log = false;
                    if let Err(error) = self.database.checkpoint() {
                        self.note(&error);
                        warn!(
                            error = words(&error),
                            "the queue's log could not be copied into its file"
                        );
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.database.close() {
            warn!(error = words(&error), "the queue was not closed cleanly");
        }
    }

    /// Does everything that waits.
    fn work(&mut self, first: Operation) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        let mut batch = Batch::new();
        let mut bytes = 0;
        let mut next = Some(first);
        let mut then = Continue(());
        while let Some(operation) = next {
            match operation {
                Operation::Change(change, answer) => {
                    bytes +=
                        if let Change::Send(message) = &change { message.body.len() } else { 0 };
                    batch.push((change, answer));
                }
                Operation::Ask(answer) => {
                    // Changes that came before count.
                    self.commit(std::mem::take(&mut batch));
                    let _ = answer.send(self.state());
                }
                Operation::Close => {
                    then = Break(());
                    break;
                }
            }
            let full = batch.len() >= MOST || bytes >= MOST_BYTES;
            next = if full { None } else { self.receiver.try_recv().ok() };
        }
        self.commit(batch);
        then
    }

    /// Writes a batch. If that fails, it first does what frees space, and then halves the batch to
    /// find the change that spoils it.
    fn commit(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let changes: Vec<&Change> = batch.iter().map(|(change, _)| change).collect();
        let error = match self.database.write(&changes) {
            Ok(effects) => return self.apply(batch, effects),
            Err(error) => error,
        };
        self.note(&error);
        let is_send = |(change, _): &(Change, Reply)| matches!(change, Change::Send(_));
        let sends = batch.iter().filter(|it| is_send(it)).count();
        if sends > 0 && sends < batch.len() && !is_damage(&error) {
            let (sends, others) = batch.into_iter().partition(is_send);
            self.commit(others);
            self.commit(sends);
        } else if batch.len() > 1 && one_may_spoil(&error) {
            let mut first = batch;
            let second = first.split_off(first.len() / 2);
            self.commit(first);
            self.commit(second);
        } else {
            let error = queue_error(&error);
            if matches!(error, QueueError::Full(_)) && sends > 0 {
                self.database.refuse(error.clone());
            }
            for (_, answer) in batch {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }

    /// Updates the schedule, then answers the callers.
    fn apply(&mut self, batch: Batch, effects: Vec<Effect>) {
        let mut schedule = self.shared.schedule();
        let now = self.shared.now();
        for ((change, _), effect) in batch.iter().zip(&effects) {
            match (change, effect) {
                (Change::Send(message), Effect::Added { id, target }) => {
                    let target = (*target, &message.target);
                    schedule.add(now, *id, message.group_key, message.severity, target);
                }
                (Change::Done { group, id } | Change::Reject { group, id, .. }, _) => {
                    schedule.remove(now, *group, *id);
                }
                (Change::Send(_), _) => {}
            }
        }
        drop(schedule);
        self.shared.changed.notify_waiters();
        for ((_, answer), effect) in batch.into_iter().zip(effects) {
            let _ = answer.send(match effect {
                Effect::Refused(error) => Err(error),
                Effect::Added { .. } | Effect::Dropped | Effect::Removed => Ok(()),
            });
        }
    }

    /// A damaged file accepts no more messages.
    pub(super) fn note(&self, error: &rusqlite::Error) {
        if is_damage(error) {
            self.shared.damaged(words(error));
        }
    }

    fn state(&mut self) -> WriterState {
        let ready = self.shared.check_damage().and_then(|()| self.database.ready());
        let oldest = self.database.oldest(0, 1).ok();
        WriterState {
            ready,
            oldest: oldest.and_then(|oldest| oldest.first().map(|head| head.accepted_at)),
            rejected: self.database.rejected,
        }
    }
}

/// Whether the error can come from one change, so that the others could be written without it.
fn one_may_spoil(error: &rusqlite::Error) -> bool {
    let own = [ErrorCode::TooBig, ErrorCode::ConstraintViolation, ErrorCode::OutOfMemory];
    is_full(error) || error.sqlite_error_code().is_some_and(|code| own.contains(&code))
}
