//! The time span to search: that of the datapoints that breached.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::alarm::Alarm;

/// The time of a line can differ slightly from the time under which it was counted.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// How far back lines are searched if the alarm's own time has none.
const LOOK_BACK: TimeDelta = TimeDelta::minutes(10);

/// An alarm evaluates at most the last seven days (CloudWatch quota).
const LONGEST_LOOK_BACK: TimeDelta = TimeDelta::days(7);

/// A time span; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// The span in which the alarm's log lines are searched: the breach and a margin on both sides,
/// at most until `now`.
#[must_use]
pub fn window(alarm: &Alarm, now: DateTime<Utc>) -> Window {
    let breach = breach(alarm, now);
    Window { start: breach.start - MARGIN, end: (breach.end + MARGIN).min(now) }
}

/// The span of the breach itself: from the start of the first breaching datapoint to the end of
/// the last one. Without datapoints, it is the length of the evaluation before the state change.
#[must_use]
pub fn breach(alarm: &Alarm, now: DateTime<Utc>) -> Window {
    let period = delta(alarm.evaluation.period);
    let end = alarm.changed_at.filter(|changed| *changed < now).unwrap_or(now);
    let starts = alarm.datapoints.iter().map(|datapoint| datapoint.start);
    // A reason given to set-alarm-state can contain anything.
    let starts: Vec<_> =
        starts.filter(|start| *start < now && *start >= end - LONGEST_LOOK_BACK).collect();
    if let (Some(first), Some(last)) = (starts.iter().min(), starts.iter().max()) {
        // Of more than five datapoints, the reason names the last five.
        let count = alarm.breaching_periods(&alarm.reason).saturating_sub(1);
        let named = u32::try_from(starts.len()).unwrap_or(u32::MAX) <= count;
        let length = delta(alarm.evaluation.period.saturating_mul(count));
        let start = if named { (*first).min(*last - length) } else { *first };
        return Window { start, end: (*last + period).min(now) };
    }
    let length = alarm.evaluation.period.saturating_mul(alarm.evaluation.periods.max(1));
    Window { start: end - delta(length), end }
}

/// The window for a second search if the alarm's own window is empty: ten minutes further back.
/// None for an alarm whose datapoints say when its lines were written. The datapoints of a log
/// alarm do not: it is not documented whether they have the time of the query or of the lines.
pub(super) fn wider(alarm: &Alarm, now: DateTime<Utc>) -> Option<Window> {
    let own = window(alarm, now);
    let breach = breach(alarm, now);
    let start = if alarm.datapoints.is_empty() {
        // set-alarm-state gives no datapoints, and can come minutes after the line.
        breach.end - LOOK_BACK
    } else if alarm.log_query.is_some() {
        breach.start - LOOK_BACK.max(delta(alarm.evaluation.period))
    } else {
        return None;
    };
    (start < own.start).then_some(Window { start, end: own.end })
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).map_or(LONGEST_LOOK_BACK, |delta| delta.min(LONGEST_LOOK_BACK))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alarm::intake::{Notice, read};
    use crate::aws::home;

    fn alarm(reason: &str, period: u64, periods: u64) -> Alarm {
        let message = json!({
            "AlarmName": "a", "NewStateValue": "ALARM", "NewStateReason": reason,
            "StateChangeTime": "2025-02-02T12:06:35.472+0000",
            "Trigger": {"Period": period, "EvaluationPeriods": periods},
        });
        match read(&message, &home("us-east-1", "1")).remove(0) {
            Notice::Alarm(alarm) => *alarm,
            Notice::Message(message) => panic!("{message:?}"),
        }
    }

    fn times(window: Window) -> (String, String) {
        let format = |time: DateTime<Utc>| time.format("%d %H:%M:%S%.3f").to_string();
        (format(window.start), format(window.end))
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn from_the_first_datapoints_start_to_the_last_ones_end() {
        let alarm = alarm("[3.0 (02/02/25 12:05:00), 1.0 (02/02/25 12:03:00)]", 60, 3);
        let window = window(&alarm, at("2025-02-02T13:00:00Z"));
        assert_eq!(times(window), ("02 12:02:30.000".into(), "02 12:06:30.000".into()));
    }

    #[test]
    fn never_past_now() {
        let alarm = alarm("[3.0 (02/02/25 12:05:00)]", 300, 1);
        let window = window(&alarm, at("2025-02-02T12:06:40Z"));
        assert_eq!(times(window), ("02 12:04:30.000".into(), "02 12:06:40.000".into()));
    }

    #[test]
    fn without_datapoints_the_evaluation_up_to_the_state_change() {
        let alarm = alarm("test", 60, 3);
        let window = window(&alarm, at("2025-02-02T13:00:00Z"));
        assert_eq!(times(window), ("02 12:03:05.472".into(), "02 12:07:05.472".into()));
    }

    #[test]
    fn ten_minutes_back_where_no_datapoint_says_when() {
        let now = at("2025-02-02T13:00:00Z");
        let wider = |alarm: &Alarm| wider(alarm, now).map(times);
        let expected = ("02 11:56:35.472".into(), "02 12:07:05.472".into());
        assert_eq!(wider(&alarm("test", 60, 3)), Some(expected));
        assert_eq!(wider(&alarm("test", 300, 3)), None, "it looked back further already");
        let mut alarm = alarm("[3.0 (02/02/25 12:05:00)]", 60, 1);
        assert_eq!(wider(&alarm), None);
        alarm.log_query = Some(crate::alarm::LogQuery {
            text: String::new(),
            log_groups: vec!["/ecs/shop".to_owned()],
            covers: None,
        });
        let expected = ("02 11:55:00.000".into(), "02 12:06:30.000".into());
        assert_eq!(wider(&alarm), Some(expected));
        alarm.evaluation.period = Duration::from_hours(1);
        assert_eq!(wider(&alarm).unwrap().0, "02 11:05:00.000");
    }

    #[test]
    fn nonsense_stays_within_seven_days_before_now() {
        let now = at("2025-02-02T12:00:00Z");
        for alarm in [
            alarm("[3.0 (02/02/99 12:05:00)]", u64::MAX, 4_000_000_000),
            alarm("[3.0 (02/02/69 12:05:00)]", 60, 1),
        ] {
            let window = breach(&alarm, now);
            assert!(window.start < window.end && window.end <= now, "{window:?}");
            assert!(window.start >= now - TimeDelta::days(7), "{window:?}");
        }
    }
}
