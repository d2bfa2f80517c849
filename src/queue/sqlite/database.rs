//! The file as its writer uses it: changes in one transaction, within the bounds. A transaction
//! that was not committed changes nothing in memory either.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flate2::Crc;
use tokio::sync::OwnedSemaphorePermit;

use super::Bounds;
use super::fault::{is_full, queue_error};
use super::lock::beside;
use super::open::Known;
use super::room::{RESERVE, Room};
use super::schedule::{GroupKey, MessageId, Severity, TargetId};
use super::schema::LOG_LIMIT;
use super::store::{Head, Log, NewEvent, Store, checksum, room_for};
use crate::pagerduty::routing_key::RoutingKey;
use crate::queue::{QueueError, Rejection};
use crate::routing::Target;

/// Ids reserved at once, so that not every transaction has to store the last id.
const IDS: MessageId = 10_000;
/// If a write succeeded within this time, the queue counts as ready.
const FRESH: Duration = Duration::from_secs(10);

/// A change to the file.
pub(super) enum Change {
    Send(Box<NewMessage>),
    Done { group: GroupKey, id: MessageId },
    Reject { group: GroupKey, id: MessageId, rejection: Rejection },
}

/// A message to write.
pub(super) struct NewMessage {
    pub(super) group: String,
    pub(super) group_key: GroupKey,
    pub(super) body: String,
    /// The checksum of the texts; the id is not known yet.
    pub(super) texts: Crc,
    pub(super) deduplication_id: Option<String>,
    pub(super) target: Target,
    pub(super) key: Option<RoutingKey>,
    pub(super) severity: Severity,
    /// Its share of the limit on what waits for the writer.
    pub(super) _room: OwnedSemaphorePermit,
}

/// The result of a change.
pub(super) enum Effect {
    Added {
        id: MessageId,
        target: TargetId,
    },
    /// The same message was accepted before.
    Dropped,
    /// Not written, because there was no room.
    Refused(QueueError),
    Removed,
}

pub(super) struct Database {
    path: PathBuf,
    /// `None` after an error, until the next change opens it again.
    store: Option<Store>,
    bounds: Bounds,
    targets: HashMap<Target, Known>,
    next_id: MessageId,
    /// The first id that is not reserved yet.
    reserved: MessageId,
    room: Room,
    pub(super) rejected: u64,
    written: Option<Instant>,
}

/// What a transaction changes outside the file.
#[derive(Default)]
struct Aftermath {
    targets: HashMap<Target, Known>,
    reserved: Option<MessageId>,
    rejected: u64,
    rejected_bytes: u64,
    written_bytes: u64,
}

impl Database {
    pub(super) fn new(
        path: &Path,
        store: Store,
        bounds: Bounds,
        targets: HashMap<Target, Known>,
        next_id: MessageId,
        (rejected, rejected_bytes): (u64, u64),
    ) -> rusqlite::Result<Self> {
        store.bound(bounds.bytes, RESERVE)?;
        Ok(Self {
            path: path.to_owned(),
            store: Some(store),
            bounds,
            targets,
            next_id,
            reserved: next_id,
            room: Room::new(path, bounds, rejected_bytes),
            rejected,
            written: None,
        })
    }

    /// Makes the changes in one transaction: when this returns, all of them are on disk, or none.
    pub(super) fn write(&mut self, changes: &[&Change]) -> rusqlite::Result<Vec<Effect>> {
        let mut written = self.attempt(changes);
        // On a full disk, copying the log into the file makes room in the log.
        if written.as_ref().is_err_and(is_full) && self.checkpoint().is_ok() {
            written = self.attempt(changes);
        }
        written
    }

    fn attempt(&mut self, changes: &[&Change]) -> rusqlite::Result<Vec<Effect>> {
        let mut aftermath = Aftermath::default();
        let written = self.transaction(changes, &mut aftermath);
        match &written {
            Ok(_) => {
                self.targets.extend(aftermath.targets);
                self.reserved = aftermath.reserved.unwrap_or(self.reserved);
                self.rejected += aftermath.rejected;
                self.room.rejected += aftermath.rejected_bytes;
                self.room.wrote(aftermath.written_bytes);
                self.written = Some(Instant::now());
            }
            Err(error) => self.recover(error),
        }
        written
    }

    fn transaction(
        &mut self,
        changes: &[&Change],
        aftermath: &mut Aftermath,
    ) -> rusqlite::Result<Vec<Effect>> {
        let sends = changes.iter().filter(|it| matches!(it, Change::Send(_))).count();
        let now = now();
        self.open()?;
        let look = if sends > 0 { self.look() } else { Ok(()) };
        let Self { store: Some(store), room, targets, next_id, reserved, .. } = self else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        store.begin()?;
        let mut used = store.used()?;
        if *next_id + MessageId::try_from(sends).unwrap_or(IDS) > *reserved {
            let reserve = *next_id + IDS;
            store.reserve_ids(reserve)?;
            aftermath.reserved = Some(reserve);
        }
        let mut effects = Vec::with_capacity(changes.len());
        for change in changes {
            effects.push(match change {
                Change::Send(message) => {
                    let more = room_for(&message.group, &message.body);
                    if let Err(error) = look.clone().and_then(|()| room.fits(used, more)) {
                        Effect::Refused(error)
                    } else {
                        used += more;
                        aftermath.written_bytes += more;
                        let id = *next_id;
                        *next_id += 1;
                        let mut known = (&*targets, &mut aftermath.targets);
                        insert(store, message, (id, now), &mut known)?
                            .map_or(Effect::Dropped, |target| Effect::Added { id, target })
                    }
                }
                Change::Done { id, .. } => {
                    store.delete(*id)?;
                    Effect::Removed
                }
                Change::Reject { id, rejection, .. } => {
                    if let Some(bytes) = store.reject(*id, rejection)? {
                        aftermath.rejected += 1;
                        aftermath.rejected_bytes += bytes;
                    }
                    Effect::Removed
                }
            });
        }
        store.commit()?;
        if changes.len() > sends {
            room.freed();
        }
        Ok(effects)
    }

    fn open(&mut self) -> rusqlite::Result<&Store> {
        let store = if let Some(store) = self.store.take() {
            store
        } else {
            let store = Store::writer(&self.path)?;
            store.bound(self.bounds.bytes, RESERVE)?;
            store
        };
        Ok(self.store.insert(store))
    }

    /// Rolls back, or closes the file, so that the next transaction can begin.
    fn recover(&mut self, error: &rusqlite::Error) {
        let rolled_back = self.store.as_ref().is_some_and(|store| store.roll_back().is_ok());
        // After any other error it is unknown what SQLite still holds of the file.
        if !rolled_back || !is_full(error) {
            self.store = None;
        }
    }

    /// SQLite found no room for a message: for a moment, refuse the next ones without trying.
    pub(super) fn refuse(&mut self, error: QueueError) {
        self.room.refuse(error);
    }

    /// Whether a message could be written now. If the last write was long ago, this tries one.
    pub(super) fn ready(&mut self) -> Result<(), QueueError> {
        self.look()?;
        let tried = self.try_out();
        if let Err(error) = &tried {
            self.recover(error);
        }
        let used = tried.map_err(|error| queue_error(&error))?;
        self.room.fits(used, room_for("", ""))
    }

    fn look(&mut self) -> Result<(), QueueError> {
        let Self { store, room, path, .. } = self;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        room.look(|| {
            let used = store.as_ref().and_then(|store| store.used().ok()).unwrap_or(u64::MAX);
            length(path).saturating_sub(used) + length(&beside(path, "-wal"))
        })
    }

    fn try_out(&mut self) -> rusqlite::Result<u64> {
        let fresh = self.written.is_some_and(|at| at.elapsed() < FRESH);
        let reserve = self.reserved + 1;
        let store = self.open()?;
        if fresh {
            return store.used();
        }
        store.begin()?;
        store.reserve_ids(reserve)?;
        store.commit()?;
        let used = store.used()?;
        self.reserved = reserve;
        self.written = Some(Instant::now());
        Ok(used)
    }

    /// The oldest events with ids greater than this one.
    pub(super) fn oldest(&mut self, after: MessageId, most: usize) -> rusqlite::Result<Vec<Head>> {
        self.open()?.oldest(after, most)
    }

    pub(super) fn body(&mut self, id: MessageId) -> rusqlite::Result<Option<String>> {
        Ok(self.open()?.event(id)?.map(|stored| stored.body))
    }

    /// Copies the log into the file. The log keeps its length, unless it has become very long.
    pub(super) fn checkpoint(&mut self) -> rusqlite::Result<()> {
        let log = std::fs::metadata(beside(&self.path, "-wal")).map_or(0, |log| log.len());
        self.open()?.checkpoint(if log > 2 * LOG_LIMIT { Log::Cut } else { Log::Stays }).map(drop)
    }

    /// Closes the file after copying the whole log into it.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        self.store.map_or(Ok(()), Store::close)
    }
}

/// Writes a message. Returns its target's row; `None` if the message was accepted before.
fn insert(
    store: &Store,
    message: &NewMessage,
    (id, now): (MessageId, i64),
    (old, new): &mut (&HashMap<Target, Known>, &mut HashMap<Target, Known>),
) -> rusqlite::Result<Option<TargetId>> {
    if let Some(deduplication_id) = &message.deduplication_id
        && !store.is_new(deduplication_id, now)?
    {
        return Ok(None);
    }
    let target = &message.target;
    let found = new.get(target).or_else(|| old.get(target)).copied();
    let mut known = match found {
        Some(known) => known,
        None => Known { id: store.add_target(target)?, has_key: false },
    };
    if let Some(key) = message.key.as_ref().filter(|_| !known.has_key) {
        store.set_key(known.id, key)?;
        known.has_key = true;
    }
    new.insert(target.clone(), known);
    let mut texts = Crc::new();
    texts.combine(&message.texts);
    store.insert(&NewEvent {
        id,
        accepted_at: now,
        target: known.id,
        severity: message.severity,
        checksum: checksum(texts, id),
        group: &message.group,
        body: &message.body,
    })?;
    Ok(Some(known.id))
}

/// Milliseconds since 1970, counted from the clock's first reading. If someone sets the clock
/// later, no event becomes older than it is.
pub(super) fn now() -> i64 {
    static START: LazyLock<(Duration, Instant)> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since, Instant::now())
    });
    let (start, at) = *START;
    i64::try_from((start + at.elapsed()).as_millis()).unwrap_or(i64::MAX)
}
