//! The alarms in an answer from `DescribeAlarms`.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime as AwsDateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, CompositeAlarm, Dimension, LogAlarm, MetricAlarm, MetricDataQuery,
    ScheduledQueryConfiguration, StateValue,
};
use chrono::{DateTime, Utc};

use crate::alarm::{
    Alarm, Composite, DEFAULT_PERIOD, Described, Evaluation, LogQuery, Metric, State, log_query,
    query,
};
use crate::aws::Origin;

/// The SDK has one struct for each type of alarm; these fields have the same names in all.
macro_rules! described {
    ($alarm:ident) => {{
        let arn = $alarm.alarm_arn?;
        Described {
            name: $alarm.alarm_name?,
            description: $alarm.alarm_description,
            origin: Origin::from_arn(&arn)?,
            arn,
            state: state($alarm.state_value.as_ref()),
            reason: $alarm.state_reason.unwrap_or_default(),
            changed_at: $alarm.state_updated_timestamp.and_then(time),
            metrics: Vec::new(),
            log_query: None,
            evaluation: evaluation(None, None, None, None),
            composite: None,
        }
    }};
}

/// The alarms of a page, each with the ARNs it notifies.
pub(super) fn alarms(page: DescribeAlarmsOutput) -> impl Iterator<Item = (Alarm, Vec<String>)> {
    let metric = page.metric_alarms.unwrap_or_default().into_iter();
    let metric = metric.map(|mut alarm| (alarm.alarm_actions.take(), of_metric(alarm)));
    let composite = page.composite_alarms.unwrap_or_default().into_iter();
    let composite = composite.map(|mut alarm| (alarm.alarm_actions.take(), of_composite(alarm)));
    let log = page.log_alarms.unwrap_or_default().into_iter();
    let log = log.map(|mut alarm| (alarm.alarm_actions.take(), of_log(alarm)));
    let all = metric.chain(composite).chain(log);
    all.filter_map(|(actions, alarm)| Some((Alarm::described(alarm?), actions.unwrap_or_default())))
}

fn of_metric(alarm: MetricAlarm) -> Option<Described> {
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
    Some(Described {
        metrics: own.into_iter().chain(inputs.into_iter().filter_map(of_input)).collect(),
        evaluation: evaluation(
            period.map(Duration::from_secs),
            alarm.evaluation_periods,
            alarm.comparison_operator,
            alarm.threshold,
        ),
        ..described!(alarm)
    })
}

fn of_input(input: MetricDataQuery) -> Option<Metric> {
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

fn of_composite(alarm: CompositeAlarm) -> Option<Described> {
    let composite = Some(Composite { rule: alarm.alarm_rule, triggering: Vec::new() });
    Some(Described { composite, ..described!(alarm) })
}

fn of_log(alarm: LogAlarm) -> Option<Described> {
    let log_query = alarm.scheduled_query_configuration.map(of_query);
    let covers = log_query.as_ref().and_then(|query| query.covers);
    Some(Described {
        log_query,
        evaluation: evaluation(
            covers,
            alarm.query_results_to_evaluate,
            alarm.comparison_operator,
            alarm.threshold,
        ),
        ..described!(alarm)
    })
}

fn of_query(configuration: ScheduledQueryConfiguration) -> LogQuery {
    let schedule = configuration.schedule_configuration.as_ref();
    let from = schedule.and_then(|it| u64::try_from(it.start_time_offset?).ok());
    let expression = schedule.and_then(|it| it.schedule_expression.as_deref());
    LogQuery {
        covers: log_query::covers(from, expression),
        text: configuration.query_string.unwrap_or_default(),
        log_groups: configuration.log_group_identifiers.unwrap_or_default(),
    }
}

fn evaluation(
    period: Option<Duration>,
    periods: Option<i32>,
    comparison: Option<ComparisonOperator>,
    threshold: Option<f64>,
) -> Evaluation {
    Evaluation {
        period: period.unwrap_or(DEFAULT_PERIOD),
        periods: periods.and_then(|periods| u32::try_from(periods).ok()).unwrap_or(1),
        comparison: comparison.map(|it| it.as_str().to_owned()),
        threshold,
    }
}

fn dimensions(dimensions: Option<Vec<Dimension>>) -> BTreeMap<String, String> {
    let dimensions = dimensions.unwrap_or_default().into_iter();
    dimensions.filter_map(|dimension| Some((dimension.name?, dimension.value?))).collect()
}

fn state(state: Option<&StateValue>) -> State {
    state.and_then(|state| State::parse(state.as_str())).unwrap_or(State::InsufficientData)
}

/// A time as the SDK gives it.
pub(crate) fn time(time: AwsDateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time.to_millis().ok()?)
}
