//! Disk space: whether one more message can be written, while deleting must always work.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Bounds;
use crate::queue::QueueError;

/// Time between two checks of the disk,
const LOOK: Duration = Duration::from_secs(1);
/// and bytes written between them: whichever comes first.
const LOOK_BYTES: u64 = 2 << 20;
/// Minimum free space: what the log and its copy in the file can take until deleting makes room,
/// including the largest batch.
const LEAST_FREE: u64 = 16 << 20;
/// Space beyond the bound that deleting and rejecting can take.
pub(super) const RESERVE: u64 = 4 << 20;

/// What is known about the disk and the file.
pub(super) struct Room {
    path: PathBuf,
    bounds: Bounds,
    /// The file's inode. If the name has another inode, the file was replaced.
    inode: u64,
    looked: Option<(Instant, Result<(), QueueError>)>,
    /// Bytes written since the last check.
    written: u64,
    /// Until this time, SQLite's own error is returned.
    refused: Option<(Instant, QueueError)>,
    /// Bytes of the rejected events.
    pub(super) rejected: u64,
}

impl Room {
    pub(super) fn new(path: &Path, bounds: Bounds, rejected: u64) -> Self {
        let path = path.to_owned();
        let inode = inode(&path);
        let bounds = Bounds { free: bounds.free.max(LEAST_FREE), ..bounds };
        Self { path, bounds, inode, looked: None, written: 0, refused: None, rejected }
    }

    /// Counts written bytes.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.written += bytes;
        if self.written > LOOK_BYTES {
            self.looked = None;
        }
    }

    /// Messages were deleted: what was found full may not be full any more.
    pub(super) fn freed(&mut self) {
        self.looked.take_if(|(_, found)| found.is_err());
    }

    /// SQLite found no room: for a moment, the next writes are not tried.
    pub(super) fn refuse(&mut self, error: QueueError) {
        self.refused = Some((Instant::now() + LOOK, error));
        self.looked = None;
    }

    /// Whether anything except deletes can be written now. `unused`: bytes that the file and its log
    /// have but do not use. New events take these first, so they count as free, up to half of what
    /// must stay free: the file never gets shorter, and would stay full for ever.
    pub(super) fn look(&mut self, unused: impl FnOnce() -> u64) -> Result<(), QueueError> {
        let now = Instant::now();
        if let Some((until, error)) = &self.refused {
            if now < *until {
                return Err(error.clone());
            }
            self.refused = None;
        }
        match &self.looked {
            Some((at, found)) if now < *at + LOOK => found.clone(),
            _ => {
                let found = self.disk(unused);
                self.written = 0;
                self.looked = Some((now, found.clone()));
                found
            }
        }
    }

    fn disk(&self, unused: impl FnOnce() -> u64) -> Result<(), QueueError> {
        let path = self.path.display();
        if inode(&self.path) != self.inode {
            let why = format!("{path} was removed or replaced while in use: restart Pagetrail");
            return Err(QueueError::Failed(why));
        }
        let disk = rustix::fs::statvfs(self.path.parent().unwrap_or(&self.path))
            .map_err(|error| QueueError::Failed(format!("the disk of {path}: {error}")))?;
        let left = disk.f_bavail.saturating_mul(disk.f_frsize);
        if left < self.bounds.free && left + unused().min(self.bounds.free / 2) < self.bounds.free {
            return Err(QueueError::Full(format!(
                "the disk of {path} has {} left, and {} must stay free",
                size(left),
                size(self.bounds.free)
            )));
        }
        Ok(())
    }

    /// Whether the file can hold this many more bytes.
    pub(super) fn fits(&self, used: u64, more: u64) -> Result<(), QueueError> {
        if used + more <= self.bounds.bytes {
            return Ok(());
        }
        let mut why = format!(
            "{} holds {} of at most {}",
            self.path.display(),
            size(used),
            size(self.bounds.bytes)
        );
        if self.rejected > self.bounds.bytes / 10 {
            let _ = write!(
                why,
                ", {} of it rejected events: look at them with 'pagetrail rejected --file'",
                size(self.rejected)
            );
        }
        Err(QueueError::Full(why))
    }
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.ino())
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB)
}
