//! Which calls changed the resource before the first of the failing lines, as CloudTrail recorded them.

use chrono::{DateTime, Utc};

use super::ports::{ApiCall, Known};
use super::recorded::newest_before;
use crate::alarm::Alarm;
use crate::aws::log_group_name;
use crate::evidence::Part;
use crate::text::{cut, one_line, passed};
use crate::zone::Zone;

/// The names that are looked up: CloudTrail answers two calls a second.
const MOST_NAMES: usize = 2;
const LONGEST_NAME: usize = 80;
/// The dimensions whose values CloudTrail knows as names of resources, the most telling first.
const NAMED: [&str; 10] = [
    "FunctionName",
    "ServiceName",
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "TableName",
    "QueueName",
    "CacheClusterId",
    "AutoScalingGroupName",
    "StreamName",
    "ClusterName",
];
/// Calls that services make all the time and that change nothing a person would look for.
const BESIDE: [&str; 5] =
    ["CreateLogStream", "CreateLogGroup", "PutMetricAlarm", "SetAlarmState", "TagResource"];

/// The names to look up: what the alarm's metrics are about, then the last part of the log group's name,
/// which many name after the service.
pub(super) fn names(alarm: &Alarm, part: &Part) -> Vec<String> {
    let metrics = || alarm.metrics.iter();
    let dimensions = NAMED.iter().flat_map(|name| metrics().filter_map(|it| it.dimension(name)));
    let groups = part.sources.iter().filter_map(|source| {
        let name = log_group_name(&source.log_group);
        name.rsplit('/').next().filter(|name| name.len() > 2)
    });
    let mut names: Vec<String> = Vec::new();
    for name in dimensions.chain(groups) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.truncate(MOST_NAMES);
    names
}

/// `UpdateService on shop-api by deploy at 03:02 UTC, 4 min before the first of these lines, and 3 more calls
/// in the 24 h before`. None if nothing was called before.
pub(super) fn sentence(
    name: &str,
    calls: &Known<ApiCall>,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let telling = |call: &&ApiCall| !BESIDE.iter().any(|beside| call.name.starts_with(beside));
    let (newest, older) = newest_before(calls.items.iter().filter(telling), |it| it.at, first)?;
    let by = newest.by.as_deref().map(|by| format!(" by {}", cut(&one_line(by), LONGEST_NAME)));
    let ago = passed((first - newest.at).to_std().unwrap_or_default());
    let more = match (older, calls.complete) {
        (0, true) => String::new(),
        (0, false) => ", and older ones".to_owned(),
        (1, true) => ", and 1 more call in the 24 h before".to_owned(),
        (more, true) => format!(", and {more} more calls in the 24 h before"),
        (more, false) => format!(", and at least {more} more calls in the 24 h before"),
    };
    Some(format!(
        "{} on {}{} at {}, {ago} before the first of these lines{more}",
        plain(&newest.name),
        cut(&one_line(name), LONGEST_NAME),
        by.unwrap_or_default(),
        zone.moment(newest.at, now),
    ))
}

/// Lambda's calls carry the date of their version: `UpdateFunctionCode20150331v2`.
fn plain(call: &str) -> &str {
    let end = call.find(|it: char| it.is_ascii_digit()).filter(|at| call.len() - at >= 8);
    &call[..end.unwrap_or(call.len())]
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        "2026-11-14T03:06:00Z".parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes_ago)
    }

    fn said(calls: &[(&str, i64)], complete: bool) -> Option<String> {
        let call = |(name, ago): &(&str, i64)| ApiCall {
            at: at(*ago),
            name: (*name).to_owned(),
            by: Some("deploy".to_owned()),
        };
        let known = Known { items: calls.iter().map(call).collect(), complete };
        sentence("shop-api", &known, at(1), at(0), Zone::UTC)
    }

    #[test]
    fn situations() {
        let update = "UpdateService on shop-api by deploy at 03:01 UTC, 4 min before the first of these lines";
        for (calls, complete, expected) in [
            (&[][..], true, None),
            (&[("UpdateService", 5)], true, Some(update.to_owned())),
            (&[("UpdateService", 5)], false, Some(format!("{update}, and older ones"))),
            (&[("UpdateService", 5), ("TagResource", 4)], true, Some(update.to_owned())),
            (
                &[("UpdateService", 50), ("UpdateService", 5), ("RegisterTargets", 9)],
                true,
                Some(format!("{update}, and 2 more calls in the 24 h before")),
            ),
            // Behind the first line, or too long ago.
            (&[("UpdateService", 0)], true, None),
            (&[("UpdateService", 25 * 60)], true, None),
        ] {
            assert_eq!(said(calls, complete), expected, "{calls:?}");
        }
    }

    #[test]
    fn calls_without_the_date_of_their_version() {
        assert_eq!(plain("UpdateFunctionCode20150331v2"), "UpdateFunctionCode");
        assert_eq!(plain("PutObject"), "PutObject");
        assert_eq!(plain("CreateV2"), "CreateV2");
    }
}
