//! A queue in a directory of its own, and messages for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pagetrail::pagerduty::Severity;
use pagetrail::pagerduty::routing_key::RoutingKey;
use pagetrail::queue::sqlite::{Bounds, OpenError, SqliteQueue};
use pagetrail::queue::{
    Deduplication, Inbox as _, Message, Outbox as _, Outgoing, QueueError, Rejection, Settle as _,
    Wait,
};
use pagetrail::routing::{Fingerprint, Target};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with a queue's file in it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) bounds: Bounds,
}

impl Place {
    pub(crate) fn new() -> Self {
        let bounds = Bounds { free: 0, ..Bounds::default() };
        Self { directory: TempDir::new().unwrap(), bounds }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("queue.db")
    }

    pub(crate) fn beside(&self, more: &str) -> PathBuf {
        self.directory.path().join(format!("queue.db{more}"))
    }

    pub(crate) fn open(&self) -> SqliteQueue {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<SqliteQueue, OpenError> {
        SqliteQueue::open(&self.path(), self.bounds)
    }
}

pub(crate) fn key(number: u32) -> RoutingKey {
    format!("{number:032x}").parse().unwrap()
}

/// A message whose group is a number.
pub(crate) fn message(group: u32, body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: format!("group {group}"),
        deduplication: Deduplication::Unique,
        target: Target::default_pool(),
        key: None,
        severity: None,
    }
}

pub(crate) fn severe(group: u32, body: &str, severity: Severity) -> Outgoing {
    Outgoing { severity: Some(severity), ..message(group, body) }
}

/// A message for a key that is in no pool.
pub(crate) fn to_key(number: u32, group: u32, body: &str) -> Outgoing {
    let key = key(number);
    let target = Target::Key(Fingerprint::of(&key));
    Outgoing { target, key: Some(key), ..message(group, body) }
}

pub(crate) fn rejection(reason: &str) -> Rejection {
    let at = "2026-11-21T10:00:00.000Z".to_owned();
    Rejection { status: Some(400), reason: reason.to_owned(), at }
}

pub(crate) fn failed(seconds: u64) -> Wait {
    Wait::Failed(Duration::from_secs(seconds))
}

pub(crate) async fn received(queue: &SqliteQueue) -> Vec<Message> {
    timeout(PATIENCE, queue.receive()).await.expect("messages in time").unwrap()
}

/// Nothing may be taken now: a receiver waits.
pub(crate) async fn nothing_comes(queue: &SqliteQueue) {
    let received = timeout(Duration::from_millis(50), queue.receive()).await;
    assert!(received.is_err(), "{received:?}");
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

/// Takes and deletes everything, until nothing is left: what is altered is put aside meanwhile,
/// and comes to nobody.
pub(crate) async fn drain(queue: &SqliteQueue) -> Vec<Message> {
    let mut all = Vec::new();
    let draining = async {
        while queue.state().await.messages != Some(0) {
            let Ok(received) = timeout(Duration::from_millis(100), queue.receive()).await else {
                continue;
            };
            for message in received.unwrap() {
                queue.done(&message).await.unwrap();
                all.push(message);
            }
        }
    };
    timeout(PATIENCE, draining).await.expect("all in time");
    all
}

pub(crate) async fn send_all(queue: &SqliteQueue, messages: Vec<Outgoing>) {
    for message in messages {
        queue.send(message).await.unwrap();
    }
}

/// Why a send was refused for want of room.
#[track_caller]
pub(crate) fn full(sent: Result<(), QueueError>) -> String {
    match sent {
        Err(QueueError::Full(why)) => why,
        other => panic!("not full: {other:?}"),
    }
}

/// The names in the directory, but for the database's own files.
pub(crate) fn others(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap();
    let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
    let own = ["queue.db", "queue.db-wal", "queue.db-shm", "queue.db.lock"];
    let mut others: Vec<String> = names.filter(|it| !own.contains(&it.as_str())).collect();
    others.sort();
    others
}
