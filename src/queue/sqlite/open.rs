//! Opening a queue: takes its lock, checks its file, and reads which messages wait.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::expiry::Ages;
use super::fault::{Fault, OpenError};
use super::lock::{Lock, beside};
use super::log;
use super::salvage::{self, SetAside};
use super::schedule::{GroupKey, MessageId, Schedule, TargetId};
use super::schema;
use super::store::Store;
use crate::pagerduty::routing_key::RoutingKey;
use crate::routing::Target;

/// A queue that only this process uses, and the messages in it.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) lock: Lock,
    pub(super) store: Store,
    pub(super) contents: Contents,
    pub(super) set_aside: Option<SetAside>,
}

/// The content of a file, without the texts.
pub(super) struct Contents {
    pub(super) schedule: Schedule,
    pub(super) targets: HashMap<Target, Known>,
    /// Keys of events that wait.
    pub(super) keys: Vec<RoutingKey>,
    pub(super) next_id: MessageId,
    /// How many events are rejected, and their size in bytes.
    pub(super) rejected: (u64, u64),
    pub(super) ages: Ages,
}

/// A routing target in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: TargetId,
    pub(super) has_key: bool,
}

pub(super) fn open(path: &Path) -> Result<Opened, OpenError> {
    let path = resolve(path)?;
    let mut lock = Lock::take(&path)?;
    salvage::finish(&path).map_err(OpenError::io(&path))?;
    let lost = lock.was_used && length(&path) == 0 && length(&beside(&path, "-wal")) == 0;
    create(&path).map_err(OpenError::io(&path))?;
    let (found, set_aside) = match read(&path) {
        Err(Fault::Damaged(why)) if lock.was_there || is_marked(&path) => {
            let set_aside = salvage::set_aside(&path, why)?;
            (read(&path), Some(set_aside))
        }
        // There is no sign that it ever was a queue.
        Err(Fault::Damaged(_)) => (Err(Fault::Foreign), None),
        found => (found, None),
    };
    match found {
        Ok((store, contents)) => {
            lock.mark_used();
            let set_aside = set_aside.or_else(|| lost.then(|| SetAside::lost(&path)));
            Ok(Opened { path, lock, store, contents, set_aside })
        }
        Err(fault) => {
            if matches!(fault, Fault::Foreign) {
                lock.delete_new(&path);
            }
            Err(named(fault, &path))
        }
    }
}

/// The fault with the file's name.
pub(super) fn named(fault: Fault, path: &Path) -> OpenError {
    let path = path.to_owned();
    match fault {
        Fault::Foreign => OpenError::NotAQueue(path),
        Fault::Newer(version) => OpenError::Newer { path, version },
        Fault::Damaged(why) | Fault::Failed(why) => OpenError::Failed { path, why },
    }
}

/// The file's canonical path, so that two names of one file share one lock.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    let absolute = std::path::absolute(path).map_err(OpenError::io(path))?;
    let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(OpenError::NotAQueue(absolute));
    };
    fs::canonicalize(directory).map(|it| it.join(name)).map_err(OpenError::io(directory))
}

/// Makes an empty file if there is none. Only its owner can read it, because it may hold keys.
pub(super) fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// When this returns, new file names in the directory are on disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// The length of a file; 0 if there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn read(path: &Path) -> Result<(Store, Contents), Fault> {
    if length(path) == 0 && length(&beside(path, "-wal")) > 0 {
        // SQLite would treat it as a new file and delete the log.
        return Err(Fault::Damaged("the file is empty and its log is not".to_owned()));
    }
    if let Some(damage) = log::damage(path).map_err(|error| Fault::Failed(error.to_string()))? {
        return Err(Fault::Damaged(damage));
    }
    let connection = schema::writer(path)?;
    schema::leave_log(&connection, true)?;
    if schema::version(&connection)?.is_some() {
        schema::check(&connection)?;
    }
    schema::configure(&connection)?;
    schema::migrate(&connection)?;
    let store = Store::new(connection);
    store.forget_targets()?;
    let contents = contents(&store)?;
    schema::leave_log(store.connection(), false)?;
    Ok((store, contents))
}

fn contents(store: &Store) -> Result<Contents, Fault> {
    let mut contents = Contents {
        schedule: Schedule::default(),
        targets: HashMap::new(),
        keys: Vec::new(),
        next_id: store.next_id()?,
        rejected: store.rejected()?,
        ages: Ages::default(),
    };
    let rows = store.targets()?;
    let by_id: HashMap<TargetId, &Target> = rows.iter().map(|row| (row.id, &row.target)).collect();
    let mut lost = None;
    store.heads(|head| {
        contents.ages.see(&head);
        match by_id.get(&head.target) {
            Some(target) => contents.schedule.add(
                Duration::ZERO,
                head.id,
                GroupKey::of(&head.group),
                head.severity,
                (head.target, target),
            ),
            None => lost = Some(head.id),
        }
    })?;
    if let Some(id) = lost {
        return Err(Fault::Damaged(format!("the target of event {id} is missing")));
    }
    let waiting = contents.schedule.by_target();
    for row in rows {
        let known = Known { id: row.id, has_key: row.key.is_some() };
        contents.keys.extend(row.key.filter(|_| waiting.contains_key(&row.target)));
        contents.targets.insert(row.target, known);
    }
    Ok(contents)
}

/// Whether the file has the mark of a Pagetrail queue (SQLite's file format, 1.3: the magic string,
/// and the application id at offset 68).
pub(super) fn is_marked(path: &Path) -> bool {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header.starts_with(b"SQLite format 3\0") && header.ends_with(schema::MARK)
}
