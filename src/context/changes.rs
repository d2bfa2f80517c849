//! What changed before the first of the failing lines.

use chrono::{DateTime, TimeDelta, Utc};

use super::ports::FunctionFacts;
use crate::alarm::Alarm;
use crate::evidence::Part;
use crate::lines::Line;
use crate::text::passed;
use crate::zone::Zone;

/// A change that is longer ago is not named.
const RECENT: TimeDelta = TimeDelta::hours(24);

/// A Lambda function that logged the failing lines, and the version that did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// `43`, or `$LATEST`.
    pub(super) version: String,
    /// When the first of its failing lines was written; None if older ones were not read.
    pub(super) first: Option<DateTime<Utc>>,
}

/// The function of the first kind, by its log group or the alarm's metric, and the version in the name of
/// its log stream.
pub(super) fn function(part: &Part, alarm: &Alarm) -> Option<Function> {
    let kind = part.kinds.first()?;
    let line = kind.naming_line();
    let of_metric = || {
        let metric = alarm.metrics.first().filter(|it| it.namespace == "AWS/Lambda")?;
        metric.dimension("FunctionName")
    };
    let of_group = line.log_group.strip_prefix("/aws/lambda/").filter(|name| !name.contains('/'));
    let name = of_group.or_else(of_metric)?;
    let version = version(&line.stream)?;
    let all = !part.matched.at_least;
    let first = part.kinds.iter().map(|kind| kind.first).min().filter(|_| all);
    Some(Function { name: name.to_owned(), version: version.to_owned(), first })
}

/// The version in a stream's name: `2026/11/14/[43]8a2d…`, also behind a function's name.
fn version(stream: &str) -> Option<&str> {
    let (_, behind) = stream.split_once('[')?;
    let (version, _) = behind.split_once(']')?;
    let is_version = version == "$LATEST" || version.bytes().all(|byte| byte.is_ascii_digit());
    (is_version && !version.is_empty()).then_some(version)
}

/// `function checkout changed at 03:02 UTC, 4 min before the first of these lines`. None if it changed
/// long ago.
pub(super) fn sentence(
    function: &Function,
    facts: FunctionFacts,
    failing: &[Line],
    others: Option<&[Line]>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Option<String> {
    let Function { name, version, first } = function;
    let reference = first.unwrap_or(now);
    if facts.modified < reference - RECENT || facts.modified > now {
        return None;
    }
    let (what, done) = if version == "$LATEST" {
        (format!("function {name}"), "changed")
    } else {
        (format!("version {version} of function {name}"), "was published")
    };
    let relation = match first {
        Some(first) if facts.modified <= *first => {
            let before = passed((*first - facts.modified).to_std().unwrap_or_default());
            format!(", {before} before the first of these lines")
        }
        Some(_) => ", after the first of these lines".to_owned(),
        None => String::new(),
    };
    let other = others.and_then(|others| other_version(version, failing, others));
    let other = other.map(|other| format!("; none of them in version {other}, which ran too"));
    let at = zone.moment(facts.modified, now);
    Some(format!("{what} {done} at {at}{relation}{}", other.unwrap_or_default()))
}

/// Another version that wrote lines at the same time and none of the failing ones.
fn other_version<'l>(own: &str, failing: &[Line], others: &'l [Line]) -> Option<&'l str> {
    let fails = |wanted: &str| failing.iter().any(|line| version(&line.stream) == Some(wanted));
    let mut found = others.iter().filter_map(|line| version(&line.stream));
    found.find(|other| *other != own && *other != "$LATEST" && !fails(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes_ago: i64) -> DateTime<Utc> {
        "2026-11-14T03:06:00Z".parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes_ago)
    }

    fn line(version: &str) -> Line {
        Line {
            at: at(0),
            log_group: "/aws/lambda/checkout".into(),
            stream: format!("2026/11/14/[{version}]8a2d"),
            text: String::new(),
        }
    }

    #[test]
    fn situations() {
        let (new, old) = ([line("43")], [line("43"), line("42")]);
        for (version, first, modified, others, expected) in [
            (
                "$LATEST",
                Some(1),
                5,
                None,
                Some(
                    "function checkout changed at 03:01 UTC, 4 min before the first of these lines",
                ),
            ),
            (
                "$LATEST",
                Some(5),
                2,
                None,
                Some("function checkout changed at 03:04 UTC, after the first of these lines"),
            ),
            // Older failing lines were not read.
            ("$LATEST", None, 5, None, Some("function checkout changed at 03:01 UTC")),
            ("$LATEST", Some(1), 1_500, None, None),
            // A clock that is ahead proves nothing.
            ("$LATEST", Some(1), -5, None, None),
            (
                "43",
                Some(1),
                5,
                Some(&new[..]),
                Some(
                    "version 43 of function checkout was published at 03:01 UTC, 4 min before the first of these lines",
                ),
            ),
            (
                "43",
                Some(1),
                5,
                Some(&old[..]),
                Some(
                    "version 43 of function checkout was published at 03:01 UTC, 4 min before the first of these lines; none of them in version 42, which ran too",
                ),
            ),
        ] {
            let function =
                Function { name: "checkout".into(), version: version.into(), first: first.map(at) };
            let facts = FunctionFacts { modified: at(modified) };
            let said = sentence(&function, facts, &new, others, at(0), Zone::UTC);
            assert_eq!(said.as_deref(), expected);
        }
        let both = [line("43"), line("42")];
        assert_eq!(other_version("43", &both, &old), None, "version 42 fails too");
    }

    #[test]
    fn versions_in_names_of_streams() {
        for (stream, expected) in [
            ("2026/11/14/[$LATEST]8a2d", Some("$LATEST")),
            ("2026/11/14/checkout[7]8a2d", Some("7")),
            ("2026/11/14/[]8a2d", None),
            ("web-1", None),
            ("[x]", None),
        ] {
            assert_eq!(version(stream), expected, "{stream}");
        }
    }
}
