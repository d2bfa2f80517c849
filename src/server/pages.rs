//! What the server paged before: the kinds of each page, in a file beside the queue.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use tracing::warn;

use crate::context::memory::{BACK, Kept};
use crate::lock::lock;

/// The newest pages of one kind that are read.
const MOST_READ: u16 = 10;
/// The most pages that are kept without a file.
const MOST_KEPT: usize = 10_000;

/// Keeps pages in a file, or only in this process if the file cannot be used: no page is lost for it.
pub(super) fn kept(path: Option<&Path>) -> Box<dyn Kept> {
    let Some(path) = path else { return Box::<InProcess>::default() };
    match InFile::open(path) {
        Ok(file) => Box::new(file),
        Err(error) => {
            let path = path.display();
            warn!(%path, %error, "what was paged is remembered until the next start only");
            Box::<InProcess>::default()
        }
    }
}

struct InFile(Mutex<Connection>);

impl InFile {
    /// Opens the file, and makes it if it is not there. What it holds may be lost, so no write waits for
    /// the disk.
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS page (kind TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL);
             CREATE INDEX IF NOT EXISTS page_kind ON page (kind, at);",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    fn store(&self, id: &str, kinds: &[String], at: DateTime<Utc>) -> rusqlite::Result<()> {
        let (file, at) = (lock(&self.0), at.timestamp());
        file.execute("DELETE FROM page WHERE at < ?1", [at - BACK.num_seconds()])?;
        for kind in kinds {
            file.execute("INSERT INTO page (kind, at, id) VALUES (?1, ?2, ?3)", (kind, at, id))?;
        }
        Ok(())
    }

    fn read(&self, kind: &str, since: i64) -> rusqlite::Result<Vec<(String, i64)>> {
        let file = lock(&self.0);
        let mut query = file.prepare_cached(
            "SELECT id, at FROM page WHERE kind = ?1 AND at >= ?2 ORDER BY at DESC LIMIT ?3",
        )?;
        let found = query.query_map((kind, since, MOST_READ), |row| Ok((row.get(0)?, row.get(1)?)));
        found?.collect()
    }
}

impl Kept for InFile {
    fn keep(&self, id: &str, kinds: &[String], at: DateTime<Utc>) {
        if let Err(error) = self.store(id, kinds, at) {
            warn!(%error, "a page could not be remembered");
        }
    }

    fn pages(
        &self,
        kind: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, String> {
        let pages = self.read(kind, since.timestamp()).map_err(|error| error.to_string())?;
        let time = |at| DateTime::from_timestamp(at, 0).unwrap_or_default();
        Ok(pages.into_iter().map(|(id, at)| (id, time(at))).collect())
    }
}

/// The kinds of pages, the oldest first.
#[derive(Default)]
struct InProcess(Mutex<VecDeque<(String, String, DateTime<Utc>)>>);

impl Kept for InProcess {
    fn keep(&self, id: &str, kinds: &[String], at: DateTime<Utc>) {
        let mut pages = lock(&self.0);
        for kind in kinds {
            if pages.len() >= MOST_KEPT {
                pages.pop_front();
            }
            pages.push_back((kind.clone(), id.to_owned(), at));
        }
    }

    fn pages(
        &self,
        kind: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, String> {
        let pages = lock(&self.0);
        let found = pages.iter().rev().filter(|(of, _, at)| of == kind && *at >= since);
        Ok(found.take(MOST_READ.into()).map(|(_, id, at)| (id.clone(), *at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        Utc::now() - TimeDelta::minutes(minutes_ago)
    }

    fn seen(kept: &dyn Kept, kind: &str) -> Vec<(String, i64)> {
        let pages = kept.pages(kind, at(7 * 24 * 60)).unwrap();
        pages.into_iter().map(|(id, at)| (id, (Utc::now() - at).num_minutes())).collect()
    }

    fn page(id: &str, ago: i64) -> (String, i64) {
        (id.to_owned(), ago)
    }

    #[test]
    fn pages_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.pages.db");
        let first = kept(Some(&path));
        first.keep("one", &["a".into(), "c".into()], at(5));
        first.keep("two", &["a".into(), "b".into()], at(3));
        drop(first);
        let second = kept(Some(&path));
        assert_eq!(seen(&*second, "a"), [page("two", 3), page("one", 5)]);
        assert_eq!(seen(&*second, "b"), [page("two", 3)]);
        assert_eq!(seen(&*second, "d"), []);
        // Old ones are forgotten.
        second.keep("old", &["d".into()], at(8 * 24 * 60));
        assert_eq!(seen(&*second, "d"), []);
    }

    #[test]
    fn without_a_file_pages_are_kept_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        for path in [Some(folder.path().join("missing/queue.pages.db")), None] {
            let kept = kept(path.as_deref());
            kept.keep("one", &["a".into()], at(5));
            assert_eq!(seen(&*kept, "a"), [page("one", 5)]);
        }
    }
}
