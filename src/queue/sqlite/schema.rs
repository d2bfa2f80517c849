//! The database file: its settings, its version, its tables.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;

/// Marks the file as Pagetrail's: `PgTr`.
const APPLICATION: i64 = 0x5067_5472;
pub(super) const MARK: &[u8] = b"PgTr";
pub(super) const VERSION: i64 = 1;

/// When the write-ahead log has this many pages (4 MiB), it is copied into the file, which takes
/// some milliseconds. The log keeps its length, so that deletes have room on a full disk.
const CHECKPOINT_PAGES: i64 = 1_000;
/// A log that grew because of a reader is cut to this length, in bytes.
pub(super) const LOG_LIMIT: u64 = 8 << 20;
/// Other processes only read, and hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);
/// The cache; a negative number means KiB.
const CACHE: i64 = -8_192;

/// There is no index except the primary keys: everything else is looked up in memory. The body
/// comes last, so that the rest can be read without it. Ids are never used twice: `counter` is
/// greater than all of them. The checksum covers everything that delivery depends on, see
/// `store::checksum`.
const TABLES: &str = "
CREATE TABLE target (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key TEXT) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY, accepted_at INTEGER NOT NULL, target INTEGER NOT NULL,
    severity INTEGER NOT NULL, checksum INTEGER NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE rejected (
    id INTEGER PRIMARY KEY, accepted_at INTEGER NOT NULL, target INTEGER NOT NULL,
    severity INTEGER NOT NULL, checksum INTEGER NOT NULL, status INTEGER,
    reason TEXT NOT NULL, rejected_at TEXT NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL
) STRICT;
CREATE TABLE counter (next INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (1);
";

/// Opens an existing file for its writer; changes nothing.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Makes commits durable and limits the log.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // In this mode a commit is one fsync, and is on disk when it returns.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", i64::try_from(LOG_LIMIT).unwrap_or(0))?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    // Statements must not need temporary files, which fail on a full disk.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Opens a file for reading, even while another process writes it.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // The path is not a URI.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Keeps the log when the connection closes, until the file is known to be intact.
pub(super) fn leave_log(connection: &Connection, leave: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave).map(drop)
}

/// Makes the tables in a new file, or updates those of an older version.
pub(super) fn migrate(connection: &Connection) -> Result<(), Fault> {
    // There is no older version yet.
    if version(connection)?.is_none() {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;{TABLES}
             PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT"
        ))?;
    }
    Ok(())
}

/// The version of a Pagetrail file; `None` if the file is empty.
pub(super) fn version(connection: &Connection) -> Result<Option<i64>, Fault> {
    let application: i64 = connection.pragma_query_one(None, "application_id")?;
    let version: i64 = connection.pragma_query_one(None, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION, version @ 1..=VERSION) => Ok(Some(version)),
        (APPLICATION, version) if version > VERSION => Err(Fault::Newer(version)),
        (0, 0) if tables == 0 => Ok(None),
        _ => Err(Fault::Foreign),
    }
}

/// Checks that the file has the expected tables, and that SQLite's quick check passes: half a
/// second for each GiB, more on a slow disk.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let made = Connection::open_in_memory()?;
    made.execute_batch(TABLES)?;
    if tables(connection)? != tables(&made)? {
        return Err(Fault::Damaged("its tables are not the expected ones".to_owned()));
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Fault::Damaged(found)) }
}

/// The tables, with the SQL that made them.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut tables = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
