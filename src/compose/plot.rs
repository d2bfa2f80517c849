//! The datapoints that breached, as a small plot in text.

use crate::alarm::Alarm;
use crate::text::cut;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
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
        values().map(|value| bar(value, lowest, highest)).chain([' ']).collect()
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

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is from 0 to 7 whatever the values, and NaN becomes 0"
)]
fn bar(value: f64, lowest: f64, highest: f64) -> char {
    let share = (value - lowest) / (highest - lowest) * 7.0;
    BARS[(share.round().clamp(0.0, 7.0)) as usize]
}

/// A short, readable number: `3`, `0.338`, `4.56e10`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e9).contains(&size) {
        format!("{value:.2e}")
    } else if size >= 1_000.0 || (value - value.round()).abs() < 1e-9 {
        format!("{value:.0}")
    } else {
        // Three digits that count, also of a small number.
        let decimals = if size >= 0.1 {
            3
        } else if size >= 0.01 {
            4
        } else {
            6
        };
        let shown = format!("{value:.decimals$}");
        shown.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        let shown: Vec<_> =
            [0.0, 3.0, 0.337_675, 45_628.0, 45_628_000_000.0, 1e-7, -2.5, 5e-5].map(number).into();
        assert_eq!(shown, ["0", "3", "0.338", "45628", "4.56e10", "1.00e-7", "-2.5", "5.00e-5"]);
    }

    #[test]
    fn bars_rise_with_the_values() {
        let bars: String = [0.0, 1.0, 2.0, 7.0].map(|value| bar(value, 0.0, 7.0)).iter().collect();
        assert_eq!(bars, "▁▂▃█");
        assert_eq!(bar(0.0, 0.0, 0.0), '▁');
    }
}
