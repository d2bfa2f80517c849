//! A damaged file: it is set aside under another name and never written to. Everything readable in
//! it is copied into a new file.
//!
//! The file is only read through SQLite. Unused pages still contain events that were delivered long
//! ago, and these must not page again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chrono::Utc;
use rusqlite::Row;
use tracing::error;

use super::fault::{Fault, OpenError};
use super::lock::beside;
use super::log;
use super::open::{create, named, sync_directory};
use super::schedule::{MessageId, Severity, TargetId};
use super::schema;
use super::store::{Log, NewEvent, PAGE, Store, checksum, severity, texts};
use crate::queue::{Queued, Rejection};
use crate::routing::Target;

/// The new file while it is built; a leftover is deleted.
const BUILDING: &str = ".salvaging";
/// The complete new file; replaces the damaged one.
const COMPLETE: &str = ".salvaged";
/// A copy of the damaged file, to read parts that the original does not allow.
const REPAIRED: &str = ".repaired";
/// Ids looked up one by one if the order of the table cannot be followed.
const LOOKED_UP: i64 = 100_000;

const EVENTS: &str = "SELECT id, accepted_at, target, severity, checksum, grp, body,
    NULL, NULL, NULL FROM event";
const REJECTED: &str = "SELECT id, accepted_at, target, severity, checksum, grp, body,
    status, reason, rejected_at FROM rejected";

/// A damaged file, and what was saved from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its new name.
    pub path: PathBuf,
    /// What is wrong with it, in SQLite's words.
    pub why: String,
    /// Events that were copied and wait again.
    pub events: u64,
    /// Rejected events that were copied.
    pub rejected: u64,
    /// Places that could not be read and may have held an event.
    pub unreadable: u64,
}

impl SetAside {
    /// A queue whose file is gone or empty: there is nothing to set aside, only something to tell.
    pub(super) fn lost(path: &Path) -> Self {
        let why = "the file was gone or empty although it was a queue before".to_owned();
        error!(
            file = %path.display(), why,
            "the events that waited in the queue are lost, unless its file can be put back: stop this \
             process first"
        );
        Self { path: path.to_owned(), why, events: 0, rejected: 0, unreadable: 0 }
    }
}

/// Sets a damaged file aside, with its log, and puts a new one in its place.
pub(super) fn set_aside(path: &Path, why: String) -> Result<SetAside, OpenError> {
    let failed = |error| OpenError::Damaged { path: path.to_owned(), why: why.clone(), error };
    let building = beside(path, BUILDING);
    remove(&building).map_err(failed)?;
    create(&building).map_err(failed)?;
    let found = build(path, &building);
    let _ = remove(&beside(path, REPAIRED));
    let found = found.map_err(|fault| {
        let _ = remove(&building);
        named(fault, &building)
    })?;
    fs::rename(&building, beside(path, COMPLETE)).map_err(failed)?;
    sync_directory(path).map_err(failed)?;
    let aside = finish(path).map_err(failed)?.unwrap_or_default();
    let Salvaged { events, rejected, unreadable } = found;
    error!(
        file = %path.display(), set_aside = %aside.display(), why, events, rejected, unreadable,
        "the queue was damaged: it was set aside, and everything readable was copied to a new one"
    );
    Ok(SetAside { path: aside, why, events, rejected, unreadable })
}

/// Replaces the damaged file with the salvaged one, even if an earlier process ended in the middle
/// of this. Returns the damaged file's new name.
pub(super) fn finish(path: &Path) -> io::Result<Option<PathBuf>> {
    let complete = beside(path, COMPLETE);
    if !complete.exists() {
        return Ok(None);
    }
    let time = Utc::now().format("%Y%m%dT%H%M%S%.3fZ");
    let aside = beside(path, &format!(".damaged-{time}"));
    // The log first: SQLite must not use it with the new file.
    for more in ["-wal", ""] {
        match fs::rename(beside(path, more), beside(&aside, more)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    remove_one(&beside(path, "-shm"))?;
    fs::rename(complete, path)?;
    sync_directory(path)?;
    Ok(Some(aside))
}

fn remove(path: &Path) -> io::Result<()> {
    ["", "-wal", "-shm"].iter().try_for_each(|more| remove_one(&beside(path, more)))
}

fn remove_one(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Salvaged {
    events: u64,
    rejected: u64,
    unreadable: u64,
}

fn build(damaged: &Path, building: &Path) -> Result<Salvaged, Fault> {
    let connection = schema::writer(building)?;
    schema::configure(&connection)?;
    schema::migrate(&connection)?;
    let new = Store::new(connection);
    // From here on the first page is in the file, where a repair can read it.
    new.checkpoint(Log::Cut)?;
    let mut found = Salvaged::default();
    let repaired = beside(damaged, REPAIRED);
    let unwritten = |error: io::Error| {
        Fault::Failed(format!("{} could not be written: {error}", repaired.display()))
    };
    let log_is_damaged = matches!(log::damage(damaged), Ok(Some(_)));
    let mut old = if log_is_damaged {
        copy(damaged, &repaired).map_err(unwritten)?;
        read_only(&repaired)
    } else {
        read_only(damaged)
    };
    if old.is_none() {
        copy(damaged, &repaired).map_err(unwritten)?;
        replace_first_page(&repaired, building).map_err(unwritten)?;
        old = read_only(&repaired);
    }
    if let Some(old) = old {
        new.begin()?;
        carry_over(&old, &new, &mut found)?;
        new.commit()?;
    }
    // The file replaces the damaged one without its log, so everything must be in the file. Closing
    // does not report a full disk.
    let copied = new.checkpoint(Log::Cut)?;
    new.close()?;
    if !copied || beside(building, "-wal").exists() {
        return Err(Fault::Failed("the new file could not be written completely".to_owned()));
    }
    Ok(found)
}

/// The damaged file, if its tables can be read.
fn read_only(path: &Path) -> Option<Store> {
    // SQLite would delete the log of an empty file.
    if fs::metadata(path).ok()?.len() == 0 {
        return None;
    }
    let store = Store::reader(path).ok()?;
    schema::leave_log(store.connection(), true).ok()?;
    let version = schema::version(store.connection());
    let known = matches!(version, Ok(Some(_))) && store.targets().is_ok();
    let tables = [EVENTS, REJECTED].iter().all(|sql| store.connection().prepare(sql).is_ok());
    (known && tables).then_some(store)
}

/// Copies a damaged file, with all of its log that is whole.
fn copy(damaged: &Path, repaired: &Path) -> io::Result<()> {
    remove(repaired)?;
    create(repaired)?;
    fs::copy(damaged, repaired)?;
    match log::without_damage(damaged)? {
        Some(log) => fs::write(beside(repaired, "-wal"), log),
        None => Ok(()),
    }
}

/// Replaces the first page with a new file's: all queues have the same tables at the same places.
fn replace_first_page(repaired: &Path, new: &Path) -> io::Result<()> {
    let length = fs::metadata(repaired)?.len();
    let mut first = vec![0; PAGE];
    File::open(new)?.read_exact(&mut first)?;
    // SQLite's file format, 1.3: the number of pages, and no free pages.
    let pages = u32::try_from(length / PAGE as u64).unwrap_or(u32::MAX).max(1);
    first[28..32].copy_from_slice(&pages.to_be_bytes());
    first[32..40].fill(0);
    OpenOptions::new().write(true).open(repaired)?.write_all_at(&first, 0)
}

fn carry_over(old: &Store, new: &Store, found: &mut Salvaged) -> rusqlite::Result<()> {
    let mut targets = Targets { new, by_old: HashMap::new(), by_name: HashMap::new() };
    let mut rows = Vec::new();
    let _ = old.each("SELECT id, name, key FROM target", [], |row| {
        rows.push((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?));
        Ok(())
    });
    for (id, name, key) in rows {
        let Ok(target) = name.parse() else { continue };
        let new_id = targets.id(&target)?;
        targets.by_old.insert(id, target);
        if let Some(key) = key.and_then(|key| key.parse().ok()) {
            new.set_key(new_id, &key)?;
        }
    }
    let _ = old.each("SELECT id, at FROM seen ORDER BY number", [], |row| {
        new.is_new(&row.get::<_, String>(0)?, row.get(1)?).map(drop)
    });
    let counter = old.query("SELECT next FROM counter", [], |row| row.get(0));
    let next: Option<MessageId> = counter.unwrap_or_default();
    let mut carried = 0;
    let last_event = scan(old, EVENTS, next, &mut found.unreadable, |event| {
        let copied = copy_event(&event, &mut targets)?;
        carried += u64::from(copied);
        Ok(copied)
    })?;
    found.events = carried;
    carried = 0;
    let last_rejected = scan(old, REJECTED, next, &mut found.unreadable, |event| {
        let copied = copy_event(&event, &mut targets)?;
        if copied {
            new.reject(event.id, &event.rejection)?;
            carried += 1;
        }
        Ok(copied)
    })?;
    found.rejected = carried;
    // If the used ids are not known, leave a gap.
    let least = last_event.max(last_rejected) + LOOKED_UP;
    new.reserve_ids(next.unwrap_or(0).max(least))
}

/// The targets in the new file.
struct Targets<'a> {
    new: &'a Store,
    by_old: HashMap<TargetId, Target>,
    by_name: HashMap<Target, TargetId>,
}

impl Targets<'_> {
    fn id(&mut self, target: &Target) -> rusqlite::Result<TargetId> {
        if let Some(id) = self.by_name.get(target) {
            return Ok(*id);
        }
        let id = self.new.add_target(target)?;
        self.by_name.insert(target.clone(), id);
        Ok(id)
    }
}

/// An event of the damaged file; the rejection matters only for rejected events.
struct OldEvent {
    id: MessageId,
    accepted_at: i64,
    target: TargetId,
    severity: Severity,
    checksum: u32,
    group: String,
    body: String,
    rejection: Rejection,
}

impl OldEvent {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            accepted_at: row.get(1)?,
            target: row.get(2)?,
            severity: severity(row, 3)?,
            checksum: row.get(4)?,
            group: row.get(5)?,
            body: row.get(6)?,
            rejection: Rejection {
                status: row.get(7)?,
                reason: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
                at: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
            },
        })
    }
}

/// Writes an event into the new file if its checksum matches.
fn copy_event(event: &OldEvent, targets: &mut Targets<'_>) -> rusqlite::Result<bool> {
    let OldEvent { id, accepted_at, severity, checksum: sum, group, body, .. } = event;
    let right = |target: &Target| {
        let name = target.to_string();
        checksum(texts(name.as_bytes(), group.as_bytes(), body.as_bytes()), *id) == *sum
    };
    // If the table of targets is lost, each event names its own target.
    let known = targets.by_old.get(&event.target).cloned();
    let told = || serde_json::from_str::<Queued>(body).ok().map(|queued| queued.target);
    let Some(target) = known.filter(right).or_else(|| told().filter(right)) else {
        return Ok(false);
    };
    // A damaged table can return a row twice.
    targets.new.insert_new(&NewEvent {
        id: *id,
        accepted_at: *accepted_at,
        target: targets.id(&target)?,
        severity: *severity,
        checksum: *sum,
        group,
        body,
    })
}

/// Visits the events of a table, forwards as far as they can be read, then backwards, then one by
/// one in between. Returns the greatest id that was seen.
fn scan(
    old: &Store,
    select: &str,
    next: Option<MessageId>,
    unreadable: &mut u64,
    mut visit: impl FnMut(OldEvent) -> rusqlite::Result<bool>,
) -> rusqlite::Result<MessageId> {
    // Errors of the damaged file are counted; an error of the new file ends the scan.
    let mut visit = |event: rusqlite::Result<OldEvent>| -> rusqlite::Result<()> {
        let carried = event.ok().map(&mut visit).transpose()?;
        *unreadable += u64::from(carried != Some(true));
        Ok(())
    };
    let mut last = 0;
    let forwards = format!("{select} WHERE id > ?1 ORDER BY id");
    let whole = old.walk(&forwards, last, |row| {
        last = row.get(0)?;
        visit(OldEvent::read(row))
    })?;
    if whole {
        return Ok(last);
    }
    let (mut first, mut greatest) = (next.unwrap_or(last + LOOKED_UP), last);
    old.walk(&format!("{forwards} DESC"), last, |row| {
        first = row.get(0)?;
        greatest = greatest.max(first);
        visit(OldEvent::read(row))
    })?;
    let one = format!("{select} WHERE id = ?1");
    for id in last + 1..first.min(last + LOOKED_UP) {
        match old.query(&one, [id], |row| Ok(OldEvent::read(row))).transpose() {
            Some(Ok(event)) => {
                greatest = greatest.max(id);
                visit(event)?;
            }
            Some(Err(error)) => visit(Err(error))?,
            None => {}
        }
    }
    Ok(greatest)
}
