//! The rejected events in a file: list them, put them back, or delete them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flate2::Crc;
use rusqlite::{Error, params};

use super::database::now;
use super::fault::{Fault, OpenError};
use super::lock::Lock;
use super::open::{self, is_marked, named, resolve};
use super::salvage::SetAside;
use super::schedule::{MessageId, TargetId};
use super::schema;
use super::store::{Store, TargetRow, checksum, sums};
use crate::queue::Rejection;
use crate::routing::Target;

/// A rejected event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEvent {
    pub id: i64,
    pub body: String,
    pub rejection: Rejection,
}

/// The rejected events in a queue's file.
pub struct RejectedEvents {
    path: PathBuf,
    store: Store,
    /// Only if the file was opened to change it.
    owner: Option<Owner>,
}

struct Owner {
    _lock: Lock,
    next_id: MessageId,
    set_aside: Option<SetAside>,
}

impl RejectedEvents {
    /// Opens a file to read them. A server can be running on it.
    ///
    /// # Errors
    /// When there is no such file, when it is not a queue or has a newer version, and when it
    /// cannot be read.
    pub fn look(path: &Path) -> Result<Self, OpenError> {
        let path = existing(path)?;
        let store = Store::reader(&path).map_err(Fault::from);
        let store = store.and_then(|store| match schema::version(store.connection())? {
            Some(_) => Ok(store),
            None => Err(Fault::Foreign),
        });
        let store = store.map_err(|fault| match fault {
            Fault::Damaged(_) if !is_marked(&path) => OpenError::NotAQueue(path.clone()),
            fault => named(fault, &path),
        })?;
        Ok(Self { path, store, owner: None })
    }

    /// Opens a file to change them. Only one process can do that at a time. A damaged file is set
    /// aside, as by the server.
    ///
    /// # Errors
    /// As [`Self::look`], and when another process uses the queue.
    pub fn own(path: &Path) -> Result<Self, OpenError> {
        let path = existing(path)?;
        let open::Opened { path, lock, store, contents, set_aside } = open::open(&path)?;
        let owner = Owner { _lock: lock, next_id: contents.next_id, set_aside };
        Ok(Self { path, store, owner: Some(owner) })
    }

    /// The damaged file that was set aside when the queue was opened.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.owner.as_ref()?.set_aside.as_ref()
    }

    /// All rejected events, in the order in which they were accepted.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<RejectedEvent>, OpenError> {
        let mut events = Vec::new();
        let read = self.store.rejections(|event| events.push(event));
        read.map_err(|error| self.named(error))?;
        Ok(events)
    }

    /// For each target: how many events wait, and how many were rejected.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counts(&self) -> Result<Vec<(Target, u64, u64)>, OpenError> {
        let by_target = |sql| {
            let mut counts: HashMap<TargetId, u64> = HashMap::new();
            let read = self.store.each(sql, [], |row| {
                let count: i64 = row.get(1)?;
                counts.insert(row.get(0)?, count.unsigned_abs());
                Ok(())
            });
            read.map(|()| counts).map_err(|error| self.named(error))
        };
        let waiting = by_target("SELECT target, count(*) FROM event GROUP BY target")?;
        let rejected = by_target("SELECT target, count(*) FROM rejected GROUP BY target")?;
        let targets = self.store.targets().map_err(|error| self.named(error))?;
        let of = |counts: &HashMap<_, _>, id: TargetId| counts.get(&id).copied().unwrap_or(0);
        let count = |row: TargetRow| (row.target, of(&waiting, row.id), of(&rejected, row.id));
        Ok(targets.into_iter().map(count).collect())
    }

    /// Puts an event back at the end of the queue. Returns false if the event was changed on disk.
    ///
    /// # Errors
    /// When the file was opened only for reading, has no such event, or cannot be written.
    pub fn retry(&mut self, id: i64) -> Result<bool, OpenError> {
        self.change(|store, next_id| {
            let Some(put_back) = store.put_back(id, *next_id, now())? else {
                return Err(Error::QueryReturnedNoRows);
            };
            *next_id += 1;
            store.reserve_ids(*next_id)?;
            Ok(put_back)
        })
    }

    /// Deletes an event for good.
    ///
    /// # Errors
    /// When the file was opened only for reading, or cannot be written.
    pub fn discard(&mut self, id: i64) -> Result<(), OpenError> {
        self.change(|store, _| store.forget(id))
    }

    fn change<T>(
        &mut self,
        change: impl FnOnce(&Store, &mut MessageId) -> rusqlite::Result<T>,
    ) -> Result<T, OpenError> {
        let changed = match &mut self.owner {
            None => Err(Error::InvalidQuery),
            Some(Owner { next_id, .. }) => self.store.begin().and_then(|()| {
                let changed = change(&self.store, next_id)?;
                self.store.commit()?;
                Ok(changed)
            }),
        };
        changed.map_err(|error| {
            let _ = self.store.roll_back();
            self.named(error)
        })
    }

    fn named(&self, error: Error) -> OpenError {
        named(error.into(), &self.path)
    }
}

impl Store {
    /// Calls `visit` with each rejected event, in the order in which they were accepted.
    fn rejections(&self, mut visit: impl FnMut(RejectedEvent)) -> rusqlite::Result<()> {
        self.each(
            "SELECT id, status, reason, rejected_at, body FROM rejected ORDER BY id",
            [],
            |row| {
                let body = row.get_ref(4)?.as_bytes()?;
                visit(RejectedEvent {
                    id: row.get(0)?,
                    body: String::from_utf8_lossy(body).into_owned(),
                    rejection: Rejection {
                        status: row.get(1)?,
                        reason: row.get(2)?,
                        at: row.get(3)?,
                    },
                });
                Ok(())
            },
        )
    }

    /// Makes a rejected event wait again, with a new id. Returns false, and leaves the event, if it
    /// was changed on disk; `None` if there is no such event.
    fn put_back(&self, id: MessageId, new: MessageId, now: i64) -> rusqlite::Result<Option<bool>> {
        let sum = self.query(
            "SELECT target.name, grp, body, checksum FROM rejected
             LEFT JOIN target ON target.id = target WHERE rejected.id = ?1",
            [id],
            |row| {
                let (texts, sum) = sums(row)?;
                let mut same = Crc::new();
                same.combine(&texts);
                Ok((i64::from(checksum(texts, id)) == sum).then(|| checksum(same, new)))
            },
        )?;
        let Some(Some(sum)) = sum else { return Ok(sum.map(|_| false)) };
        self.run(
            "INSERT INTO event (id, accepted_at, target, severity, checksum, grp, body)
             SELECT ?2, ?3, target, severity, ?4, grp, body FROM rejected WHERE id = ?1",
            params![id, new, now, sum],
        )?;
        self.forget(id)?;
        Ok(Some(true))
    }

    /// Deletes a rejected event.
    fn forget(&self, id: MessageId) -> rusqlite::Result<()> {
        self.run("DELETE FROM rejected WHERE id = ?1", [id]).map(drop)
    }
}

fn existing(path: &Path) -> Result<PathBuf, OpenError> {
    // Checked first: resolving also fails if the folder is missing.
    if path.exists() { resolve(path) } else { Err(OpenError::Missing(path.to_owned())) }
}
