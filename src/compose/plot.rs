//! The datapoints that breached, as a small plot in text.

use crate::alarm::Alarm;
use crate::numbers::{bars, number};
use crate::text::cut;

/// The most datapoints that are shown; a reason names five at most.
const MOST: usize = 20;

/// The fewest datapoints that are plotted.
const LEAST: usize = 3;

/// The datapoints, oldest first, such as `▂▅█ 0.8, 0.9, 3.0 (threshold: ≥ 1)`; None if there are
/// no datapoints.
pub(super) fn plot(alarm: &Alarm) -> Option<String> {
    let mut datapoints = alarm.datapoints.clone();
    datapoints.retain(|datapoint| datapoint.value.is_finite());
    datapoints.sort_by_key(|datapoint| datapoint.start);
    let datapoints = &datapoints[datapoints.len().saturating_sub(MOST)..];
    if datapoints.is_empty() {
        return None;
    }
    let values = || datapoints.iter().map(|datapoint| datapoint.value);
    let threshold = alarm.evaluation.threshold.filter(|threshold| threshold.is_finite());
    let lowest = values().chain(threshold).fold(0.0_f64, f64::min);
    let highest = values().chain(threshold).fold(0.0_f64, f64::max);
    // Bars of one or two values say nothing that the numbers do not.
    let bars: String = if datapoints.len() < LEAST {
        String::new()
    } else {
        format!("{} ", bars(values(), lowest, highest))
    };
    let numbers: Vec<String> = values().map(number).collect();
    let numbers = numbers.join(", ");
    let limit = match threshold {
        Some(threshold) => {
            let sign = sign(alarm).map(|sign| format!("{sign} ")).unwrap_or_default();
            format!(" (threshold: {sign}{})", number(threshold))
        }
        None => String::new(),
    };
    Some(cut(&format!("{bars}{numbers}{limit}"), 500))
}

/// The comparison as a sign; None for the bands of anomaly detection.
pub(super) fn sign(alarm: &Alarm) -> Option<&'static str> {
    match alarm.evaluation.comparison.as_deref()? {
        "GreaterThanThreshold" => Some(">"),
        "GreaterThanOrEqualToThreshold" => Some("≥"),
        "LessThanThreshold" => Some("<"),
        "LessThanOrEqualToThreshold" => Some("≤"),
        _ => None,
    }
}
