//! Where there are no log lines: the alarm's metric over three hours, a week ago, and the metrics of the
//! same resource that moved most.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::ports::MetricRead;
use crate::alarm::{Alarm, Metric};
use crate::numbers::{bars, number};

const SPAN: TimeDelta = TimeDelta::hours(3);
const WEEK: TimeDelta = TimeDelta::days(7);
/// The shortest time from one value to the next, in seconds: 36 values in three hours.
const PERIOD: i32 = 300;
/// The fewest values that are plotted.
const LEAST: usize = 3;
/// The newest values, which are compared with those before them.
const NEWEST: usize = 3;
/// How far the newest must be from the middle of the others, in units of their usual distance.
const MOVED: f64 = 4.0;
const MOST_SIBLINGS: usize = 3;

/// Metrics of one resource, each with the statistic that tells most (AWS's lists of each service's
/// metrics). A resource's metrics have the same dimensions.
const SIBLINGS: [(&str, &[(&str, &str)]); 10] = [
    (
        "AWS/ApplicationELB",
        &[
            ("RequestCount", "Sum"),
            ("TargetResponseTime", "Average"),
            ("HTTPCode_Target_5XX_Count", "Sum"),
            ("HTTPCode_Target_4XX_Count", "Sum"),
            ("HTTPCode_ELB_5XX_Count", "Sum"),
            ("TargetConnectionErrorCount", "Sum"),
            ("UnHealthyHostCount", "Maximum"),
        ],
    ),
    (
        "AWS/NetworkELB",
        &[
            ("ActiveFlowCount", "Average"),
            ("NewFlowCount", "Sum"),
            ("TCP_Target_Reset_Count", "Sum"),
            ("UnHealthyHostCount", "Maximum"),
        ],
    ),
    (
        "AWS/SQS",
        &[
            ("NumberOfMessagesSent", "Sum"),
            ("NumberOfMessagesReceived", "Sum"),
            ("NumberOfMessagesDeleted", "Sum"),
            ("ApproximateNumberOfMessagesVisible", "Maximum"),
            ("ApproximateNumberOfMessagesNotVisible", "Maximum"),
            ("ApproximateAgeOfOldestMessage", "Maximum"),
        ],
    ),
    (
        "AWS/SNS",
        &[
            ("NumberOfMessagesPublished", "Sum"),
            ("NumberOfNotificationsDelivered", "Sum"),
            ("NumberOfNotificationsFailed", "Sum"),
        ],
    ),
    (
        "AWS/DynamoDB",
        &[
            ("ConsumedReadCapacityUnits", "Sum"),
            ("ConsumedWriteCapacityUnits", "Sum"),
            ("ReadThrottleEvents", "Sum"),
            ("WriteThrottleEvents", "Sum"),
        ],
    ),
    (
        "AWS/EC2",
        &[
            ("CPUUtilization", "Average"),
            ("NetworkIn", "Sum"),
            ("NetworkOut", "Sum"),
            ("CPUCreditBalance", "Minimum"),
            ("StatusCheckFailed", "Maximum"),
        ],
    ),
    (
        "AWS/RDS",
        &[
            ("CPUUtilization", "Average"),
            ("DatabaseConnections", "Maximum"),
            ("FreeableMemory", "Minimum"),
            ("FreeStorageSpace", "Minimum"),
            ("ReadLatency", "Average"),
            ("WriteLatency", "Average"),
            ("ReadIOPS", "Average"),
            ("WriteIOPS", "Average"),
        ],
    ),
    (
        "AWS/ElastiCache",
        &[
            ("EngineCPUUtilization", "Average"),
            ("CurrConnections", "Maximum"),
            ("Evictions", "Sum"),
            ("CacheMisses", "Sum"),
            ("DatabaseMemoryUsagePercentage", "Maximum"),
        ],
    ),
    (
        "AWS/Kinesis",
        &[
            ("IncomingRecords", "Sum"),
            ("GetRecords.IteratorAgeMilliseconds", "Maximum"),
            ("ReadProvisionedThroughputExceeded", "Sum"),
            ("WriteProvisionedThroughputExceeded", "Sum"),
        ],
    ),
    (
        "AWS/EFS",
        &[
            ("ClientConnections", "Sum"),
            ("PercentIOLimit", "Maximum"),
            ("BurstCreditBalance", "Minimum"),
        ],
    ),
];

/// What is read: the metric now and a week ago, then its siblings.
pub(super) fn reads(alarm: &Alarm, now: DateTime<Utc>) -> Vec<MetricRead> {
    let Some(metric) = alarm.metrics.first().filter(|metric| metric.account.is_none()) else {
        return Vec::new();
    };
    let end = alarm.changed_at.filter(|changed| *changed < now).unwrap_or(now);
    // The service wants the period as a multiple of a minute.
    let period = i32::try_from(alarm.evaluation.period.as_secs().div_ceil(60) * 60);
    let period = period.unwrap_or(PERIOD).clamp(PERIOD, 3_600);
    let read = |name: &str, statistic: &str, end: DateTime<Utc>| MetricRead {
        metric: Metric { name: name.to_owned(), ..metric.clone() },
        statistic: statistic.to_owned(),
        period,
        start: end - SPAN,
        end,
    };
    let siblings = SIBLINGS.iter().find(|(namespace, _)| *namespace == metric.namespace);
    let siblings = siblings.map_or(&[][..], |(_, siblings)| siblings);
    let own = siblings.iter().find(|(name, _)| *name == metric.name);
    let statistic = own.map_or("Average", |(_, statistic)| statistic);
    let mut reads =
        vec![read(&metric.name, statistic, end), read(&metric.name, statistic, end - WEEK)];
    let others = siblings.iter().filter(|(name, _)| *name != metric.name);
    reads.extend(others.map(|(name, statistic)| read(name, statistic, end)));
    reads
}

/// A sentence for the metric and one for those that moved most. `values` are in the order of `reads`.
pub(super) fn sentences(reads: &[MetricRead], values: &[Vec<f64>]) -> Vec<String> {
    let [now, week, siblings @ ..] = values else { return Vec::new() };
    let Some(own) = reads.first().filter(|_| now.len() >= LEAST) else { return Vec::new() };
    let mut said = format!("{} ({}), last 3 h: {}", own.metric.name, own.statistic, plotted(now));
    if week.len() >= LEAST {
        let _ = write!(said, "; a week ago: {}", plotted(week));
    }
    let mut moved: Vec<(f64, String)> = reads
        .iter()
        .skip(2)
        .zip(siblings)
        .filter_map(|(read, values)| {
            let moved = moved(values)?;
            let said = format!("{} ({}) {}", read.metric.name, read.statistic, plotted(values));
            Some((moved, said))
        })
        .collect();
    moved.sort_by(|one, other| other.0.total_cmp(&one.0));
    let moved: Vec<String> = moved.into_iter().take(MOST_SIBLINGS).map(|(_, said)| said).collect();
    let mut sentences = vec![said];
    if !moved.is_empty() {
        sentences.push(format!("of the same resource, these moved most: {}", moved.join("; ")));
    }
    sentences
}

/// `▁▁▂█ 0.02 to 4.1`.
fn plotted(values: &[f64]) -> String {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bars = bars(values.iter().copied(), lowest.min(0.0), highest);
    if lowest.to_bits() == highest.to_bits() {
        return format!("{bars} always {}", number(highest));
    }
    format!("{bars} {} to {}", number(lowest), number(highest))
}

/// How far the newest values are from the middle of those before, in units of their usual distance from
/// it. None if that is not far.
fn moved(values: &[f64]) -> Option<f64> {
    let (before, newest) = values.split_at(values.len().checked_sub(NEWEST)?);
    if before.len() < 2 * NEWEST {
        return None;
    }
    let middle = median(before.to_vec());
    let distance = median(before.iter().map(|value| (value - middle).abs()).collect());
    let usual = distance.max(middle.abs() * 0.05).max(f64::MIN_POSITIVE);
    let furthest = newest.iter().map(|value| (value - middle).abs()).fold(0.0, f64::max);
    let moved = furthest / usual;
    (moved >= MOVED && furthest > 0.0).then_some(moved)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::home;

    fn reads_of(namespace: &str, name: &str) -> Vec<MetricRead> {
        let message = serde_json::json!({
            "AlarmName": "a", "NewStateValue": "ALARM", "NewStateReason": "x",
            "StateChangeTime": "2026-11-14T03:06:00.000+0000",
            "Trigger": {"Namespace": namespace, "MetricName": name, "Period": 60, "Statistic": "SUM",
                "Dimensions": [{"name": "QueueName", "value": "orders"}]},
        });
        let notice = crate::alarm::intake::read(&message, &home("eu-west-1", "1")).remove(0);
        let crate::alarm::intake::Notice::Alarm(alarm) = notice else { panic!("an alarm") };
        reads(&alarm, "2026-11-14T03:06:10Z".parse().unwrap())
    }

    #[test]
    fn the_metric_a_week_ago_and_what_moved() {
        let reads = reads_of("AWS/SQS", "NumberOfMessagesSent");
        assert_eq!(reads.len(), 7);
        assert!(
            reads
                .iter()
                .all(|read| read.period == 300
                    && read.metric.dimension("QueueName") == Some("orders"))
        );
        assert_eq!(reads[0].start - reads[1].start, WEEK);
        let calm = vec![5.0; 12];
        let mut jumped = vec![1.0; 12];
        jumped[11] = 90.0;
        let values =
            [jumped.clone(), calm.clone(), calm.clone(), jumped, vec![0.0; 2], Vec::new(), calm];
        assert_eq!(
            sentences(&reads, &values),
            [
                "NumberOfMessagesSent (Sum), last 3 h: ▁▁▁▁▁▁▁▁▁▁▁█ 1 to 90; a week ago: ████████████ always 5",
                "of the same resource, these moved most: NumberOfMessagesDeleted (Sum) ▁▁▁▁▁▁▁▁▁▁▁█ 1 to 90",
            ]
        );
    }

    #[test]
    fn silent_where_there_are_no_values() {
        let reads = reads_of("Shop", "Orders");
        assert_eq!(reads.len(), 2);
        assert_eq!(sentences(&reads, &[vec![1.0, 2.0], Vec::new()]), Vec::<String>::new());
        assert_eq!(sentences(&reads, &[]), Vec::<String>::new());
    }

    #[test]
    fn noise_does_not_move() {
        assert_eq!(moved(&[10.0, 11.0, 9.0, 10.0, 12.0, 10.0, 9.0, 11.0, 10.0, 9.0]), None);
        assert_eq!(moved(&[0.0; 12]), None);
        assert!(moved(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0]).is_some());
    }
}
