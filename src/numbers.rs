//! Numbers for people: short, and as bars.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each value, from the lowest to the highest that is shown.
#[must_use]
pub fn bars(values: impl Iterator<Item = f64>, lowest: f64, highest: f64) -> String {
    values.map(|value| bar(value, lowest, highest)).collect()
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
#[must_use]
pub fn number(value: f64) -> String {
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
