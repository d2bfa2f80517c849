//! A damaged file: named, set aside as it was, and what can be read of it carried over.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use futures_util::future::join_all;
use pagetrail::queue::sqlite::{OpenError, SqliteQueue};
use pagetrail::queue::{Deduplication, Inbox as _, Outbox as _, Outgoing, QueueError, Settle as _};

use tokio::time::timeout;

use crate::kit::{
    PATIENCE, Place, bodies, drain, key, message, others, received, rejection, send_all, to_key,
};

const PAGE: u64 = 4_096;
/// Enough that the events' table has a tree of pages.
const MANY: u32 = 1_000;

fn body(group: u32, number: u32) -> String {
    let filler = "x".repeat(if number.is_multiple_of(50) { 6_000 } else { 300 });
    format!(
        "{{\"target\":\"default\",\"group\":{group},\"number\":{number},\"event\":{{}},\"x\":\"{filler}\"}}"
    )
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

/// A closed queue of many events in ten groups, one of them rejected.
async fn many() -> Place {
    let place = Place::new();
    let queue = place.open();
    queue.send(message(99, "to be rejected")).await.unwrap();
    queue.reject(&received(&queue).await[0], rejection("no")).await.unwrap();
    let sends = (0..10).map(async |group| {
        for number in (group..MANY).step_by(10) {
            queue.send(message(group, &body(group, number))).await.unwrap();
        }
    });
    join_all(sends).await;
    queue.close().await;
    place
}

/// Everything that comes is what was sent, in the order of its group. Returns how much.
async fn all_intact(queue: &SqliteQueue) -> usize {
    let mut last: BTreeMap<String, u32> = BTreeMap::new();
    let all = drain(queue).await;
    for message in &all {
        let number = message.body.split("\"number\":").nth(1).unwrap();
        let number: u32 = number.split(',').next().unwrap().parse().unwrap();
        assert_eq!(message.body, body(number % 10, number));
        let group = message.group.clone().unwrap();
        assert_eq!(group, format!("group {}", number % 10));
        let before = last.insert(group, number);
        assert!(before.is_none_or(|before| before < number), "{before:?} {number}");
    }
    all.len()
}

#[tokio::test]
async fn a_lost_first_page_costs_nothing() {
    for damage in [vec![0; 100], b"garbage ".repeat(512), vec![0xff; 16]] {
        let place = many().await;
        overwrite(&place.path(), 0, &damage);
        let before = fs::read(place.path()).unwrap();
        let queue = place.open();
        let aside = queue.set_aside().unwrap().clone();
        assert_eq!((aside.events, aside.rejected, aside.unreadable), (u64::from(MANY), 1, 0));
        assert_eq!(fs::read(&aside.path).unwrap(), before, "as it was");
        assert_eq!(others(place.directory.path()).len(), 1, "nothing else is left");
        assert_eq!(all_intact(&queue).await, MANY as usize);
        queue.close().await;
        let queue = place.open();
        assert!(queue.set_aside().is_none(), "once");
        assert_eq!(queue.state().await.rejected, Some(1));
    }
}

#[tokio::test]
async fn pages_in_the_middle_cost_what_was_in_them() {
    let place = many().await;
    let pages = fs::metadata(place.path()).unwrap().len() / PAGE;
    for page in [pages / 3, pages / 2, pages - 2] {
        overwrite(&place.path(), page * PAGE, &[0xa5; 4_096]);
    }
    let before = fs::read(place.path()).unwrap();
    let queue = place.open();
    let aside = queue.set_aside().unwrap().clone();
    assert!(aside.events > u64::from(MANY) - 100, "{aside:?}");
    assert!(aside.unreadable > 0, "{aside:?}");
    assert_eq!(fs::read(&aside.path).unwrap(), before);
    let name = aside.path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("queue.db.damaged-20"), "{name}");
    assert_eq!(all_intact(&queue).await as u64, aside.events);
    send_all(&queue, vec![message(1, "new")]).await;
    assert_eq!(bodies(&drain(&queue).await), ["new"]);
}

#[tokio::test]
async fn a_truncated_file() {
    for part in [2, 3, 50] {
        let place = many().await;
        let length = fs::metadata(place.path()).unwrap().len();
        let file = OpenOptions::new().write(true).open(place.path()).unwrap();
        file.set_len(length * (part - 1) / part + 77).unwrap();
        let queue = place.open();
        let aside = queue.set_aside().unwrap().clone();
        assert!(aside.events > 300, "{part}: {aside:?}");
        assert_eq!(all_intact(&queue).await as u64, aside.events);
    }
}

#[tokio::test]
async fn whatever_bytes_are_altered_nothing_altered_is_delivered() {
    let place = many().await;
    let original = fs::read(place.path()).unwrap();
    let mut random = fastrand::Rng::with_seed(12345);
    for _ in 0..40 {
        let mut bytes = original.clone();
        for _ in 0..random.usize(1..20) {
            // The first page as often as all the others.
            let within = if random.bool() { 4_096 } else { bytes.len() };
            let at = random.usize(..within);
            bytes[at] ^= random.u8(1..);
        }
        fs::write(place.path(), &bytes).unwrap();
        let opened = place.try_open();
        let queue = match opened {
            Ok(queue) => queue,
            // Its mark or its version is what was altered.
            Err(OpenError::Newer { .. } | OpenError::NotAQueue(_)) => {
                assert_eq!(fs::read(place.path()).unwrap(), bytes, "left as it was");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let came = all_intact(&queue).await;
        if let Some(aside) = queue.set_aside() {
            assert_eq!(fs::read(&aside.path).unwrap(), bytes, "as it was");
            assert!(came as u64 <= aside.events);
            fs::remove_file(&aside.path).unwrap();
        }
        queue.close().await;
    }
}

#[tokio::test]
async fn keys_and_ids_outlive_the_table_of_targets() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![to_key(1, 1, "a"), to_key(2, 2, "b")]).await;
    let once = Outgoing { deduplication: Deduplication::Id("1".to_owned()), ..message(3, "c") };
    send_all(&queue, vec![once.clone()]).await;
    queue.close().await;
    overwrite(&place.path(), 0, &[0; 64]);
    let queue = place.open();
    assert_eq!(queue.keys().len(), 2);
    assert!(queue.keys().contains(&key(1)));
    queue.send(Outgoing { body: "again".to_owned(), ..once }).await.unwrap();
    assert_eq!(bodies(&drain(&queue).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_process_that_ended_while_it_set_a_file_aside_left_nothing_lost() {
    // All was salvaged, and the damaged file is still in its place.
    let place = many().await;
    fs::rename(place.path(), place.beside(".salvaged")).unwrap();
    fs::write(place.path(), "damaged").unwrap();
    fs::write(place.beside("-wal"), "its log").unwrap();
    assert_eq!(all_intact(&place.open()).await, MANY as usize);
    let aside = others(place.directory.path());
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert_eq!(fs::read(place.directory.path().join(&aside[0])).unwrap(), b"damaged");
    // It was half done; what it made so far is worth nothing.
    let place = many().await;
    fs::write(place.beside(".salvaging"), "half").unwrap();
    overwrite(&place.path(), 0, &[0; 64]);
    assert_eq!(all_intact(&place.open()).await, MANY as usize);
}

#[tokio::test]
async fn what_is_no_queue_is_left_alone() {
    let place = Place::new();
    for content in ["[server]\nlisten = 1\n".to_owned(), "x".repeat(100_000)] {
        fs::write(place.path(), &content).unwrap();
        for _ in 0..2 {
            let error = place.try_open().err().unwrap();
            assert!(matches!(error, OpenError::NotAQueue(_)), "{error}");
            let why = error.to_string();
            assert!(why.contains("queue.db is not a Pagetrail queue"), "{why}");
            assert_eq!(fs::read_to_string(place.path()).unwrap(), content);
        }
    }
    fs::remove_file(place.path()).unwrap();
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("CREATE TABLE somebody (x); INSERT INTO somebody VALUES (1)").unwrap();
    drop(other);
    let before = fs::read(place.path()).unwrap();
    assert!(matches!(place.try_open().err().unwrap(), OpenError::NotAQueue(_)));
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn an_empty_file_is_a_new_one_unless_its_log_is_not_empty() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    let queue = place.open();
    send_all(&queue, vec![message(1, "a")]).await;
    assert!(queue.set_aside().is_none());
    // As after a crash: the log is there, and the file was emptied.
    let log = fs::read(place.beside("-wal")).unwrap();
    queue.close().await;
    fs::write(place.path(), "").unwrap();
    fs::write(place.beside("-wal"), &log).unwrap();
    let queue = place.open();
    let aside = queue.set_aside().unwrap().clone();
    assert_eq!(aside.why, "the file is empty and its log is not");
    let mut kept = aside.path.into_os_string();
    kept.push("-wal");
    assert_eq!(fs::read(kept).unwrap(), log);
    assert_eq!(aside.events, 1, "the log alone holds it");
}

#[tokio::test]
async fn a_newer_version_is_refused_and_left_alone() {
    let place = Place::new();
    place.open().close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("PRAGMA user_version = 2; PRAGMA journal_mode = DELETE").unwrap();
    drop(other);
    let before = fs::read(place.path()).unwrap();
    let error = place.try_open().err().unwrap().to_string();
    assert!(
        error.contains("was written by a newer Pagetrail (its version is 2, this one"),
        "{error}"
    );
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

/// What SQLite's own recovery makes of a log whose end is torn: all that was committed
/// before that.
#[tokio::test]
async fn a_torn_log_loses_nothing_before_the_tear() {
    let place = Place::new();
    let queue = place.open();
    let mut lengths = Vec::new();
    for number in 0..40 {
        queue.send(message(1, &format!("{number} {}", "x".repeat(500)))).await.unwrap();
        lengths.push(fs::metadata(place.beside("-wal")).unwrap().len());
    }
    let (file, log) = (fs::read(place.path()).unwrap(), fs::read(place.beside("-wal")).unwrap());
    queue.close().await;
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..60 {
        let cut = random.usize(lengths[3].try_into().unwrap()..log.len());
        let mut torn = log[..cut].to_vec();
        match round % 3 {
            0 => {}
            1 => torn.resize(log.len(), 0),
            _ => torn.extend((cut..log.len()).map(|_| random.u8(..))),
        }
        let place = Place::new();
        fs::write(place.path(), &file).unwrap();
        fs::write(place.beside("-wal"), torn).unwrap();
        let queue = place.open();
        assert!(queue.set_aside().is_none());
        let came = drain(&queue).await;
        let committed = lengths.iter().filter(|length| **length <= cut as u64).count();
        assert!(came.len() >= committed, "{} of {committed}", came.len());
        for (number, message) in came.iter().enumerate() {
            assert!(message.body.starts_with(&format!("{number} x")), "{number}");
        }
    }
}

/// A queue whose process was killed: its file, its log, and the index of the log, after so many events.
async fn killed(events: u32) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let place = Place::new();
    let queue = place.open();
    for number in 0..events {
        queue.send(message(number % 7, &body(number % 7, number))).await.unwrap();
    }
    let files = ["", "-wal", "-shm"].map(|more| fs::read(place.beside(more)).unwrap());
    queue.close().await;
    files.into()
}

fn laid_down(file: &[u8], log: &[u8], index: Option<&[u8]>) -> Place {
    let place = Place::new();
    fs::write(place.path(), file).unwrap();
    fs::write(place.beside("-wal"), log).unwrap();
    if let Some(index) = index {
        fs::write(place.beside("-shm"), index).unwrap();
    }
    fs::write(place.beside(".lock"), "1").unwrap();
    place
}

#[tokio::test]
async fn a_damaged_place_in_the_log_is_told_and_costs_at_most_what_was_there() {
    let (file, log, index) = killed(300).await;
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..40 {
        let mut damaged = log.clone();
        // The first rounds in the log's head.
        let at = if round < 3 { round * 9 } else { random.usize(32..log.len() * 9 / 10) };
        let end = (at + random.usize(1..3_000)).min(log.len());
        for byte in &mut damaged[at..end] {
            *byte = random.u8(..);
        }
        let place = laid_down(&file, &damaged, (round % 2 == 0).then_some(&index));
        let queue = place.open();
        let aside = queue.set_aside().cloned();
        let came = drain(&queue).await;
        let rejected = queue.state().await.rejected.unwrap();
        if let Some(aside) = aside {
            let mut kept = aside.path.into_os_string();
            kept.push("-wal");
            assert_eq!(fs::read(kept).unwrap(), damaged, "the damaged log is kept as it was");
            assert!(came.len() >= 285, "{round}: {} of 300 at {at}..{end}", came.len());
        } else {
            assert_eq!(came.len() as u64 + rejected, 300, "{round}: nothing is lost in silence");
        }
        for message in &came {
            let number = message.body.split("\"number\":").nth(1).unwrap();
            let number: u32 = number.split(',').next().unwrap().parse().unwrap();
            assert_eq!(message.body, body(number % 7, number));
        }
    }
}

#[tokio::test]
async fn a_log_that_was_cut_is_told() {
    let (file, log, index) = killed(300).await;
    let page = 24 + usize::try_from(PAGE).unwrap();
    for cut in [log.len() / 3, 32 + 50 * page, 32, 0] {
        let place = laid_down(&file, &log[..cut], Some(&index));
        let queue = place.open();
        let why = queue.set_aside().map(|aside| aside.why.clone()).unwrap_or_default();
        assert!(why.contains("of the log are gone"), "{cut}: {why}");
        assert!(!drain(&queue).await.is_empty() || cut <= 32, "{cut}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_beside_its_lock_is_told() {
    for gone in [true, false] {
        let place = many().await;
        if gone {
            fs::remove_file(place.path()).unwrap();
        } else {
            fs::write(place.path(), "").unwrap();
        }
        let queue = place.open();
        let why = queue.set_aside().map(|aside| aside.why.clone()).unwrap_or_default();
        assert!(why.contains("gone or empty although it was a queue"), "{why}");
        queue.send(message(1, "a")).await.unwrap();
        queue.close().await;
        assert!(place.open().set_aside().is_none(), "once");
    }
}

#[tokio::test]
async fn damage_during_a_run_is_told_and_the_next_start_carries_on() {
    let place = Place::new();
    let queue = place.open();
    let large = |number: u32| message(number, &format!("{number} {}", "x".repeat(100_000)));
    send_all(&queue, (0..300).map(large).collect()).await;
    // Far more than is held in memory, and most of it in the file by now.
    let length = fs::metadata(place.path()).unwrap().len();
    assert!(length > 20 << 20, "{length}");
    for page in 10..length / PAGE {
        overwrite(&place.path(), page * PAGE, &[0xa5; 4_096]);
    }
    let told = loop {
        match timeout(PATIENCE, queue.receive()).await.expect("an answer in time") {
            Ok(messages) => {
                for message in messages {
                    assert_eq!(message.body.len(), 100_000 + message.body.find('x').unwrap());
                    let _ = queue.done(&message).await;
                }
            }
            Err(error) => break error,
        }
        if queue.state().await.ready.is_err() {
            break queue.state().await.ready.unwrap_err();
        }
    };
    assert!(matches!(told, QueueError::Failed(_)), "{told}");
    let error = queue.send(message(1, "x")).await.unwrap_err().to_string();
    assert!(
        error.contains("queue.db is damaged (") && error.contains("restart Pagetrail"),
        "{error}"
    );
    assert_eq!(queue.state().await.ready.unwrap_err().to_string(), error);
    queue.close().await;
    let queue = place.open();
    assert!(queue.set_aside().is_some());
    queue.send(message(1, "x")).await.unwrap();
}

#[tokio::test]
async fn an_altered_severity_costs_no_event() {
    let place = Place::new();
    let queue = place.open();
    send_all(&queue, vec![message(1, "a"), message(2, "b")]).await;
    queue.close().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    for (body, severity) in [("a", i64::MIN), ("b", 300)] {
        let change = "UPDATE event SET severity = ?2 WHERE body = ?1";
        assert_eq!(other.execute(change, (body, severity)).unwrap(), 1);
    }
    drop(other);
    let queue = place.open();
    assert!(queue.set_aside().is_none());
    assert_eq!(bodies(&drain(&queue).await).len(), 2);
}
