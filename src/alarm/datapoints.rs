//! Reads the datapoints that breached from the alarm's reason text.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

use super::fields::{items, text, time};

/// One datapoint named in an alarm's reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Datapoint {
    pub value: f64,
    /// When the datapoint's period begins.
    pub start: DateTime<Utc>,
}

/// All datapoints in a reason, such as `[1.0 (02/02/25 12:05:00)]`: the day comes first, the time
/// is UTC. A reason in free text has none.
#[must_use]
pub fn breaching(reason: &str) -> Vec<Datapoint> {
    reason
        .match_indices(" (")
        .filter_map(|(at, _)| {
            let time = reason[at + 2..].split_once(')')?.0;
            let start = NaiveDateTime::parse_from_str(time, "%d/%m/%y %H:%M:%S").ok()?.and_utc();
            let value = reason[..at].rsplit(['[', ',', ' ']).next()?.parse().ok()?;
            Some(Datapoint { value, start })
        })
        .collect()
}

/// The datapoints in the `reasonData` of EventBridge events and alarm actions.
pub(super) fn evaluated(data: &Value) -> Vec<Datapoint> {
    items(data, "evaluatedDatapoints")
        .filter_map(|datapoint| {
            let start = time(&text(datapoint, "timestamp")?)?;
            Some(Datapoint { value: datapoint["value"].as_f64()?, start })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(reason: &str) -> Vec<String> {
        breaching(reason).iter().map(|datapoint| datapoint.start.to_rfc3339()).collect()
    }

    #[test]
    fn the_day_comes_first() {
        let found = breaching(
            "Threshold Crossed: 1 datapoint [1.0 (02/03/25 12:05:00)] was greater than (1.0).",
        );
        assert_eq!(found.len(), 1);
        assert!((found[0].value - 1.0).abs() < f64::EPSILON);
        assert_eq!(found[0].start.to_rfc3339(), "2025-03-02T12:05:00+00:00");
    }

    #[test]
    fn several_datapoints_and_exponents() {
        let found = breaching(
            "Threshold Crossed: 3 datapoints [1.0E-4 (31/12/24 23:59:00), 12.5 (31/12/24 23:58:00), \
             -2.0 (31/12/24 23:57:00)] were greater than the threshold (1.0E-5).",
        );
        let values: Vec<f64> = found.iter().map(|datapoint| datapoint.value).collect();
        assert_eq!(values, [1.0e-4, 12.5, -2.0]);
    }

    #[test]
    fn text_without_datapoints_names_none() {
        assert!(starts("test").is_empty());
        assert!(starts("no datapoints (99/99/99 12:00:00) and [x (02/02/25 12:05:00)]").is_empty());
        assert!(starts("ends within [1.0 (02/02/25").is_empty());
        assert!(starts("ünïcode (日本)[").is_empty());
    }
}
