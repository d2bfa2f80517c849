//! What Pagetrail paged before: on Lambda in its own log group, on a server where that keeps them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::ports::{Memory, PagedKind};
use crate::evidence::Window;
use crate::evidence::ports::{LogSource, LookupError, Query};

/// How far back pages are looked up.
pub const BACK: TimeDelta = TimeDelta::days(7);
/// The newest pages that are read.
const MOST_READ: usize = 100;

/// Where pages are remembered.
#[derive(Default)]
pub enum Pages {
    /// Nowhere: a preview sends none.
    #[default]
    None,
    /// In the log group that the function itself writes to.
    OwnLog(String),
    /// Where a server keeps them.
    Kept(Box<dyn Kept>),
}

/// Pages that a server keeps.
pub trait Kept: Send + Sync {
    /// Keeps the kinds of a page; `id` is its deduplication id.
    fn keep(&self, id: &str, kinds: &[String], at: DateTime<Utc>);

    /// The ids and times of the pages with a kind since a time, the newest first.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn pages(
        &self,
        kind: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, String>;
}

impl Pages {
    /// Remembers a page that was queued. On Lambda, the log line does it.
    pub fn remember(&self, id: &str, fingerprints: &[String], at: DateTime<Utc>) {
        if let Self::Kept(kept) = self
            && !fingerprints.is_empty()
        {
            kept.keep(id, fingerprints, at);
        }
    }
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
    ) -> Result<Vec<PagedKind>, LookupError> {
        let mut items = Vec::new();
        let mut add = |id: &str, found: &[String], at: DateTime<Utc>| {
            if id != self.own {
                let known = found.iter().filter(|it| fingerprints.contains(it)).cloned();
                items.extend(known.map(|fingerprint| PagedKind { fingerprint, at }));
            }
        };
        match self.pages {
            Pages::None => {}
            Pages::Kept(kept) => {
                for kind in fingerprints {
                    let pages = kept.pages(kind, since).map_err(LookupError::Unavailable)?;
                    for (id, at) in pages {
                        add(&id, std::slice::from_ref(kind), at);
                    }
                }
            }
            Pages::OwnLog(group) => {
                // `?` means "any of"; one term needs none.
                let mark = if fingerprints.len() == 1 { "" } else { "?" };
                let terms: Vec<String> =
                    fingerprints.iter().map(|it| format!("{mark}\"{it}\"")).collect();
                let window = Window { start: since, end: Utc::now() };
                let query = Query::newest(group, &terms.join(" "), window);
                let query = Query { most: Some(MOST_READ), ..query };
                let page = self.logs.events(&query, None).await?;
                for line in page.items {
                    if let Ok(logged) = serde_json::from_str::<Logged>(&line.text) {
                        add(&logged.id, &logged.fingerprints, line.at);
                    }
                }
            }
        }
        Ok(items)
    }
}
