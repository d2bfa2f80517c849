//! A disk that is really full: nothing is acknowledged that is not on it, and everything
//! works again once there is room. Needs the right to mount a small file system.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use pagetrail::queue::sqlite::{Bounds, SqliteQueue};
use pagetrail::queue::{Outbox as _, QueueError, Settle as _};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::kit::{PATIENCE, drain, failed, full, message, received};

/// A file system of its own, unmounted in the end.
struct Disk(TempDir);

impl Disk {
    /// None where mounting is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(directory.path());
        let mounted = command.output().is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("not shown: a small file system could not be mounted");
        }
        mounted.then(|| Self(directory))
    }

    fn queue(&self) -> PathBuf {
        self.0.path().join("queue.db")
    }

    fn open(&self) -> SqliteQueue {
        SqliteQueue::open(&self.queue(), Bounds { free: 0, ..Bounds::default() }).unwrap()
    }

    /// Somebody else's file takes what is left, but for this much.
    fn fill(&self, left: usize) -> PathBuf {
        let kept = self.0.path().join("kept");
        std::fs::write(&kept, vec![0; left]).unwrap();
        let path = self.0.path().join("somebody-elses");
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        while file.write(&[0; 4_096]).is_ok() {}
        std::fs::remove_file(kept).unwrap();
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn in_parallel(queue: &SqliteQueue, count: u32) -> Vec<Result<(), QueueError>> {
    let body = "x".repeat(2_000);
    let sends = (0..count).map(|number| {
        let message = message(number, &format!("{number} {body}"));
        async { queue.send(message).await }
    });
    join_all(sends).await
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_there() {
    let Some(disk) = Disk::mount("24m") else { return };
    let queue = disk.open();
    // Twice what fits: one transaction can hold half of it, and the free space is read in between.
    let results = in_parallel(&queue, 8_000).await;
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert!(accepted > 1_000 && accepted < 8_000, "{accepted}");
    let refused = results.into_iter().find(Result::is_err).unwrap();
    assert!(full(refused).ends_with("MiB left, and 16.0 MiB must stay free"));
    assert!(queue.state().await.ready.is_err());
    queue.close().await;
    let queue = disk.open();
    assert_eq!(queue.state().await.messages, Some(accepted as u64));
    assert_eq!(drain(&queue).await.len(), accepted, "deleting works, though the disk is full");
    assert_eq!(queue.state().await.ready, Ok(()));
    queue.send(message(1, "again")).await.unwrap();
}

#[tokio::test]
async fn delivery_goes_on_when_somebody_else_takes_what_was_to_stay_free() {
    let Some(disk) = Disk::mount("32m") else { return };
    let queue = disk.open();
    assert!(in_parallel(&queue, 1_500).await.iter().all(Result::is_ok));
    let filler = disk.fill(10 << 20);
    wait_until(&queue, Result::is_err).await;
    let why = full(queue.send(message(1, "more")).await);
    assert!(why.contains("must stay free"), "{why}");
    assert_eq!(drain(&queue).await.len(), 1_500, "deleting works");
    File::create(&filler).unwrap();
    wait_until(&queue, Result::is_ok).await;
    queue.send(message(1, "again")).await.unwrap();
}

#[tokio::test]
async fn a_disk_without_a_byte_left_loses_nothing_and_all_recovers() {
    let Some(disk) = Disk::mount("24m") else { return };
    let queue = disk.open();
    assert!(in_parallel(&queue, 500).await.iter().all(Result::is_ok));
    let filler = disk.fill(0);
    let results = in_parallel(&queue, 2_000).await;
    let said: std::collections::BTreeSet<String> =
        results.iter().filter_map(|it| it.as_ref().err().map(ToString::to_string)).collect();
    eprintln!("{said:?}");
    assert!(results.iter().any(Result::is_err));
    let more = results.iter().filter(|result| result.is_ok()).count();
    wait_until(&queue, Result::is_err).await;
    // Some may be deleted, some not, and come back.
    let mut deleted = 0;
    for message in received(&queue).await {
        match queue.done(&message).await {
            Ok(()) => deleted += 1,
            Err(error) => {
                assert!(matches!(error, QueueError::Full(_)), "{error}");
                queue.postpone(&[message], failed(0)).await;
            }
        }
    }
    File::create(&filler).unwrap();
    wait_until(&queue, Result::is_ok).await;
    assert_eq!(drain(&queue).await.len(), 500 + more - deleted);
    assert!(in_parallel(&queue, 500).await.iter().all(Result::is_ok));
}

/// What was seen of the disk holds for a second.
async fn wait_until(queue: &SqliteQueue, reached: impl Fn(&Result<(), QueueError>) -> bool) {
    let wait = async {
        while !reached(&queue.state().await.ready) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn a_new_queue_on_a_full_disk_is_refused_and_the_disk_named() {
    let Some(disk) = Disk::mount("100k") else { return };
    disk.fill(0);
    let opened = SqliteQueue::open(&disk.queue(), Bounds { free: 0, ..Bounds::default() });
    let error = opened.err().expect("no room").to_string();
    assert!(error.contains(Path::new("queue.db").to_str().unwrap()), "{error}");
    assert!(error.contains("full") || error.contains("No space"), "{error}");
}

#[tokio::test]
async fn a_damaged_queue_on_a_full_disk_is_salvaged_whole_or_left_for_later() {
    for left in [0, 1 << 20, 3 << 20, 5 << 20, 9 << 20] {
        let Some(disk) = Disk::mount("48m") else { return };
        let queue = disk.open();
        assert!(in_parallel(&queue, 1_500).await.iter().all(Result::is_ok));
        queue.close().await;
        // The first page is lost, of which a new file has the like.
        let file = OpenOptions::new().write(true).open(disk.queue()).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[0; 64], 0).unwrap();
        let filler = disk.fill(left);
        match SqliteQueue::open(&disk.queue(), Bounds { free: 0, ..Bounds::default() }) {
            Ok(queue) => queue.close().await,
            Err(error) => eprintln!("with {left} bytes left: {error}"),
        }
        std::fs::remove_file(&filler).unwrap();
        let queue = disk.open();
        assert_eq!(drain(&queue).await.len(), 1_500, "with {left} bytes left");
    }
}
