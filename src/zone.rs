//! Times as people read them: in one time zone, with its short name.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The time zone of the times in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = chrono_tz::ParseError;

    /// Reads an IANA name such as `Europe/Berlin`.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse().map(Self)
    }
}

impl Zone {
    pub const UTC: Self = Self(Tz::UTC);

    /// `03:05`.
    #[must_use]
    pub fn minute(self, at: DateTime<Utc>) -> String {
        self.format(at, "%H:%M")
    }

    /// `03:05:12`.
    #[must_use]
    pub fn second(self, at: DateTime<Utc>) -> String {
        self.format(at, "%H:%M:%S")
    }

    /// `03:05:12.250`.
    #[must_use]
    pub fn millisecond(self, at: DateTime<Utc>) -> String {
        self.format(at, "%H:%M:%S%.3f")
    }

    /// `2026-11-14 03:05`.
    #[must_use]
    pub fn date_and_minute(self, at: DateTime<Utc>) -> String {
        self.format(at, "%Y-%m-%d %H:%M")
    }

    /// `2026-11-14 03:05:12`.
    #[must_use]
    pub fn date_and_second(self, at: DateTime<Utc>) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The zone's short name at that time: `UTC`, `CEST`, `+03`.
    #[must_use]
    pub fn name(self, at: DateTime<Utc>) -> String {
        self.format(at, "%Z")
    }

    fn format(self, at: DateTime<Utc>, format: &str) -> String {
        at.with_timezone(&self.0).format(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_and_winter_time() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let (winter, summer) = (at("2026-01-14T23:30:05.25Z"), at("2026-07-14T23:30:05Z"));
        assert_eq!(zone.date_and_second(winter), "2026-01-15 00:30:05");
        assert_eq!((zone.minute(summer), zone.name(summer)), ("01:30".into(), "CEST".into()));
        assert_eq!(
            (zone.millisecond(winter), zone.name(winter)),
            ("00:30:05.250".into(), "CET".into())
        );
        assert_eq!(Zone::default().second(winter), "23:30:05");
        assert_eq!(Zone::default().name(winter), "UTC");
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }
}
