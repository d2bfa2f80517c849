//! Reading what was taken: a connection of its own, so that nobody waits for the writer.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::schedule::MessageId;
use super::store::{Store, Stored};

/// A connection that only reads, opened when it is first needed.
pub(super) struct Reader {
    path: PathBuf,
    store: Mutex<Option<Store>>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, store: Mutex::default() }
    }

    /// Blocks for as long as the disk takes.
    pub(super) fn read(&self, ids: &[MessageId]) -> Vec<rusqlite::Result<Option<Stored>>> {
        let mut opened = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |id: &MessageId| {
            let store = match opened.take() {
                Some(store) => store,
                None => Store::reader(&self.path)?,
            };
            let stored = store.event(*id);
            // After an error it is opened anew.
            if stored.is_ok() {
                *opened = Some(store);
            }
            stored
        };
        ids.iter().map(one).collect()
    }

    pub(super) fn close(&self) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
