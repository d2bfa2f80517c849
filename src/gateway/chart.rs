//! The last hour as a chart: accepted events as bars, delivered ones as a line.
//!
//! The drawing is stretched to the available width, so it contains no text. The caption below it
//! gives the numbers and is its text alternative.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::status::Minute;

/// The drawing's own units: ten per minute across, and its height.
const STEP: usize = 10;
const HEIGHT: u64 = 100;

pub(super) fn chart(minutes: &[Minute]) -> Markup {
    let most = |count: fn(&Minute) -> u64| minutes.iter().map(count).max().unwrap_or_default();
    let sum = |count: fn(&Minute) -> u64| minutes.iter().map(count).sum::<u64>();
    let (accepted, delivered) = (most(|it| it.accepted), most(|it| it.delivered));
    let top = round_up(accepted.max(delivered));
    let width = STEP * minutes.len();
    html! {
        figure.chart {
            div.plot {
                p.scale aria-hidden="true" { span { (grouped(top)) } span { (grouped(top / 2)) } span { "0" } }
                svg role="img" aria-labelledby="hour-text" viewBox={ "0 0 " (width) " " (HEIGHT) }
                    preserveAspectRatio="none" {
                    path.grid d={ "M0 0H" (width) "M0 " (HEIGHT / 2) "H" (width) "M0 " (HEIGHT) "H" (width) } {}
                    path.accepted d=(bars(minutes, top)) {}
                    path.delivered d=(steps(minutes, top)) {}
                }
                p.hours aria-hidden="true" { span { "60 min ago" } span { "now" } }
            }
            figcaption #hour-text {
                span.key.accepted { "Accepted " strong { (grouped(sum(|it| it.accepted))) } }
                ", at most " (grouped(accepted)) " a minute; "
                span.key.delivered { "delivered " strong { (grouped(sum(|it| it.delivered))) } }
                ", at most " (grouped(delivered)) " a minute."
            }
        }
    }
}

/// The distance of a count from the top; a count above zero is always visible.
fn height(count: u64, top: u64) -> u64 {
    let height = u128::from(count) * u128::from(HEIGHT) / u128::from(top);
    let least = u64::from(count > 0) * 2;
    HEIGHT - u64::try_from(height).unwrap_or(HEIGHT).clamp(least, HEIGHT)
}

fn bars(minutes: &[Minute], top: u64) -> String {
    let mut path = String::new();
    for (index, minute) in minutes.iter().enumerate().filter(|(_, it)| it.accepted > 0) {
        let left = STEP * index + 1;
        let height = height(minute.accepted, top);
        let _ = write!(path, "M{left} {HEIGHT}V{height}h{}V{HEIGHT}z", STEP - 2);
    }
    path
}

fn steps(minutes: &[Minute], top: u64) -> String {
    let mut path = String::new();
    for (index, minute) in minutes.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let height = height(minute.delivered, top);
        let _ = write!(path, "{command}{} {height}H{}", STEP * index, STEP * (index + 1));
    }
    path
}

/// The next of 2, 4, 6, 8, 10, 20, 40 …, all of which have an even half.
fn round_up(most: u64) -> u64 {
    let mut scale = 1_u64;
    loop {
        for step in [2, 4, 6, 8, 10] {
            if scale.saturating_mul(step) >= most {
                return scale.saturating_mul(step);
            }
        }
        scale = scale.saturating_mul(10);
    }
}

/// The number with separated thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_fits_any_count() {
        for (most, top) in [(0, 2), (2, 2), (3, 4), (9, 10), (11, 20), (41, 60), (101, 200)] {
            assert_eq!(round_up(most), top, "{most}");
        }
        for most in [1, 999, 25_000 * 60, u64::MAX] {
            let top = round_up(most);
            assert!(top >= most);
            assert!(height(most, top) <= HEIGHT - 2);
        }
        assert_eq!(height(0, 10), HEIGHT);
        assert_eq!(height(1, 1_000_000), HEIGHT - 2);
    }

    #[test]
    fn thousands_are_separated() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
