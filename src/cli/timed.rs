//! Records every call to the services: what was asked, and how long it took.

use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::alarm::tags::Tags;
use crate::alarm::{Alarm, Metric};
use crate::context::ports::{
    ApiCall, Deployer, Deployment, Facts, FunctionFacts, Known, MetricRead, StateChange,
};
use crate::evidence::ports::{AlarmSource, LogSource, LookupError, MetricFilter, Page, Query};
use crate::lines::Line;
use crate::lock::lock;

/// Forwards calls and keeps a list of them.
pub(super) struct Timed<'c, L, A> {
    logs: L,
    alarms: A,
    calls: &'c Calls,
}

/// The list of calls, in the order in which they were answered.
#[derive(Default)]
pub(super) struct Calls {
    // The standard library's lock: nothing awaits while it is held.
    list: Mutex<Vec<Call>>,
}

impl Calls {
    pub(super) fn list(&self) -> Vec<Call> {
        lock(&self.list).clone()
    }
}

/// One call and its result.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) what: String,
    pub(super) took: Duration,
    /// A summary of the answer, or why there is none.
    pub(super) result: Result<String, LookupError>,
}

impl<'c, L, A> Timed<'c, L, A> {
    pub(super) fn new(logs: L, alarms: A, calls: &'c Calls) -> Self {
        Self { logs, alarms, calls }
    }

    async fn time<T>(
        &self,
        what: String,
        call: impl Future<Output = Result<T, LookupError>>,
        count: impl Fn(&T) -> String,
    ) -> Result<T, LookupError> {
        let started = Instant::now();
        let answer = call.await;
        let result = answer.as_ref().map(count).map_err(Clone::clone);
        let call = Call { what, took: started.elapsed(), result };
        lock(&self.calls.list).push(call);
        answer
    }
}

impl<L: LogSource, A: Sync + Send> LogSource for Timed<'_, L, A>
where
    L: Send,
{
    async fn metric_filters(
        &self,
        metric: &Metric,
        token: Option<&str>,
    ) -> Result<Page<MetricFilter>, LookupError> {
        let what = format!("DescribeMetricFilters {}/{}", metric.namespace, metric.name);
        let call = self.logs.metric_filters(metric, token);
        self.time(what, call, |page| format!("{} filters", page.items.len())).await
    }

    async fn events(&self, query: &Query, token: Option<&str>) -> Result<Page<Line>, LookupError> {
        let stream = query.stream.as_deref().map(|it| format!(" · {it}")).unwrap_or_default();
        let pattern = if query.pattern.is_empty() { "every line" } else { &query.pattern };
        let what = format!("FilterLogEvents {}{stream} · {pattern}", query.log_group);
        let call = self.logs.events(query, token);
        self.time(what, call, |page| format!("{} lines", page.items.len())).await
    }

    async fn log_groups(&self, prefix: &str) -> Result<Vec<String>, LookupError> {
        let call = self.logs.log_groups(prefix);
        let what = format!("DescribeLogGroups {prefix}…");
        self.time(what, call, |groups| format!("{} log groups", groups.len())).await
    }
}

impl<L: Sync + Send, A: AlarmSource> AlarmSource for Timed<'_, L, A>
where
    A: Send,
{
    async fn tags(&self, arn: &str) -> Result<Tags, LookupError> {
        let call = self.alarms.tags(arn);
        self.time(format!("ListTagsForResource {arn}"), call, |tags| format!("{} tags", tags.len()))
            .await
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, LookupError> {
        let what = format!("DescribeAlarms {}", names.join(", "));
        let call = self.alarms.alarms(names);
        self.time(what, call, |alarms| format!("{} alarms", alarms.len())).await
    }

    async fn function_log_group(&self, function: &str) -> Result<String, LookupError> {
        let call = self.alarms.function_log_group(function);
        self.time(format!("GetFunctionConfiguration {function}"), call, Clone::clone).await
    }

    async fn rule_functions(&self, rule: &str) -> Result<Vec<String>, LookupError> {
        let call = self.alarms.rule_functions(rule);
        let what = format!("ListTargetsByRule {rule}");
        self.time(what, call, |functions| format!("{} functions", functions.len())).await
    }
}

impl<L: Sync + Send, A: Facts + Send> Facts for Timed<'_, L, A> {
    async fn history(
        &self,
        alarm: &str,
        since: DateTime<Utc>,
    ) -> Result<Known<StateChange>, LookupError> {
        let call = self.alarms.history(alarm, since);
        let what = format!("DescribeAlarmHistory {alarm}");
        self.time(what, call, |known| format!("{} state changes", known.items.len())).await
    }

    async fn in_alarm(&self) -> Result<Known<Alarm>, LookupError> {
        let call = self.alarms.in_alarm();
        let what = "DescribeAlarms in ALARM".to_owned();
        self.time(what, call, |known| format!("{} alarms", known.items.len())).await
    }

    async fn function(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<FunctionFacts, LookupError> {
        let call = self.alarms.function(name, version);
        let version = version.map(|version| format!(":{version}")).unwrap_or_default();
        let what = format!("GetFunctionConfiguration {name}{version}");
        self.time(what, call, |facts| format!("changed {}", facts.modified)).await
    }

    async fn api_calls(
        &self,
        resource: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<ApiCall>, LookupError> {
        let call = self.alarms.api_calls(resource, since, until);
        let what = format!("LookupEvents {resource}");
        self.time(what, call, |known| format!("{} changes", known.items.len())).await
    }

    async fn deployments(
        &self,
        deployer: &Deployer,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<Deployment>, LookupError> {
        let call = self.alarms.deployments(deployer, since, until);
        let what = match deployer {
            Deployer::StackOf { resource } => format!("DescribeStackEvents, stack of {resource}"),
            Deployer::Service { cluster, service } => {
                format!("DescribeServices {service} of {cluster}")
            }
            Deployer::CodeDeploy { .. } => "BatchGetDeployments of the last day".to_owned(),
        };
        self.time(what, call, |known| format!("{} deployments", known.items.len())).await
    }

    async fn metric_data(&self, reads: &[MetricRead]) -> Result<Vec<Vec<f64>>, LookupError> {
        let call = self.alarms.metric_data(reads);
        let what = format!("GetMetricData, {} metrics", reads.len());
        let with_values =
            |values: &Vec<Vec<f64>>| values.iter().filter(|it| !it.is_empty()).count();
        self.time(what, call, |values| format!("{} with values", with_values(values))).await
    }
}
