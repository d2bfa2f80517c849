//! The lock file next to the queue: only one process writes a queue.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::fault::OpenError;

/// The line that says that a queue was opened with the lock.
const USED: &str = "used";

/// Held as long as the process writes the queue. The system releases it when the process ends for
/// any reason.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// A queue was opened with it before.
    pub(super) was_used: bool,
    /// The lock file existed before: the file next to it is a queue, whatever it looks like now.
    pub(super) was_there: bool,
}

impl Lock {
    pub(super) fn take(queue: &Path) -> Result<Self, OpenError> {
        let path = beside(queue, ".lock");
        let was_there = path.exists();
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(OpenError::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let process = holder.lines().next().and_then(|id| id.trim().parse().ok());
                return Err(OpenError::InUse { path: queue.to_owned(), process });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::io(&path)(error)),
        }
        let mut content = String::new();
        let _ = file.read_to_string(&mut content);
        let was_used = content.lines().any(|line| line == USED);
        // The process id is only for the error message; a full disk must not keep the queue from
        // opening.
        let mut lock = Self { file, was_used, was_there };
        lock.write(if was_used { USED } else { "" });
        Ok(lock)
    }

    /// From now on the file beside it is known to be a queue, even if it is gone.
    pub(super) fn mark_used(&mut self) {
        if !self.was_used {
            self.write(USED);
        }
    }

    fn write(&mut self, mark: &str) {
        let text = format!("{}\n{mark}\n", std::process::id());
        let _ = self.file.set_len(0).and_then(|()| self.file.rewind());
        let _ = self.file.write_all(text.as_bytes());
    }

    /// Deletes a new lock file: the file next to it is not a queue, and must not count as one next
    /// time.
    pub(super) fn delete_new(self, queue: &Path) {
        if !self.was_there {
            let _ = fs::remove_file(beside(queue, ".lock"));
        }
    }
}

/// The path with a suffix on its name.
pub(super) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
