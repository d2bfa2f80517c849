//! The embedded queue: one SQLite file that one process writes.
//!
//! An acknowledged message is on disk: a send is answered after the commit that contains it. One
//! commit is one fsync for all sends that wait. The order of delivery is decided in memory; bodies
//! are read when messages are received. Postponing is not stored: after a restart every message is
//! due immediately. A group's messages always keep the order in which they were accepted.
//!
//! - [`schedule`]: which messages go next, as plain values.
//! - [`writer`], [`database`]: the thread that writes, and what it writes in a transaction.
//! - [`receive`], [`reader`]: receiving messages, and reading their bodies.
//! - [`store`], [`schema`]: the SQL statements and the tables.
//! - [`room`], [`expiry`]: the bounds on size, disk and age.
//! - [`rejected`]: the rejected events, for a person to look at.
//! - [`open`], [`lock`], [`salvage`], [`fault`]: opening the file by one process, even if it is
//!   damaged.

mod database;
mod expiry;
mod fault;
mod lock;
mod log;
mod open;
mod reader;
mod receive;
mod rejected;
mod room;
mod salvage;
mod schedule;
mod schema;
mod store;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::error;

pub use fault::OpenError;
pub use rejected::{RejectedEvent, RejectedEvents};
pub use salvage::SetAside;

use self::database::{Change, Database, NewMessage, now};
use self::open::Opened;
use self::reader::Reader;
use self::schedule::{GroupKey, MessageId, Schedule};
use self::store::texts;
use self::writer::{Operation, Writer};
use super::{
    Deduplication, Message, Outbox, Outgoing, QueueError, QueueState, Rejection, Settle, Wait,
};
use crate::lock::lock;
use crate::pagerduty::Severity;
use crate::pagerduty::routing_key::RoutingKey;

/// The largest body, in bytes.
const LARGEST: usize = 8 << 20;
/// The most that can wait for the writer at once, in bytes. Senders with more wait too.
const WAITING: usize = 16 << 20;
/// Memory for a waiting message, apart from its texts.
const OVERHEAD: usize = 1_024;

/// How much a queue can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The size of the database, including rejected events. The log next to it takes some MiB more.
    pub bytes: u64,
    /// Events that waited longer are rejected.
    pub age: Duration,
    /// Disk space that stays free, in bytes; at least 16 MiB, because deleting needs some space
    /// too.
    pub free: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 1 << 30, age: Duration::from_hours(14 * 24), free: 64 << 20 }
    }
}

/// A queue in one SQLite file. It closes when the last handle is dropped.
pub struct SqliteQueue {
    shared: Arc<Shared>,
    operations: Sender<Operation>,
    waiting: Arc<Semaphore>,
    reader: Arc<Reader>,
    thread: Mutex<Option<JoinHandle<()>>>,
    keys: Vec<RoutingKey>,
    set_aside: Option<SetAside>,
}

/// What the handle and the writer share.
struct Shared {
    // The standard library's lock: nothing awaits while it is held.
    schedule: Mutex<Schedule>,
    /// A message has become available.
    changed: Notify,
    started: Instant,
    closed: AtomicBool,
    /// What is wrong with the file, if it turned out to be damaged.
    damage: OnceLock<String>,
    file: String,
}

impl Shared {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        lock(&self.schedule)
    }

    /// The schedule's time.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn damaged(&self, why: String) {
        if self.damage.set(why).is_ok()
            && let Err(error) = self.check_damage()
        {
            error!("{error}");
        }
    }

    fn check_damage(&self) -> Result<(), QueueError> {
        let Some(why) = self.damage.get() else { return Ok(()) };
        Err(QueueError::Failed(format!(
            "the queue {} is damaged ({why}): restart Pagetrail, which sets it aside and \
             keeps what can be read",
            self.file
        )))
    }
}

impl SqliteQueue {
    /// Opens a queue, or makes a new one, and starts its writer. A damaged queue is set aside, and
    /// everything readable in it is copied into a new one.
    ///
    /// # Errors
    /// When another process uses it, when it is not a queue or has a newer version, and when it
    /// cannot be written.
    pub fn open(path: &Path, bounds: Bounds) -> Result<Self, OpenError> {
        let Opened { path, lock, store, contents, set_aside } = open::open(path)?;
        let failed = |why: String| OpenError::Failed { path: path.clone(), why };
        let open::Contents { schedule, targets, keys, next_id, rejected, ages } = contents;
        let database = Database::new(&path, store, bounds, targets, next_id, rejected)
            .map_err(|error| failed(fault::words(&error)))?;
        let shared = Arc::new(Shared {
            schedule: Mutex::new(schedule),
            changed: Notify::new(),
            started: Instant::now(),
            closed: AtomicBool::new(false),
            damage: OnceLock::new(),
            file: path.display().to_string(),
        });
        let (operations, receiver) = channel();
        let age = (bounds.age, ages.count_from(bounds.age));
        let writer = Writer::new(Arc::clone(&shared), database, age, receiver, lock);
        let thread = thread::Builder::new().name("pagetrail-queue".to_owned());
        let thread = thread.spawn(|| writer.run()).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            shared,
            operations,
            waiting: Arc::new(Semaphore::new(WAITING)),
            reader: Arc::new(Reader::new(path)),
            thread: Mutex::new(Some(thread)),
            keys,
            set_aside,
        })
    }

    /// The routing keys of the events that waited when the queue was opened.
    #[must_use]
    pub fn keys(&self) -> Vec<RoutingKey> {
        self.keys.clone()
    }

    /// The damaged file that was set aside when the queue was opened.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// Closes the queue after all earlier calls are finished and everything is in the file.
    pub async fn close(&self) {
        if let Some(thread) = self.end() {
            let _ = spawn_blocking(|| thread.join()).await;
        }
    }

    fn end(&self) -> Option<JoinHandle<()>> {
        self.shared.closed.store(true, Ordering::Release);
        self.waiting.close();
        self.shared.changed.notify_waiters();
        // The last connection that closes the file copies the log into it. It has to be the
        // writer's.
        self.reader.close();
        let _ = self.operations.send(Operation::Close);
        lock(&self.thread).take()
    }

    async fn change(&self, change: Change) -> Result<(), QueueError> {
        let (answer, answered) = oneshot::channel();
        self.operations.send(Operation::Change(change, answer)).map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for SqliteQueue {
    fn drop(&mut self) {
        if let Some(thread) = self.end() {
            let _ = thread.join();
        }
    }
}

impl Outbox for SqliteQueue {
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        let Outgoing { body, group, deduplication, target, key, severity } = message;
        if body.len() > LARGEST {
            return Err(QueueError::TooLarge);
        }
        self.shared.check_damage()?;
        let room = u32::try_from(body.len() + group.len() + OVERHEAD).unwrap_or(u32::MAX);
        let waiting = Arc::clone(&self.waiting);
        let room = waiting.acquire_many_owned(room).await.map_err(|_| closed())?;
        let name = target.to_string();
        let message = NewMessage {
            group_key: GroupKey::of(&group),
            texts: texts(name.as_bytes(), group.as_bytes(), body.as_bytes()),
            group,
            body,
            deduplication_id: match deduplication {
                Deduplication::Id(id) => Some(id),
                Deduplication::Unique => None,
            },
            target,
            key,
            severity: severity.map_or(0, rank),
            _room: room,
        };
        self.change(Change::Send(Box::new(message))).await
    }

    async fn state(&self) -> QueueState {
        let (answer, answered) = oneshot::channel();
        let asked = self.operations.send(Operation::Ask(answer));
        let state = match asked {
            Ok(()) => answered.await.ok(),
            Err(_) => None,
        };
        let by_target = self.shared.schedule().by_target();
        let waited = |since| Duration::from_millis(u64::try_from(now() - since).unwrap_or(0));
        QueueState {
            messages: Some(by_target.values().sum()),
            by_target,
            oldest: state.as_ref().and_then(|state| state.oldest).map(waited),
            rejected: state.as_ref().map(|state| state.rejected),
            ready: state.map_or_else(|| Err(closed()), |state| state.ready),
        }
    }
}

impl Settle for SqliteQueue {
    async fn done(&self, message: &Message) -> Result<(), QueueError> {
        let (group, id) = place(message)?;
        self.change(Change::Done { group, id }).await
    }

    async fn postpone(&self, messages: &[Message], wait: Wait) {
        let mut schedule = self.shared.schedule();
        let now = self.shared.now();
        for message in messages {
            if let (Ok((group, id)), Ok(receipt)) = (place(message), message.receipt.parse()) {
                schedule.postpone(now, group, (receipt, id), &wait);
            }
        }
        drop(schedule);
        self.shared.changed.notify_waiters();
    }

    async fn reject(&self, message: &Message, rejection: Rejection) -> Result<(), QueueError> {
        let (group, id) = place(message)?;
        self.change(Change::Reject { group, id, rejection }).await
    }
}

fn place(message: &Message) -> Result<(GroupKey, MessageId), QueueError> {
    let group = message.group.as_deref().map(GroupKey::of);
    let unknown = || QueueError::Failed(format!("not a message of this queue: {:.40}", message.id));
    group.zip(message.id.parse().ok()).ok_or_else(unknown)
}

fn rank(severity: Severity) -> schedule::Severity {
    match severity {
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Error => 3,
        Severity::Critical => 4,
    }
}

fn closed() -> QueueError {
    QueueError::Failed("the queue is closed".to_owned())
}
