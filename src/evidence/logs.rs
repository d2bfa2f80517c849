//! The port to a log service: two calls, each a page at a time, and how they fail.

use std::future::Future;

use chrono::{DateTime, Utc};

use super::{Line, Source};
use crate::alarm::Metric;

/// A service that holds logs and the metric filters over them.
pub trait LogSource: Sync {
    /// The metric filters that feed a metric, one page.
    fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Page<Source>, LogError>> + Send;

    /// The log events that match a query, one page; an empty page may have successors.
    fn events(
        &self,
        query: &Query,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Page<Line>, LogError>> + Send;
}

/// Part of an answer, and the token for the next part where there is one.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Which log events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub log_group: String,
    /// Only this stream, where given.
    pub stream: Option<String>,
    pub pattern: String,
    pub start: DateTime<Utc>,
    /// Inclusive.
    pub end: DateTime<Utc>,
    pub order: Order,
}

/// Which events come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// Why a call to the log service gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("access denied")]
    AccessDenied,
    #[error("not found")]
    NotFound,
    #[error("throttled")]
    Throttled,
    /// The service failed, could not be reached, or did not answer in time.
    #[error("{0}")]
    Unavailable(String),
    /// The service refuses the request as it is.
    #[error("{0}")]
    Refused(String),
    #[error("the evidence deadline passed")]
    Deadline,
}

impl LogError {
    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable(_))
    }
}
