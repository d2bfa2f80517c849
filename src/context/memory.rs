//! What Pagetrail paged before: on Lambda in its own log group, on a server in this process.

use std::collections::VecDeque;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::ports::{Known, Memory, PagedKind};
use crate::evidence::ports::{LogSource, LookupError, Order, Query};
use crate::lock::lock;

/// The newest pages that are read, and that a server remembers.
const MOST_READ: usize = 100;
const MOST_KEPT: usize = 10_000;

/// Where pages are remembered.
#[derive(Debug, Default)]
pub enum Pages {
    /// Nowhere: a preview sends none.
    #[default]
    None,
    /// In the log group that the function itself writes to.
    OwnLog(String),
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
    /// Remembers a page that was queued. On Lambda, the log line does it.
    pub fn remember(&self, id: &str, fingerprints: &[String], at: DateTime<Utc>) {
        if let Self::Process(pages) = self
            && !fingerprints.is_empty()
        {
            let mut pages = lock(pages);
            if pages.len() >= MOST_KEPT {
                pages.pop_front();
            }
            pages.push_back(Page { id: id.to_owned(), fingerprints: fingerprints.to_vec(), at });
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
