//! The file: one process has it, whatever it is called, and nobody else reads it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use pagetrail::queue::Outbox as _;
use pagetrail::queue::sqlite::{OpenError, SqliteQueue};

use crate::kit::{Place, bodies, drain, message};

#[tokio::test]
async fn a_second_one_is_refused_under_any_name_until_the_first_is_closed() {
    let place = Place::new();
    let queue = place.open();
    queue.send(message(1, "a")).await.unwrap();
    let other = place.directory.path().join("other.db");
    symlink(place.path(), &other).unwrap();
    for path in [&place.path(), &other] {
        let error = SqliteQueue::open(path, place.bounds).err().unwrap();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
        let process = format!("({}), which is still running", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
    }
    queue.close().await;
    let queue = SqliteQueue::open(&other, place.bounds).unwrap();
    assert_eq!(bodies(&drain(&queue).await), ["a"]);
}

#[tokio::test]
async fn only_its_owner_reads_it() {
    let place = Place::new();
    let queue = place.open();
    queue.send(message(1, "a")).await.unwrap();
    for path in [place.path(), place.beside("-wal"), place.beside("-shm"), place.beside(".lock")] {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_closed_one_is_a_single_file() {
    let place = Place::new();
    let queue = place.open();
    queue.send(message(1, "a")).await.unwrap();
    queue.close().await;
    assert!(!place.beside("-wal").exists());
}
