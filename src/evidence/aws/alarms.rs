//! CloudWatch, Lambda and EventBridge as the source of what an alarm is about.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::primitives::DateTime as AwsDateTime;
use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, LogAlarm, MetricAlarm, StateValue,
};
use aws_sdk_cloudwatch::{Client as CloudWatch, types};
use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_lambda::Client as Lambda;
use chrono::{DateTime, Utc};

use super::lookup_error;
use crate::alarm::tags::Tags;
use crate::alarm::{
    Alarm, Composite, DEFAULT_PERIOD, Described, Evaluation, LogQuery, Metric, State, log_query,
    query,
};
use crate::aws::{Arn, Origin};
use crate::evidence::ports::{AlarmSource, LookupError};

/// `DescribeAlarms` takes at most 100 names (API reference).
const MOST_NAMES: usize = 100;

/// The alarms of one Region, and the functions and rules they watch.
#[derive(Clone)]
pub struct RegionalAlarms {
    cloudwatch: CloudWatch,
    lambda: Lambda,
    events: EventBridge,
}

impl RegionalAlarms {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            cloudwatch: CloudWatch::new(config),
            lambda: Lambda::new(config),
            events: EventBridge::new(config),
        }
    }

    /// All alarms of the Region, of whatever type, with the ARNs each notifies.
    ///
    /// # Errors
    /// When a page of them cannot be read.
    pub async fn all(&self) -> Result<Vec<(Alarm, Vec<String>)>, LookupError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut page = self.describe(|call| call.set_next_token(token.clone())).await?;
            token = page.next_token.take();
            found.extend(alarms(page));
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Alarms of all types: without their names, CloudWatch leaves all but metric alarms out.
    async fn describe(
        &self,
        ask: impl Fn(DescribeAlarmsFluentBuilder) -> DescribeAlarmsFluentBuilder,
    ) -> Result<DescribeAlarmsOutput, LookupError> {
        let answer = async |types: &[AlarmType]| {
            let call = self.cloudwatch.describe_alarms().set_alarm_types(Some(types.to_vec()));
            ask(call).send().await.map_err(|error| lookup_error(&error))
        };
        let types = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];
        match answer(&types).await {
            // Log alarms are new in 2026: a Region that has none yet refuses the word.
            Err(LookupError::Refused(_)) => answer(&types[..2]).await,
            answer => answer,
        }
    }
}

impl AlarmSource for RegionalAlarms {
    async fn tags(&self, arn: &str) -> Result<Tags, LookupError> {
        let answer = self
            .cloudwatch
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, LookupError> {
        let names = names[..names.len().min(MOST_NAMES)].to_vec();
        let page = self.describe(|call| {
            // Without the number, a page has 50.
            call.set_alarm_names(Some(names.clone())).max_records(100)
        });
        Ok(alarms(page.await?).map(|(alarm, _)| alarm).collect())
    }

    async fn function_log_group(&self, function: &str) -> Result<String, LookupError> {
        let answer = self
            .lambda
            .get_function_configuration()
            .function_name(function)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let named = answer.logging_config.and_then(|logging| logging.log_group);
        Ok(named.unwrap_or_else(|| format!("/aws/lambda/{function}")))
    }

    async fn rule_functions(&self, rule: &str) -> Result<Vec<String>, LookupError> {
        let answer = self
            .events
            .list_targets_by_rule()
            .rule(rule)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let targets = answer.targets.unwrap_or_default().into_iter();
        Ok(targets
            .filter_map(|target| {
                let name = Arn::parse(&target.arn)?.resource.strip_prefix("function:")?;
                Some(name.split(':').next().unwrap_or(name).to_owned())
            })
            .collect())
    }
}

/// The alarms of a page, with the ARNs each notifies.
fn alarms(page: DescribeAlarmsOutput) -> impl Iterator<Item = (Alarm, Vec<String>)> {
    let metric = page.metric_alarms.unwrap_or_default().into_iter().filter_map(|mut alarm| {
        let actions = alarm.alarm_actions.take().unwrap_or_default();
        Some((of_metric(alarm)?, actions))
    });
    let composite =
        page.composite_alarms.unwrap_or_default().into_iter().filter_map(|mut alarm| {
            let actions = alarm.alarm_actions.take().unwrap_or_default();
            Some((of_composite(alarm)?, actions))
        });
    let log = page.log_alarms.unwrap_or_default().into_iter().filter_map(|mut alarm| {
        let actions = alarm.alarm_actions.take().unwrap_or_default();
        Some((of_log(alarm)?, actions))
    });
    metric.chain(composite).chain(log)
}

fn of_metric(alarm: MetricAlarm) -> Option<Alarm> {
    let arn = alarm.alarm_arn?;
    let inputs = alarm.metrics.unwrap_or_default();
    let own = alarm.namespace.zip(alarm.metric_name).map(|(namespace, name)| Metric {
        namespace,
        name,
        dimensions: dimensions(alarm.dimensions),
        account: None,
    });
    let periods = inputs.iter().filter_map(|input| {
        input.metric_stat.as_ref().and_then(|stat| stat.period).or(input.period)
    });
    let period = periods.chain(alarm.period).max().and_then(|it| u64::try_from(it).ok());
    let metrics = own.into_iter().chain(inputs.into_iter().filter_map(of_input)).collect();
    Some(Alarm::described(Described {
        name: alarm.alarm_name?,
        description: alarm.alarm_description,
        origin: Origin::from_arn(&arn)?,
        arn,
        state: state(alarm.state_value.as_ref()),
        reason: alarm.state_reason.unwrap_or_default(),
        changed_at: alarm.state_updated_timestamp.and_then(time),
        metrics,
        log_query: None,
        evaluation: Evaluation {
            period: period.map_or(DEFAULT_PERIOD, Duration::from_secs),
            periods: alarm
                .evaluation_periods
                .and_then(|periods| u32::try_from(periods).ok())
                .unwrap_or(1),
            comparison: alarm.comparison_operator.map(|it| it.as_str().to_owned()),
            threshold: alarm.threshold,
        },
        composite: None,
    }))
}

fn of_input(input: types::MetricDataQuery) -> Option<Metric> {
    let account = input.account_id;
    let Some(metric) = input.metric_stat.and_then(|stat| stat.metric) else {
        return query::metric_of(&input.expression?, None);
    };
    Some(Metric {
        namespace: metric.namespace?,
        name: metric.metric_name?,
        dimensions: dimensions(metric.dimensions),
        account,
    })
}

fn of_composite(alarm: CompositeAlarm) -> Option<Alarm> {
    let arn = alarm.alarm_arn?;
    Some(Alarm::described(Described {
        name: alarm.alarm_name?,
        description: alarm.alarm_description,
        origin: Origin::from_arn(&arn)?,
        arn,
        state: state(alarm.state_value.as_ref()),
        reason: alarm.state_reason.unwrap_or_default(),
        changed_at: alarm.state_updated_timestamp.and_then(time),
        metrics: Vec::new(),
        log_query: None,
        evaluation: Evaluation {
            period: DEFAULT_PERIOD,
            periods: 1,
            comparison: None,
            threshold: None,
        },
        composite: Some(Composite { rule: alarm.alarm_rule, triggering: Vec::new() }),
    }))
}

fn of_log(alarm: LogAlarm) -> Option<Alarm> {
    let arn = alarm.alarm_arn?;
    let log_query = alarm.scheduled_query_configuration.map(|configuration| {
        let schedule = configuration.schedule_configuration;
        let from = schedule.as_ref().and_then(|it| u64::try_from(it.start_time_offset?).ok());
        let expression = schedule.as_ref().and_then(|it| it.schedule_expression.as_deref());
        LogQuery {
            covers: log_query::covers(from, expression),
            text: configuration.query_string.unwrap_or_default(),
            log_groups: configuration.log_group_identifiers.unwrap_or_default(),
        }
    });
    let covers = log_query.as_ref().and_then(|query| query.covers);
    Some(Alarm::described(Described {
        name: alarm.alarm_name?,
        description: alarm.alarm_description,
        origin: Origin::from_arn(&arn)?,
        arn,
        state: state(alarm.state_value.as_ref()),
        reason: alarm.state_reason.unwrap_or_default(),
        changed_at: alarm.state_updated_timestamp.and_then(time),
        metrics: Vec::new(),
        log_query,
        evaluation: Evaluation {
            period: covers.unwrap_or(DEFAULT_PERIOD),
            periods: alarm
                .query_results_to_evaluate
                .and_then(|results| u32::try_from(results).ok())
                .unwrap_or(1),
            comparison: alarm.comparison_operator.map(|it| it.as_str().to_owned()),
            threshold: alarm.threshold,
        },
        composite: None,
    }))
}

fn dimensions(dimensions: Option<Vec<Dimension>>) -> BTreeMap<String, String> {
    let dimensions = dimensions.unwrap_or_default().into_iter();
    dimensions.filter_map(|dimension| Some((dimension.name?, dimension.value?))).collect()
}

fn state(state: Option<&StateValue>) -> State {
    state.and_then(|state| State::parse(state.as_str())).unwrap_or(State::InsufficientData)
}

fn time(time: AwsDateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time.to_millis().ok()?)
}
