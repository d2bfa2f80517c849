//! CloudWatch and Lambda as the source of facts; `deployers` asks the others.

use aws_sdk_cloudwatch::types::{
    Dimension, HistoryItemType, Metric as AwsMetric, MetricDataQuery, MetricStat, ScanBy,
    StateValue,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::deployers;
use super::ports::{
    ApiCall, Deployer, Deployment, Facts, FunctionFacts, Known, MetricRead, StateChange,
};
use crate::alarm::{self, Alarm, State};
use crate::evidence::aws::{self, RegionalAlarms, lookup_error};
use crate::evidence::ports::LookupError;

/// The most items of one answer of `DescribeAlarmHistory` and `DescribeAlarms` (API reference).
const MOST: i32 = 100;

impl Facts for RegionalAlarms {
    async fn history(
        &self,
        alarm: &str,
        since: DateTime<Utc>,
    ) -> Result<Known<StateChange>, LookupError> {
        let answer = self
            .cloudwatch()
            .describe_alarm_history()
            .alarm_name(alarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .start_date(time(since))
            .end_date(time(Utc::now()))
            .scan_by(ScanBy::TimestampDescending)
            .max_records(MOST)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let items = answer.alarm_history_items.unwrap_or_default().into_iter();
        let changes = items.filter_map(|item| {
            let at = aws::time(item.timestamp?)?;
            Some(StateChange { at, to: new_state(&item.history_data?)? })
        });
        Ok(Known { items: changes.collect(), complete: answer.next_token.is_none() })
    }

    async fn in_alarm(&self) -> Result<Known<Alarm>, LookupError> {
        let (alarms, complete) = self.in_state(StateValue::Alarm, MOST).await?;
        Ok(Known { items: alarms, complete })
    }

    async fn function(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<FunctionFacts, LookupError> {
        let answer = self
            .lambda()
            .get_function_configuration()
            .function_name(name)
            .set_qualifier(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let modified = answer.last_modified.as_deref().and_then(alarm::time);
        let missing = || LookupError::Unavailable("no time of the last change".to_owned());
        Ok(FunctionFacts { modified: modified.ok_or_else(missing)? })
    }

    async fn api_calls(
        &self,
        resource: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<ApiCall>, LookupError> {
        deployers::calls(self.signed(), resource, since, until).await
    }

    async fn deployments(
        &self,
        deployer: &Deployer,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Known<Deployment>, LookupError> {
        let aws = self.signed();
        match deployer {
            Deployer::StackOf { resource } => deployers::of_stack(aws, resource, since).await,
            Deployer::Service { cluster, service } => {
                deployers::of_service(aws, cluster, service).await
            }
            Deployer::CodeDeploy { names } => {
                deployers::of_code_deploy(aws, names, since, until).await
            }
        }
    }

    async fn metric_data(&self, reads: &[MetricRead]) -> Result<Vec<Vec<f64>>, LookupError> {
        let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> =
            reads.iter().map(|read| (read.start, read.end)).collect();
        spans.sort_unstable();
        spans.dedup();
        // One call has one time span.
        let calls = spans.into_iter().map(|(start, end)| async move {
            let of_span =
                reads.iter().enumerate().filter(|(_, it)| (it.start, it.end) == (start, end));
            let queries: Vec<MetricDataQuery> =
                of_span.map(|(place, it)| query(place, it)).collect();
            self.cloudwatch()
                .get_metric_data()
                .set_metric_data_queries(Some(queries))
                .start_time(time(start))
                .end_time(time(end))
                .scan_by(ScanBy::TimestampAscending)
                .send()
                .await
                .map_err(|error| lookup_error(&error))
        });
        let mut values = vec![Vec::new(); reads.len()];
        for answer in futures_util::future::join_all(calls).await {
            for result in answer?.metric_data_results.unwrap_or_default() {
                let place = result.id.as_deref().and_then(|id| id.strip_prefix('m')?.parse().ok());
                if let Some(values) = place.and_then(|place: usize| values.get_mut(place)) {
                    *values = result.values.unwrap_or_default();
                }
            }
        }
        Ok(values)
    }
}

fn query(place: usize, read: &MetricRead) -> MetricDataQuery {
    let dimensions = read.metric.dimensions.iter();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = AwsMetric::builder()
        .namespace(&read.metric.namespace)
        .metric_name(&read.metric.name)
        .set_dimensions(Some(dimensions.collect()));
    let stat =
        MetricStat::builder().metric(metric.build()).period(read.period).stat(&read.statistic);
    // An id must begin with a small letter.
    MetricDataQuery::builder().id(format!("m{place}")).metric_stat(stat.build()).build()
}

/// The state that a change led to, out of its data: `{"newState": {"stateValue": "ALARM", …}, …}`.
fn new_state(data: &str) -> Option<State> {
    let data: Value = serde_json::from_str(data).ok()?;
    State::parse(data.get("newState")?.get("stateValue")?.as_str()?)
}

fn time(at: DateTime<Utc>) -> aws_sdk_cloudwatch::primitives::DateTime {
    aws_sdk_cloudwatch::primitives::DateTime::from_millis(at.timestamp_millis())
}
