//! The ports to the services that store logs and alarms, and how calls to them fail.

use std::future::Future;

use chrono::{DateTime, Utc};

use super::Window;
use crate::alarm::tags::Tags;
use crate::alarm::{Alarm, Metric};
use crate::lines::Line;

/// A service that stores logs and the metric filters over them.
pub trait LogSource: Sync {
    /// The metric filters that feed a metric, one page.
    fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Page<MetricFilter>, LookupError>> + Send;

    /// The log events that match a query, one page; more pages can follow an empty page.
    fn events(
        &self,
        query: &Query,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Page<Line>, LookupError>> + Send;

    /// The names of the log groups with this prefix, at most some hundreds of them.
    fn log_groups(
        &self,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, LookupError>> + Send;
}

/// The services that know what an alarm is about.
pub trait AlarmSource: Sync {
    /// The tags of an alarm.
    fn tags(&self, arn: &str) -> impl Future<Output = Result<Tags, LookupError>> + Send;

    /// The alarms with these names, as they are now; unknown names are left out.
    fn alarms(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<Alarm>, LookupError>> + Send;

    /// The log group a Lambda function writes to.
    fn function_log_group(
        &self,
        function: &str,
    ) -> impl Future<Output = Result<String, LookupError>> + Send;

    /// The names of the Lambda functions that an EventBridge rule invokes.
    fn rule_functions(
        &self,
        rule: &str,
    ) -> impl Future<Output = Result<Vec<String>, LookupError>> + Send;
}

/// Part of an answer, and the token for the next part if there is one.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// A metric filter: a pattern over one log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricFilter {
    pub log_group: String,
    /// CloudWatch Logs filter pattern; empty matches every line.
    pub pattern: String,
}

/// Which log events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// A name, or an ARN if the log group is in another account.
    pub log_group: String,
    /// Only this stream, if given.
    pub stream: Option<String>,
    pub pattern: String,
    pub start: DateTime<Utc>,
    /// Inclusive.
    pub end: DateTime<Utc>,
    pub order: Order,
    /// The most lines of a page, if fewer than the service's own limit.
    pub most: Option<usize>,
}

impl Query {
    /// All that match a pattern in a time span, from every stream, the newest first.
    #[must_use]
    pub fn newest(log_group: &str, pattern: &str, window: Window) -> Self {
        Self {
            log_group: log_group.to_owned(),
            stream: None,
            pattern: pattern.to_owned(),
            start: window.start,
            end: window.end,
            order: Order::NewestFirst,
            most: None,
        }
    }
}

/// Which events come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    #[error("access denied")]
    AccessDenied,
    #[error("not found")]
    NotFound,
    #[error("throttled")]
    Throttled,
    /// The log group's class does not support this call: only Logs Insights can read
    /// Infrequent Access.
    #[error("not supported by the log group's class")]
    LogClass,
    /// The service failed, could not be reached, or did not answer in time.
    #[error("{0}")]
    Unavailable(String),
    /// The service refuses the request; sending it again does not help.
    #[error("{0}")]
    Refused(String),
    #[error("the evidence deadline passed")]
    Deadline,
}

impl LookupError {
    /// Whether the same call can succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable(_))
    }
}
