//! How often the alarm goes off: its state changes of the last seven days.

use chrono::{DateTime, TimeDelta, Utc};

use super::ports::{Known, StateChange};
use crate::alarm::State;
use crate::text::in_words;
use crate::zone::Zone;

/// How far back the history is read.
pub(super) const SINCE: TimeDelta = TimeDelta::days(7);
const DAY: TimeDelta = TimeDelta::hours(24);
/// The notified change stands in the history too, at about the same time.
const SAME: TimeDelta = TimeDelta::seconds(5);
/// How many of the last times the durations are said of.
const LAST: usize = 3;

/// One time that the alarm was in ALARM.
struct Time {
    began: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
}

/// `4th time in 24 h; the last 3 ended after 2 to 5 min, the newest of them began at 02:14 UTC`. `at` is when
/// the alarm went into ALARM this time. None if nothing can be said for sure.
pub(super) fn sentence(
    history: &Known<StateChange>,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let times = times(&history.items, at);
    let since = history.items.iter().map(|change| change.at).min();
    // Of a long history, only the newest part was read.
    let covers = |start: DateTime<Utc>| history.complete || since.is_some_and(|it| it <= start);
    let today = times.iter().filter(|time| time.began > at - DAY).count();
    let Some(latest) = times.first() else {
        return history.complete.then(|| "first time in 7 days".to_owned());
    };
    let began = format!("at {}", zone.moment(latest.began, now));
    if today == 0 {
        let ended =
            latest.ended.map(|ended| format!(" and ended after {}", length(ended - latest.began)));
        return covers(at - DAY).then(|| {
            format!("first time in 24 h; the last time began {began}{}", ended.unwrap_or_default())
        });
    }
    let at_least = if covers(at - DAY) { "" } else { "at least the " };
    let lengths: Vec<TimeDelta> = times
        .iter()
        .take(today.min(LAST))
        .map_while(|time| Some(time.ended? - time.began))
        .collect();
    let ended = match &lengths[..] {
        [] => format!("the last one began {began}"),
        [one] => format!("the last one began {began} and ended after {}", length(*one)),
        several => {
            let shortest = several.iter().min().copied().unwrap_or_default();
            let longest = several.iter().max().copied().unwrap_or_default();
            let range = if length(shortest) == length(longest) {
                length(longest)
            } else {
                format!("{} to {}", length(shortest), length(longest))
            };
            let count = several.len();
            format!("the last {count} ended after {range}, the newest of them began {began}")
        }
    };
    Some(format!("{at_least}{} time in 24 h; {ended}", ordinal(today + 1)))
}

/// The times before this one, the newest first.
fn times(changes: &[StateChange], at: DateTime<Utc>) -> Vec<Time> {
    let mut changes: Vec<&StateChange> =
        changes.iter().filter(|change| change.at < at - SAME).collect();
    changes.sort_by_key(|change| change.at);
    let mut times: Vec<Time> = Vec::new();
    for change in changes {
        let open = times.last_mut().filter(|time| time.ended.is_none());
        match (change.to, open) {
            (State::Alarm, None) => times.push(Time { began: change.at, ended: None }),
            (State::Ok | State::InsufficientData, Some(time)) => time.ended = Some(change.at),
            _ => {}
        }
    }
    times.reverse();
    times
}

fn length(span: TimeDelta) -> String {
    in_words(span.to_std().unwrap_or_default())
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        "2026-11-14T03:06:00Z".parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes_ago)
    }

    fn changes(items: &[(i64, State)], complete: bool) -> Known<StateChange> {
        let items = items.iter().map(|&(ago, to)| StateChange { at: at(ago), to }).collect();
        Known { items, complete }
    }

    #[test]
    fn situations() {
        use State::{Alarm, InsufficientData, Ok};
        for (items, complete, expected) in [
            (&[][..], true, Some("first time in 7 days")),
            (&[], false, None),
            // The notified change itself.
            (&[(0, Alarm)], true, Some("first time in 7 days")),
            (
                &[(0, Alarm), (7, Ok), (10, Alarm)],
                true,
                Some("2nd time in 24 h; the last one began at 02:56 UTC and ended after 3 min"),
            ),
            (
                &[
                    (55, Ok),
                    (57, Alarm),
                    (100, InsufficientData),
                    (105, Alarm),
                    (200, Ok),
                    (203, Alarm),
                    (300, Ok),
                    (400, Alarm),
                ],
                true,
                Some(
                    "5th time in 24 h; the last 3 ended after 2 min to 5 min, the newest of them began at 02:09 UTC",
                ),
            ),
            (
                &[(2_000, Ok), (2_010, Alarm)],
                true,
                Some(
                    "first time in 24 h; the last time began at 2026-11-12 17:36 UTC and ended after 10 min",
                ),
            ),
            // Only part of the last day was read.
            (
                &[(55, Ok), (57, Alarm)],
                false,
                Some(
                    "at least the 2nd time in 24 h; the last one began at 02:09 UTC and ended after 2 min",
                ),
            ),
            (
                &[(2_000, Ok), (2_010, Alarm)],
                false,
                Some(
                    "first time in 24 h; the last time began at 2026-11-12 17:36 UTC and ended after 10 min",
                ),
            ),
            // It never ended, as far as is known: nothing is said of an end.
            (&[(57, Alarm)], true, Some("2nd time in 24 h; the last one began at 02:09 UTC")),
            // A second ALARM without an OK is the same time.
            (
                &[(50, Alarm), (57, Alarm)],
                true,
                Some("2nd time in 24 h; the last one began at 02:09 UTC"),
            ),
        ] {
            let said = sentence(&changes(items, complete), at(0), at(0), Zone::UTC);
            assert_eq!(said.as_deref(), expected, "{items:?}");
        }
    }

    #[test]
    fn ordinals() {
        let said = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal);
        assert_eq!(said.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }
}
