//! Reads the bodies of received messages with its own connection, so that nobody waits for the
//! writer.

use std::path::PathBuf;
use std::sync::Mutex;

use super::schedule::MessageId;
use super::store::{Store, Stored};
use crate::lock::lock;

/// A read-only connection, opened at first use.
pub(super) struct Reader {
    path: PathBuf,
    store: Mutex<Option<Store>>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, store: Mutex::default() }
    }

    /// Blocks until the disk answers.
    pub(super) fn read(&self, ids: &[MessageId]) -> Vec<rusqlite::Result<Option<Stored>>> {
        let mut opened = lock(&self.store);
        let one = |id: &MessageId| {
            let store = match opened.take() {
                Some(store) => store,
                None => Store::reader(&self.path)?,
            };
            let stored = store.event(*id);
            // After an error, the next read opens it again.
            if stored.is_ok() {
                *opened = Some(store);
            }
            stored
        };
        ids.iter().map(one).collect()
    }

    pub(super) fn close(&self) {
        *lock(&self.store) = None;
    }
}
