//! Rejected events in the file of a server's queue.

use std::path::Path;

use super::{Place, Rejected};
use crate::cli::CommandError;
use crate::queue::sqlite::{OpenError, RejectedEvents};

pub(super) struct QueueFile(RejectedEvents);

impl QueueFile {
    /// Opens the file; `change` if events will be put back or deleted.
    pub(super) fn open(path: &Path, change: bool) -> Result<Self, CommandError> {
        let opened = if change { RejectedEvents::own(path) } else { RejectedEvents::look(path) };
        let events = opened.map_err(|error| match error {
            OpenError::InUse { .. } => CommandError::from(format!(
                "{error}. Only 'list' and 'show' work while the server is running"
            )),
            error if error.is_no_queue() => CommandError::wrong(format!("--file: {error}")),
            error => error.into(),
        })?;
        if let Some(set_aside) = events.set_aside() {
            eprintln!(
                "the queue was damaged ({}): it is now {}, and what could be read was carried over",
                set_aside.why,
                set_aside.path.display()
            );
        }
        Ok(Self(events))
    }
}

impl Place for QueueFile {
    async fn list(&mut self) -> Result<Vec<Rejected>, CommandError> {
        let events = self.0.list()?;
        let rejected = events.into_iter().map(|event| Rejected {
            id: event.id.to_string(),
            short: event.id.to_string(),
            at: event.rejection.at,
            status: event.rejection.status.map_or("-".to_owned(), |status| status.to_string()),
            reason: event.rejection.reason,
            body: event.body,
        });
        Ok(rejected.collect())
    }

    async fn retry(&mut self, id: &str) -> Result<(), CommandError> {
        if self.0.retry(id.parse()?)? {
            Ok(())
        } else {
            Err(format!("{id} is not what was sent: it can be shown or discarded").into())
        }
    }

    async fn discard(&mut self, id: &str) -> Result<(), CommandError> {
        Ok(self.0.discard(id.parse()?)?)
    }

    async fn leave(self) {}
}
