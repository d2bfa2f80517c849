//! What can be wrong with the file, and the messages about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use super::schema::VERSION;
use crate::queue::QueueError;
use crate::text::{cut, one_line};

/// Why a queue's file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the queue {} is in use by another process{}, which is still running: stop it first",
        path.display(), process.map(|id| format!(" ({id})")).unwrap_or_default()
    )]
    InUse { path: PathBuf, process: Option<u32> },
    #[error(
        "the queue {} was written by a newer Pagetrail (its version is {version}, this one knows \
         {VERSION}): use the newer one",
        path.display()
    )]
    Newer { path: PathBuf, version: i64 },
    #[error("{} is not a Pagetrail queue: name another file, or move this one away", .0.display())]
    NotAQueue(PathBuf),
    #[error("there is no queue {}", .0.display())]
    Missing(PathBuf),
    #[error(
        "the queue {} is damaged ({why}) and could not be set aside: {error}. Move it away by \
         hand, with the files whose names begin with its name",
        path.display()
    )]
    Damaged { path: PathBuf, why: String, error: io::Error },
    #[error("the queue {} could not be opened: {why}", path.display())]
    Failed { path: PathBuf, why: String },
}

impl OpenError {
    /// Whether the path itself is wrong: there is no queue at it.
    #[must_use]
    pub fn is_no_queue(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::NotAQueue(_))
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Failed { path, why: error.to_string() }
    }
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not a queue and never was.
    Foreign,
    Newer(i64),
    /// It was a queue; the text is SQLite's.
    Damaged(String),
    Failed(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged(words(&error)) } else { Self::Failed(words(&error)) }
    }
}

/// Whether the file itself is damaged.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => {
            matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        // Tables that we did not create, or a value of the wrong type for its column.
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

/// Whether the disk is full, or the bound is reached.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// The error for the sender.
pub(super) fn queue_error(error: &rusqlite::Error) -> QueueError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => QueueError::Full("its disk has no room".to_owned()),
        // A quota and some network disks report a full disk this way.
        Some(ErrorCode::SystemIoFailure) => {
            QueueError::Full(format!("its disk failed: {}", words(error)))
        }
        Some(ErrorCode::TooBig) => QueueError::TooLarge,
        _ => QueueError::Failed(format!("the queue's database failed: {}", words(error))),
    }
}

/// SQLite's message, on one line.
pub(super) fn words(error: &rusqlite::Error) -> String {
    cut(&one_line(&error.to_string()), 200)
}
