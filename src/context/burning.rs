//! What else is in ALARM now.

use chrono::{DateTime, TimeDelta, Utc};

use super::ports::Known;
use crate::alarm::Alarm;
use crate::text::{cut, one_line};
use crate::zone::Zone;

/// How many other alarms are named.
const MOST: usize = 5;
const LONGEST_NAME: usize = 80;
/// Auto scaling's alarms are in ALARM whenever the load is low.
const TARGET_TRACKING: &str = "TargetTracking-";
const LONGEST_VALUE: usize = 60;

/// `also in ALARM: checkout-latency since 03:01 UTC (FunctionName checkout), …`. Those that share a
/// dimension, a log group or the namespace come first, then the newest. None if the alarms are those of
/// another account.
pub(super) fn sentence(
    alarm: &Alarm,
    others: &Known<Alarm>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let account = &alarm.origin.account;
    if others.items.iter().any(|other| other.origin.account != *account) {
        return None;
    }
    let is_child = |name: &str| {
        let composite = alarm.composite.as_ref();
        let rule = composite.and_then(|it| it.rule.as_deref()).unwrap_or_default();
        let triggering = composite.map_or(&[][..], |it| &it.triggering);
        rule.contains(&format!("\"{name}\"")) || triggering.iter().any(|it| it.ends_with(name))
    };
    let mut found: Vec<(u8, Option<String>, &Alarm)> = others
        .items
        .iter()
        .filter(|other| other.name != alarm.name && !other.name.starts_with(TARGET_TRACKING))
        .filter(|other| !is_child(&other.name))
        .map(|other| {
            let shared = shared(alarm, other);
            let rank = match &shared {
                Some(_) => 0,
                None if is_near(alarm, other) => 1,
                None => 2,
            };
            (rank, shared, other)
        })
        .collect();
    let old = TimeDelta::days(365);
    found.sort_by_key(|(rank, _, other)| (*rank, now - other.changed_at.unwrap_or(now - old)));
    if found.is_empty() {
        // Not said where some were left out above.
        let none = others.items.iter().all(|other| other.name == alarm.name);
        return (none && others.complete).then(|| "no other alarm is in ALARM".to_owned());
    }
    let named: Vec<String> = found
        .iter()
        .take(MOST)
        .map(|(_, shared, other)| {
            let name = cut(&one_line(&other.name), LONGEST_NAME);
            let since = other.changed_at.map(|at| format!(" since {}", zone.moment(at, now)));
            let shared = shared.as_ref().map(|it| format!(" ({it})"));
            format!("{name}{}{}", since.unwrap_or_default(), shared.unwrap_or_default())
        })
        .collect();
    let more = found.len().saturating_sub(MOST);
    let more = match (more, others.complete) {
        (0, true) => String::new(),
        (more, true) => format!(" and {more} more"),
        (_, false) => " and more".to_owned(),
    };
    Some(format!("also in ALARM: {}{more}", named.join(", ")))
}

/// What two alarms have in common: a dimension or a log group.
fn shared(alarm: &Alarm, other: &Alarm) -> Option<String> {
    let dimension =
        alarm.metrics.iter().flat_map(|metric| &metric.dimensions).find(|(name, value)| {
            other.metrics.iter().any(|metric| metric.dimension(name) == Some(value))
        });
    if let Some((name, value)) = dimension {
        return Some(format!("{name} {}", cut(&one_line(value), LONGEST_VALUE)));
    }
    let groups = |alarm: &Alarm| {
        alarm.log_query.as_ref().map(|query| query.log_groups.clone()).unwrap_or_default()
    };
    let theirs = groups(other);
    groups(alarm).into_iter().find(|group| theirs.contains(group))
}

fn is_near(alarm: &Alarm, other: &Alarm) -> bool {
    let namespaces = |alarm: &Alarm| -> Vec<String> {
        alarm.metrics.iter().map(|metric| metric.namespace.clone()).collect()
    };
    let own = namespaces(alarm);
    namespaces(other).iter().any(|namespace| own.contains(namespace))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alarm::intake::{Notice, read};
    use crate::aws::home;

    const NOW: &str = "2026-11-14T03:06:00Z";

    fn alarm(name: &str, account: &str, since: &str, metric: &str, function: &str) -> Alarm {
        let (namespace, metric) = metric.split_once(' ').unwrap();
        let message = json!({
            "AlarmName": name, "NewStateValue": "ALARM", "NewStateReason": "x",
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{name}"),
            "StateChangeTime": since,
            "Trigger": {"Namespace": namespace, "MetricName": metric,
                "Dimensions": [{"name": "FunctionName", "value": function}]},
        });
        match read(&message, &home("eu-west-1", account)).remove(0) {
            Notice::Alarm(alarm) => *alarm,
            Notice::Message(message) => panic!("{message:?}"),
        }
    }

    fn said(others: &[Alarm], complete: bool) -> Option<String> {
        let own = alarm("errors", "1", NOW, "AWS/Lambda Errors", "checkout");
        let known = Known { items: others.to_vec(), complete };
        sentence(&own, &known, NOW.parse().unwrap(), Zone::UTC)
    }

    #[test]
    fn situations() {
        let own = alarm("errors", "1", NOW, "AWS/Lambda Errors", "checkout");
        let latency = alarm(
            "latency",
            "1",
            "2026-11-14T03:01:00.000+0000",
            "AWS/Lambda Duration",
            "checkout",
        );
        let other =
            alarm("other", "1", "2026-11-14T03:05:00.000+0000", "AWS/Lambda Errors", "mails");
        let disk = alarm("disk", "1", "2026-11-10T03:05:00.000+0000", "CWAgent disk_used", "web-3");
        let scaling = alarm("TargetTracking-x", "1", NOW, "AWS/ECS CPU", "checkout");
        let foreign = alarm("far", "2", NOW, "AWS/Lambda Errors", "checkout");
        let none = Some("no other alarm is in ALARM".to_owned());
        assert_eq!(said(&[], true), none);
        assert_eq!(said(std::slice::from_ref(&own), true), none);
        assert_eq!(said(&[own.clone(), scaling], true), None, "another is, but of auto scaling");
        assert_eq!(said(std::slice::from_ref(&own), false), None);
        assert_eq!(said(&[own.clone(), foreign], true), None, "alarms of another account");
        assert_eq!(
            said(&[disk.clone(), other, own, latency], true).unwrap(),
            "also in ALARM: latency since 03:01 UTC (FunctionName checkout), other since 03:05 UTC, \
             disk since 2026-11-10 03:05 UTC"
        );
        let many: Vec<Alarm> = (0..8)
            .map(|it| alarm(&format!("a{it}"), "1", NOW, "CWAgent disk_used", "web-3"))
            .collect();
        assert!(said(&many, true).unwrap().ends_with(" and 3 more"));
        assert!(said(&many, false).unwrap().ends_with(" and more"));
    }

    #[test]
    fn children_of_a_composite_alarm_are_part_of_it() {
        let mut own = alarm("shop", "1", NOW, "AWS/Lambda Errors", "checkout");
        own.metrics.clear();
        own.composite = Some(crate::alarm::Composite {
            rule: Some("ALARM(\"latency\")".into()),
            triggering: Vec::new(),
        });
        let latency = alarm("latency", "1", NOW, "AWS/Lambda Duration", "checkout");
        let known = Known { items: vec![latency], complete: true };
        let said = sentence(&own, &known, NOW.parse().unwrap(), Zone::UTC);
        assert_eq!(said, None);
    }
}
