//! What Pagetrail paged before: on Lambda in its own log group, on a server in a file.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::Deserialize;
use tracing::warn;

use super::ports::{Known, Memory, PagedKind};
use crate::evidence::ports::{LogSource, LookupError, Order, Query};
use crate::lock::lock;

/// The newest pages that are read.
const MOST_READ: usize = 100;
/// How long a server remembers, in seconds: as long as a page looks back.
const REMEMBERED: i64 = 7 * 24 * 3_600;
/// The most pages that a server without a file remembers.
const MOST_KEPT: usize = 10_000;

/// Where pages are remembered.
#[derive(Debug, Default)]
pub enum Pages {
    /// Nowhere: a preview sends none.
    #[default]
    None,
    /// In the log group that the function itself writes to.
    OwnLog(String),
    /// In a file of its own beside a server's queue.
    File(Mutex<Connection>),
    /// In this process, the oldest first.
    Process(Mutex<VecDeque<Page>>),
}

/// A page that was sent.
#[derive(Debug, Clone)]
pub struct Page {
    id: String,
    fingerprints: Vec<String>,
    at: DateTime<Utc>,
}

impl Pages {
    /// Remembers in a file, or only in this process if it cannot be used: no page is lost for it.
    #[must_use]
    pub fn in_file(path: &Path) -> Self {
        match open(path) {
            Ok(connection) => Self::File(Mutex::new(connection)),
            Err(error) => {
                let path = path.display();
                warn!(%path, %error, "what was paged is remembered until the next start only");
                Self::Process(Mutex::default())
            }
        }
    }

    /// Remembers a page that was queued. On Lambda, the log line does it.
    pub fn remember(&self, id: &str, fingerprints: &[String], at: DateTime<Utc>) {
        match self {
            Self::File(file) => {
                if let Err(error) = store(&lock(file), id, fingerprints, at) {
                    warn!(%error, "a page could not be remembered");
                }
            }
            Self::Process(pages) if !fingerprints.is_empty() => {
                let mut pages = lock(pages);
                if pages.len() >= MOST_KEPT {
                    pages.pop_front();
                }
                pages.push_back(Page {
                    id: id.to_owned(),
                    fingerprints: fingerprints.to_vec(),
                    at,
                });
            }
            Self::None | Self::OwnLog(_) | Self::Process(_) => {}
        }
    }
}

/// Opens the file, and makes it if it is not there. What it holds may be lost, so no write waits for
/// the disk.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS page (kind TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL);
         CREATE INDEX IF NOT EXISTS page_kind ON page (kind, at);",
    )?;
    Ok(connection)
}

fn store(
    file: &Connection,
    id: &str,
    fingerprints: &[String],
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let at = at.timestamp();
    file.execute("DELETE FROM page WHERE at < ?1", [at - REMEMBERED])?;
    for kind in fingerprints {
        file.execute("INSERT INTO page (kind, at, id) VALUES (?1, ?2, ?3)", (kind, at, id))?;
    }
    Ok(())
}

/// The ids and times of the pages with a kind, the newest first.
fn stored(file: &Connection, kind: &str, since: i64) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut query = file.prepare_cached(
        "SELECT id, at FROM page WHERE kind = ?1 AND at >= ?2 ORDER BY at DESC LIMIT 10",
    )?;
    query.query_map((kind, since), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Reads what was paged before, except for the page that is composed now.
pub struct Remembered<'a, L> {
    pub pages: &'a Pages,
    /// The logs of the Region that this runs in.
    pub logs: &'a L,
    /// The deduplication id of the page that is composed now: it can be handled a second time.
    pub own: &'a str,
}

/// The log line of a page, as `telemetry` writes it.
#[derive(Deserialize)]
struct Logged {
    id: String,
    fingerprints: Vec<String>,
}

impl<L: LogSource> Memory for Remembered<'_, L> {
    async fn pages(
        &self,
        fingerprints: &[String],
        since: DateTime<Utc>,
    ) -> Result<Known<PagedKind>, LookupError> {
        let mut items = Vec::new();
        let mut add = |id: &str, found: &[String], at: DateTime<Utc>| {
            if id != self.own {
                let known = found.iter().filter(|it| fingerprints.contains(it)).cloned();
                items.extend(known.map(|fingerprint| PagedKind { fingerprint, at }));
            }
        };
        let complete = match self.pages {
            Pages::None => false,
            Pages::File(file) => {
                let file = lock(file);
                for kind in fingerprints {
                    let pages = stored(&file, kind, since.timestamp())
                        .map_err(|error| LookupError::Unavailable(error.to_string()))?;
                    for (id, at) in pages {
                        let at = DateTime::from_timestamp(at, 0).unwrap_or_default();
                        add(&id, std::slice::from_ref(kind), at);
                    }
                }
                true
            }
            Pages::Process(pages) => {
                for page in lock(pages).iter().filter(|page| page.at >= since) {
                    add(&page.id, &page.fingerprints, page.at);
                }
                true
            }
            Pages::OwnLog(group) => {
                // `?` means "any of"; one term needs none.
                let mark = if fingerprints.len() == 1 { "" } else { "?" };
                let terms: Vec<String> =
                    fingerprints.iter().map(|it| format!("{mark}\"{it}\"")).collect();
                let query = Query {
                    log_group: group.clone(),
                    stream: None,
                    pattern: terms.join(" "),
                    start: since,
                    end: Utc::now(),
                    order: Order::NewestFirst,
                    most: Some(MOST_READ),
                };
                let page = self.logs.events(&query, None).await?;
                for line in page.items {
                    if let Ok(logged) = serde_json::from_str::<Logged>(&line.text) {
                        add(&logged.id, &logged.fingerprints, line.at);
                    }
                }
                page.next.is_none()
            }
        };
        Ok(Known { items, complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        Utc::now() - chrono::TimeDelta::minutes(minutes_ago)
    }

    /// A log service that nobody may ask.
    struct NoLogs;

    impl LogSource for NoLogs {
        async fn metric_filters(
            &self,
            _metric: &crate::alarm::Metric,
            _token: Option<&str>,
        ) -> Result<crate::evidence::ports::Page<crate::evidence::ports::MetricFilter>, LookupError>
        {
            Err(LookupError::AccessDenied)
        }

        async fn events(
            &self,
            _query: &Query,
            _token: Option<&str>,
        ) -> Result<crate::evidence::ports::Page<crate::lines::Line>, LookupError> {
            Err(LookupError::AccessDenied)
        }

        async fn log_groups(&self, _prefix: &str) -> Result<Vec<String>, LookupError> {
            Err(LookupError::AccessDenied)
        }
    }

    async fn seen(pages: &Pages, own: &str) -> Vec<(String, i64)> {
        let memory = Remembered { pages, logs: &NoLogs, own };
        let asked = ["a".to_owned(), "b".to_owned()];
        let known = memory.pages(&asked, at(7 * 24 * 60)).await.unwrap();
        let ago = |page: PagedKind| (page.fingerprint, (Utc::now() - page.at).num_minutes());
        known.items.into_iter().map(ago).collect()
    }

    #[tokio::test]
    async fn a_server_remembers_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.pages.db");
        for number in 0..2 {
            let pages = Pages::in_file(&path);
            assert!(matches!(pages, Pages::File(_)));
            if number == 0 {
                pages.remember("one", &["a".into(), "c".into()], at(5));
                pages.remember("two", &["a".into(), "b".into()], at(3));
            }
            let all = [("a".to_owned(), 3), ("a".to_owned(), 5), ("b".to_owned(), 3)];
            assert_eq!(seen(&pages, "other").await, all);
            assert_eq!(seen(&pages, "two").await, [("a".to_owned(), 5)], "not by its own page");
        }
    }

    #[tokio::test]
    async fn without_a_file_it_remembers_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let pages = Pages::in_file(&folder.path().join("missing/queue.pages.db"));
        assert!(matches!(pages, Pages::Process(_)));
        pages.remember("one", &["a".into()], at(5));
        assert_eq!(seen(&pages, "other").await, [("a".to_owned(), 5)]);
        assert_eq!(seen(&Pages::None, "other").await, []);
    }
}
