//! The SQL statements: each does one thing to the tables, in the current transaction.

use std::path::Path;
use std::time::Duration;

use flate2::Crc;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::schedule::{MessageId, Severity, TargetId};
use super::schema;
use crate::pagerduty::routing_key::RoutingKey;
use crate::queue::Rejection;
use crate::routing::Target;

/// A second message with the same id is dropped within this time.
pub(super) const DEDUPLICATION: Duration = Duration::from_mins(5);

/// Size of an event's row without its texts, in bytes, rounded up.
const ROW: usize = 64;
/// Size of SQLite's pages, in bytes.
pub(super) const PAGE: usize = 4_096;

/// A connection and the operations on it.
pub(super) struct Store {
    connection: Connection,
}

/// An event to write.
pub(super) struct NewEvent<'a> {
    pub(super) id: MessageId,
    /// Milliseconds since 1970.
    pub(super) accepted_at: i64,
    pub(super) target: TargetId,
    pub(super) severity: Severity,
    pub(super) checksum: u32,
    pub(super) group: &'a str,
    pub(super) body: &'a str,
}

/// An event without its body.
pub(super) struct Head {
    pub(super) id: MessageId,
    pub(super) accepted_at: i64,
    pub(super) target: TargetId,
    pub(super) severity: Severity,
    pub(super) group: String,
}

/// An event as it was sent.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) group: String,
    pub(super) body: String,
    /// The checksum does not match.
    pub(super) altered: bool,
}

/// A routing target's row.
pub(super) struct TargetRow {
    pub(super) id: TargetId,
    pub(super) target: Target,
    pub(super) key: Option<RoutingKey>,
}

impl Store {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Opens an existing file again to write it.
    pub(super) fn writer(path: &Path) -> rusqlite::Result<Self> {
        let connection = schema::writer(path)?;
        schema::configure(&connection)?;
        Ok(Self::new(connection))
    }

    pub(super) fn reader(path: &Path) -> rusqlite::Result<Self> {
        schema::reader(path).map(Self::new)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Closes the file. If nobody else has it open, its log is copied into it.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        self.connection.close().map_err(|(_, error)| error)
    }

    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.run("BEGIN IMMEDIATE", []).map(drop)
    }

    /// When this returns, everything since `begin` is on disk.
    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        self.run("COMMIT", []).map(drop)
    }

    /// Undoes everything since `begin`, unless SQLite has already done so.
    pub(super) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() { Ok(()) } else { self.run("ROLLBACK", []).map(drop) }
    }

    pub(super) fn insert(&self, event: &NewEvent<'_>) -> rusqlite::Result<()> {
        let NewEvent { id, accepted_at, target, severity, checksum, group, body } = event;
        self.run(
            "INSERT INTO event (id, accepted_at, target, severity, checksum, grp, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![id, accepted_at, target, severity, checksum, group, body],
        )
        .map(drop)
    }

    /// Inserts an event unless one with its id exists or existed. Returns whether it did.
    pub(super) fn insert_new(&self, event: &NewEvent<'_>) -> rusqlite::Result<bool> {
        let there = "SELECT 1 FROM event WHERE id = ?1 UNION ALL
                     SELECT 1 FROM rejected WHERE id = ?1";
        if self.query(there, [event.id], |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        self.insert(event).map(|()| true)
    }

    pub(super) fn delete(&self, id: MessageId) -> rusqlite::Result<()> {
        self.run("DELETE FROM event WHERE id = ?1", [id]).map(drop)
    }

    /// Moves an event to the rejected ones. Returns its size in bytes there; `None` if there is no
    /// such event.
    pub(super) fn reject(
        &self,
        id: MessageId,
        rejection: &Rejection,
    ) -> rusqlite::Result<Option<u64>> {
        let Rejection { status, reason, at } = rejection;
        self.run(
            "INSERT INTO rejected SELECT id, accepted_at, target, severity, checksum,
                                         ?2, ?3, ?4, grp, body FROM event WHERE id = ?1",
            params![id, status, reason, at],
        )?;
        self.delete(id)?;
        self.query(
            "SELECT octet_length(grp) + octet_length(body) FROM rejected WHERE id = ?1",
            [id],
            |row| count(row, 0),
        )
    }

    /// Whether the id is new. After this call it is known.
    pub(super) fn is_new(&self, id: &str, now: i64) -> rusqlite::Result<bool> {
        let window = i64::try_from(DEDUPLICATION.as_millis()).unwrap_or(i64::MAX);
        // Each new id removes up to two old ones, so that there are never many. If the clock was
        // set back, ids with a future time are old too.
        self.run(
            "DELETE FROM seen WHERE abs(?2 - at) >= ?3
             AND (id = ?1 OR number IN (SELECT number FROM seen ORDER BY number LIMIT 2))",
            params![id, now, window],
        )?;
        let added = self.run(
            "INSERT INTO seen (id, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id, now],
        )?;
        Ok(added > 0)
    }

    pub(super) fn add_target(&self, target: &Target) -> rusqlite::Result<TargetId> {
        self.run("INSERT INTO target (name) VALUES (?1)", [target.to_string()])?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn set_key(&self, target: TargetId, key: &RoutingKey) -> rusqlite::Result<()> {
        self.run("UPDATE target SET key = ?2 WHERE id = ?1", params![target, key.expose()])
            .map(drop)
    }

    pub(super) fn targets(&self) -> rusqlite::Result<Vec<TargetRow>> {
        let mut rows = Vec::new();
        self.each("SELECT id, name, key FROM target", [], |row| {
            let (name, key): (String, Option<String>) = (row.get(1)?, row.get(2)?);
            // Nobody reads a text that is not a target or key any more.
            if let Ok(target) = name.parse() {
                let key = key.and_then(|key| key.parse().ok());
                rows.push(TargetRow { id: row.get(0)?, target, key });
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Deletes the targets, and their keys, that have no events left.
    pub(super) fn forget_targets(&self) -> rusqlite::Result<()> {
        self.run(
            "DELETE FROM target WHERE id NOT IN
             (SELECT target FROM event UNION SELECT target FROM rejected)",
            [],
        )
        .map(drop)
    }

    /// The first id that no message ever had.
    pub(super) fn next_id(&self) -> rusqlite::Result<MessageId> {
        let greatest = "SELECT max(coalesce((SELECT max(next) FROM counter), 1),
            coalesce((SELECT max(id) FROM event), 0) + 1,
            coalesce((SELECT max(id) FROM rejected), 0) + 1)";
        self.connection.query_row(greatest, [], |row| row.get(0))
    }

    /// Ids below this one can be used from now on.
    pub(super) fn reserve_ids(&self, next: MessageId) -> rusqlite::Result<()> {
        self.run("UPDATE counter SET next = ?1", [next]).map(drop)
    }

    /// Calls `visit` with each event, in the order in which they were accepted.
    pub(super) fn heads(&self, mut visit: impl FnMut(Head)) -> rusqlite::Result<()> {
        self.each(
            "SELECT id, accepted_at, target, severity, grp FROM event ORDER BY id",
            [],
            |row| {
                visit(head(row)?);
                Ok(())
            },
        )
    }

    /// The oldest events with ids greater than this one.
    pub(super) fn oldest(&self, after: MessageId, most: usize) -> rusqlite::Result<Vec<Head>> {
        let mut heads = Vec::new();
        self.each(
            "SELECT id, accepted_at, target, severity, grp FROM event
             WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![after, i64::try_from(most).unwrap_or(i64::MAX)],
            |row| {
                heads.push(head(row)?);
                Ok(())
            },
        )?;
        Ok(heads)
    }

    pub(super) fn event(&self, id: MessageId) -> rusqlite::Result<Option<Stored>> {
        self.query(
            "SELECT target.name, grp, body, checksum FROM event
             LEFT JOIN target ON target.id = target WHERE event.id = ?1",
            [id],
            |row| {
                // Invalid UTF-8 is shown as well as possible.
                let (group, body) = (row.get_ref(1)?.as_bytes()?, row.get_ref(2)?.as_bytes()?);
                let (texts, sum) = sums(row)?;
                Ok(Stored {
                    altered: i64::from(checksum(texts, id)) != sum,
                    group: String::from_utf8_lossy(group).into_owned(),
                    body: String::from_utf8_lossy(body).into_owned(),
                })
            },
        )
    }

    /// The number of rejected events, and their size in bytes.
    pub(super) fn rejected(&self) -> rusqlite::Result<(u64, u64)> {
        self.connection.query_row(
            "SELECT count(*), coalesce(sum(octet_length(grp) + octet_length(body)), 0)
             FROM rejected",
            [],
            |row| Ok((count(row, 0)?, count(row, 1)?)),
        )
    }

    /// Bytes of the file that are in use.
    pub(super) fn used(&self) -> rusqlite::Result<u64> {
        let pages = |sql| self.query(sql, [], |row| count(row, 0));
        let (all, free) = (pages("PRAGMA page_count")?, pages("PRAGMA freelist_count")?);
        Ok((all.unwrap_or(0) - free.unwrap_or(0)) * PAGE as u64)
    }

    /// Limits the file, in bytes, with a reserve for rejecting events that are already in it.
    pub(super) fn bound(&self, bytes: u64, reserve: u64) -> rusqlite::Result<()> {
        let pages = self.query("PRAGMA page_count", [], |row| count(row, 0))?.unwrap_or(0);
        let bytes = bytes.max(pages * PAGE as u64) + reserve;
        let pages = i64::try_from(bytes / PAGE as u64).unwrap_or(i64::MAX).min(u32::MAX.into());
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    }

    /// Copies the log into the file, and cuts a log that has grown too long. Returns whether all of
    /// it was copied.
    pub(super) fn checkpoint(&self, log: Log) -> rusqlite::Result<bool> {
        let statement = match log {
            Log::Stays => "PRAGMA wal_checkpoint(PASSIVE)",
            Log::Cut => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        // Columns: whether it was blocked; frames in the log; frames copied.
        self.connection.query_row(statement, [], |row| {
            Ok(row.get::<_, i64>(0)? == 0 && row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
        })
    }

    pub(super) fn run(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    pub(super) fn query<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, read).optional()
    }

    pub(super) fn each(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            visit(row)?;
        }
        Ok(())
    }

    /// Visits the rows of a damaged table until an error. Returns whether that was all of them; an
    /// error is the visitor's.
    pub(super) fn walk(
        &self,
        sql: &str,
        after: MessageId,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<bool> {
        let Ok(mut statement) = self.connection.prepare(sql) else { return Ok(false) };
        let Ok(mut rows) = statement.query([after]) else { return Ok(false) };
        loop {
            match rows.next() {
                Ok(Some(row)) => visit(row)?,
                end => return Ok(end.is_ok()),
            }
        }
    }
}

/// What happens to the log's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Stays,
    Cut,
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The checksum over a row without its id, and the stored checksum. The row's first columns are
/// target, group, body and checksum.
pub(super) fn sums(row: &Row<'_>) -> rusqlite::Result<(Crc, i64)> {
    let target = row.get_ref(0)?.as_bytes_or_null()?.unwrap_or_default();
    let (group, body) = (row.get_ref(1)?.as_bytes()?, row.get_ref(2)?.as_bytes()?);
    Ok((texts(target, group, body), row.get(3)?))
}

fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        id: row.get(0)?,
        accepted_at: row.get(1)?,
        target: row.get(2)?,
        severity: severity(row, 3)?,
        group: row.get(4)?,
    })
}

/// Not part of the checksum: it only decides the order, and a wrong one must not cost an event.
pub(super) fn severity(row: &Row<'_>, column: usize) -> rusqlite::Result<Severity> {
    row.get::<_, i64>(column).map(|severity| u8::try_from(severity).map_or(0, |it| it.min(4)))
}

/// The checksum of an event's texts; the id is added later.
pub(super) fn texts(target: &[u8], group: &[u8], body: &[u8]) -> Crc {
    let mut sum = Crc::new();
    for text in [target, group, body] {
        sum.update(text);
    }
    sum
}

/// The checksum of an event. SQLite has no checksums, and an event that was changed on disk must
/// not page anyone as if it were correct.
pub(super) fn checksum(mut texts: Crc, id: MessageId) -> u32 {
    texts.update(&id.to_le_bytes());
    texts.sum()
}

/// Space that a message takes in the file, rounded up.
pub(super) fn room_for(group: &str, body: &str) -> u64 {
    let length = group.len() + body.len() + ROW;
    // Pages are never quite full, and the last page of a long text is not shared.
    (length + length / 8 + if length > PAGE / 2 { PAGE } else { 0 }) as u64
}
