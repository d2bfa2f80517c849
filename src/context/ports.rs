//! The port to what CloudWatch and Lambda know beside the logs.

use std::future::Future;

use chrono::{DateTime, Utc};

use crate::alarm::{Alarm, Metric, State};
use crate::evidence::ports::LookupError;

/// The services that know an alarm's history and surroundings.
pub trait Facts: Sync {
    /// The state changes of an alarm since a time, the newest first.
    fn history(
        &self,
        alarm: &str,
        since: DateTime<Utc>,
    ) -> impl Future<Output = Result<Known<StateChange>, LookupError>> + Send;

    /// The alarms of the Region that are in ALARM.
    fn in_alarm(&self) -> impl Future<Output = Result<Known<Alarm>, LookupError>> + Send;

    /// When a Lambda function, or one version of it, was last changed.
    fn function(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<FunctionFacts, LookupError>> + Send;

    /// The calls that changed a resource in a time span, as CloudTrail recorded them, the newest first.
    fn api_calls(
        &self,
        resource: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Known<ApiCall>, LookupError>> + Send;

    /// What a deployer began in a time span, in any order.
    fn deployments(
        &self,
        deployer: &Deployer,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Known<Deployment>, LookupError>> + Send;

    /// The values of some metrics over a time span, for each the oldest first.
    fn metric_data(
        &self,
        reads: &[MetricRead],
    ) -> impl Future<Output = Result<Vec<Vec<f64>>, LookupError>> + Send;
}

/// What Pagetrail itself paged before.
pub trait Memory: Sync {
    /// The pages since a time that had a kind with one of these fingerprints.
    fn pages(
        &self,
        fingerprints: &[String],
        since: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<PagedKind>, LookupError>> + Send;
}

/// What was read, and whether that is all there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    pub items: Vec<T>,
    pub complete: bool,
}

/// An alarm went from one state into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    pub at: DateTime<Utc>,
    pub to: State,
}

/// A kind of error that was paged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagedKind {
    pub fingerprint: String,
    pub at: DateTime<Utc>,
}

/// What Lambda says of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionFacts {
    pub modified: DateTime<Utc>,
}

/// A call that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    pub at: DateTime<Utc>,
    /// `UpdateService`.
    pub name: String,
    /// Who made it, if that is known.
    pub by: Option<String>,
}

/// Who deploys, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployer {
    /// CloudFormation: the stack that has the resource with this physical id.
    StackOf { resource: String },
    /// ECS: one service.
    Service { cluster: String, service: String },
    /// CodeDeploy: the applications and groups that are about resources with these names.
    CodeDeploy { names: Vec<String> },
}

impl Deployer {
    /// The AWS service.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StackOf { .. } => "CloudFormation",
            Self::Service { .. } => "ECS",
            Self::CodeDeploy { .. } => "CodeDeploy",
        }
    }
}

/// Something that was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// When it began.
    pub at: DateTime<Utc>,
    /// `update of stack shop-prod`.
    pub what: String,
    /// What became of it, in the deployer's own word: `UPDATE_COMPLETE`.
    pub state: String,
}

/// A metric whose values are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRead {
    pub metric: Metric,
    /// CloudWatch's name of the statistic: `Sum`, `p99`.
    pub statistic: String,
    /// Seconds from one value to the next.
    pub period: i32,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}
