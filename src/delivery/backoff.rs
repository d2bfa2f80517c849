//! How long a refused or failed event waits: exponential with full jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(15);

/// The wait after the given attempt (1 is the first), never shorter than PagerDuty asked for.
/// `random` is from 0 to 1.
#[must_use]
pub fn delay(attempt: u32, asked_for: Option<Duration>, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
    let jittered = doubled.min(LONGEST).mul_f64(random.clamp(0.0, 1.0)).max(FIRST);
    jittered.max(asked_for.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_quarter_of_an_hour() {
        assert_eq!(delay(1, None, 1.0), Duration::from_secs(1));
        assert_eq!(delay(4, None, 1.0), Duration::from_secs(8));
        assert_eq!(delay(4, None, 0.5), Duration::from_secs(4));
        assert_eq!(delay(4, None, 0.0), Duration::from_secs(1));
        assert_eq!(delay(u32::MAX, None, 1.0), Duration::from_mins(15));
        assert_eq!(delay(0, None, f64::INFINITY), Duration::from_secs(1));
    }

    #[test]
    fn what_was_asked_for_is_the_least() {
        let asked = Some(Duration::from_secs(30));
        assert_eq!(delay(1, asked, 1.0), Duration::from_secs(30));
        assert_eq!(delay(10, asked, 1.0), Duration::from_secs(512));
    }
}
