//! What crossed which threshold and for how long, shorter than CloudWatch's reason: `Errors 3 ≥ 1
//! for 5 min`. The same for every form of notification.

use super::plot::sign;
use crate::alarm::Alarm;
use crate::numbers::number;
use crate::text::{cut, in_words, one_line};

/// The longest reason in free text.
const REASON: usize = 120;
/// The longest name of what was measured.
const LABEL: usize = 60;
/// Operators in CloudWatch's reasons, the longer first.
const OPERATORS: [(&str, &str); 4] = [
    ("greater than or equal to the threshold", "≥"),
    ("less than or equal to the threshold", "≤"),
    ("greater than the threshold", ">"),
    ("less than the threshold", "<"),
];

/// What happened to the alarm, in a few words; its state if nothing says more.
pub(super) fn crossing(alarm: &Alarm) -> String {
    let reason = one_line(&alarm.reason);
    let told = missing(alarm, &reason)
        .or_else(|| band(alarm, &reason))
        .or_else(|| threshold(alarm, &reason))
        .or_else(|| children(&reason));
    told.unwrap_or_else(|| match reason.as_str() {
        "" => alarm.state.name().to_owned(),
        reason => cut(reason, REASON),
    })
}

/// `Errors: no data for 5 min`.
fn missing(alarm: &Alarm, reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once("no datapoints were received for ")?;
    let periods: u32 = rest.split(' ').next()?.parse().ok()?;
    let span = in_words(alarm.evaluation.period.saturating_mul(periods));
    Some(format!("{}: no data for {span}", label(alarm)))
}

/// `Orders 3, expected 5.5 to 9.1`: anomaly detection, whose bounds stand in the reason only.
fn band(alarm: &Alarm, reason: &str) -> Option<String> {
    let bound = |name: &str| {
        let (_, rest) = reason.split_once(name)?;
        let inside = rest.split_once('[')?.1.split_once(']')?.0;
        inside.split(',').next()?.trim().parse::<f64>().ok()
    };
    let (low, high) = (bound("lower threshold"), bound("upper threshold"));
    let value = value(alarm, reason)?;
    let told = match (low, high) {
        (Some(low), Some(high)) => {
            format!("{}, expected {} to {}", number(value), number(low), number(high))
        }
        (Some(low), None) => compared(value, "<", low),
        (None, Some(high)) => compared(value, ">", high),
        (None, None) => return None,
    };
    Some(format!("{} {told}{}", label(alarm), span(alarm, reason)))
}

/// `Errors 3 ≥ 1 for 5 min`.
fn threshold(alarm: &Alarm, reason: &str) -> Option<String> {
    let told = || {
        let (at, words, sign) =
            OPERATORS.iter().find_map(|(words, sign)| Some((reason.find(words)?, words, *sign)))?;
        let rest = reason[at + words.len()..].trim_start_matches([' ', '(']);
        let end = rest.find(')').unwrap_or(rest.len());
        Some((sign, rest[..end].trim().parse::<f64>().ok()?))
    };
    let configured = || Some((sign(alarm)?, alarm.evaluation.threshold?));
    let (sign, threshold) = told().or_else(configured)?;
    let value = value(alarm, reason)?;
    Some(format!("{} {}{}", label(alarm), compared(value, sign, threshold), span(alarm, reason)))
}

/// The newest value that crossed the threshold.
fn value(alarm: &Alarm, reason: &str) -> Option<f64> {
    let last = alarm.datapoints.iter().max_by_key(|datapoint| datapoint.start);
    last.map(|datapoint| datapoint.value).or_else(|| {
        // The oldest form: `1 datapoint (12.0) was greater than …`, `[12.0, 11.0]`.
        let (_, rest) = reason.split_once("datapoint")?;
        let rest = &rest[rest.find(['(', '['])? + 1..];
        rest.split([')', ']', ',']).next()?.trim().parse().ok()
    })
}

/// `one is in ALARM`: the child that changed a composite alarm.
fn children(reason: &str) -> Option<String> {
    let (arn, rest) = reason.split_once(" transitioned to ")?;
    let (_, name) = arn.rsplit_once(":alarm:")?;
    let state = rest.split(' ').next()?;
    Some(format!("{} is in {state}", cut(name, LABEL)))
}

/// What the alarm compares with its threshold: the label of its expression, or its only metric.
fn label(alarm: &Alarm) -> String {
    let label = alarm.label.as_deref().map(one_line).filter(|label| !label.is_empty());
    let label = label.or_else(|| match alarm.metrics.as_slice() {
        [metric] => Some(one_line(&metric.name)),
        _ => None,
    });
    let none = if alarm.log_query.is_some() { "query result" } else { "value" };
    cut(&label.unwrap_or_else(|| none.to_owned()), LABEL)
}

/// Two numbers with as many digits as tell them apart: `0.9996 < 0.9999`.
fn compared(value: f64, sign: &str, threshold: f64) -> String {
    let (short, shorter) = (number(value), number(threshold));
    let equal = value.total_cmp(&threshold).is_eq();
    if short == shorter && !equal {
        return format!("{value} {sign} {threshold}");
    }
    format!("{short} {sign} {shorter}")
}

/// ` for 5 min`, if more than one datapoint crossed the threshold.
fn span(alarm: &Alarm, reason: &str) -> String {
    let count = alarm.breaching_periods(reason);
    if count < 2 {
        return String::new();
    }
    format!(" for {}", in_words(alarm.evaluation.period.saturating_mul(count)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::alarm::intake::{Notice, read};
    use crate::aws::home;

    fn of(message: &Value) -> String {
        match read(message, &home("eu-west-1", "1")).remove(0) {
            Notice::Alarm(alarm) => crossing(&alarm),
            Notice::Message(message) => panic!("{message:?}"),
        }
    }

    fn sns(reason: &str, trigger: &Value) -> String {
        of(&json!({"AlarmName": "a", "NewStateValue": "ALARM", "NewStateReason": reason,
            "Trigger": trigger}))
    }

    #[test]
    fn every_form_in_a_few_words() {
        let metric = json!({"MetricName": "Errors", "Period": 60, "Namespace": "Shop"});
        let at = "(02/02/25 12:05:00)";
        for (reason, expected) in [
            (
                format!("Threshold Crossed: 1 datapoint [3.0 {at}] was greater than or equal to the threshold (1.0)."),
                "Errors 3 ≥ 1",
            ),
            (
                format!("Threshold Crossed: 1 out of the last 1 datapoints [3.0 {at}] was less than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition)."),
                "Errors 3 < 10",
            ),
            (
                format!("Threshold Crossed: 6 datapoints were greater than the threshold (1.0). The most recent datapoints which crossed the threshold: [3.0 {at}]."),
                "Errors 3 > 1 for 6 min",
            ),
            (
                "Threshold Crossed: 1 datapoint (12.0) was greater than the threshold (10.0).".into(),
                "Errors 12 > 10",
            ),
            (
                format!("Threshold Crossed: 1 datapoint [0.9996 {at}] was less than the threshold (0.9999)."),
                "Errors 0.9996 < 0.9999",
            ),
            (
                format!("Threshold Crossed: 1 datapoint [4.0E-4 {at}] was greater than the threshold (2.0E-4)."),
                "Errors 0.0004 > 0.0002",
            ),
            (
                "Threshold Crossed: no datapoints were received for 5 periods and 5 missing datapoints were treated as [Breaching].".into(),
                "Errors: no data for 5 min",
            ),
            (
                format!("Thresholds Crossed: 1 datapoint [3.0 {at}] was less than the lower thresholds [5.5] or greater than the upper thresholds [9.1]."),
                "Errors 3, expected 5.5 to 9.1",
            ),
            (
                "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:one transitioned to ALARM at Sunday 2 February, 2025 12:06:10 UTC".into(),
                "one is in ALARM",
            ),
            ("set by hand".into(), "set by hand"),
            (String::new(), "ALARM"),
        ] {
            assert_eq!(sns(&reason, &metric), expected, "{reason}");
        }
        assert!(sns(&"word ".repeat(100), &metric).chars().count() <= REASON);
    }

    #[test]
    fn an_expression_by_its_label_and_eventbridge_like_sns() {
        let reason = "Threshold Crossed: 1 datapoint [4.2 (02/02/25 12:05:00)] was greater than the threshold (1.0).";
        let math = json!({"Metrics": [
            {"Id": "e", "Expression": "RATE(m)*60", "Label": "Growth a minute"},
            {"Id": "m", "MetricStat": {"Metric": {"Namespace": "Shop", "MetricName": "Used"}}},
        ]});
        assert_eq!(sns(reason, &math), "Growth a minute 4.2 > 1");
        let event = json!({"source": "aws.cloudwatch", "detail": {"alarmName": "a",
        "state": {"value": "ALARM", "reason": reason},
        "configuration": {"metrics": [
            {"metricStat": {"metric": {"namespace": "Shop", "name": "Used"}, "period": 60}},
        ]}}});
        assert_eq!(of(&event), "Used 4.2 > 1");
    }
}
