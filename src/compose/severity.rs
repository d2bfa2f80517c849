//! The severity of an alarm: from its tag, else from its name or description, else the default.

use crate::alarm::{Alarm, tags};
use crate::pagerduty::Severity;

/// Uses the alarm's tag, then words in the alarm's name, then words in its
/// description: `SEV2`, `P1`, `[warning]`, `severity: critical`.
pub(super) fn severity(alarm: &Alarm, default: Severity) -> Severity {
    tags::severity(&alarm.tags)
        .and_then(word)
        .or_else(|| convention(&alarm.name))
        .or_else(|| alarm.description.as_deref().and_then(convention))
        .unwrap_or(default)
}

/// A severity by PagerDuty's name, or by rank: 1 is critical, 4 and 5 are information.
fn word(word: &str) -> Option<Severity> {
    let word = word.to_ascii_lowercase();
    if let Some(severity) = Severity::parse(&word) {
        return Some(severity);
    }
    let rank = word.strip_prefix("sev").or_else(|| word.strip_prefix('p'))?;
    match rank.trim_start_matches(['-', '_', ' ', '0']) {
        "1" => Some(Severity::Critical),
        "2" => Some(Severity::Error),
        "3" => Some(Severity::Warning),
        "4" | "5" => Some(Severity::Info),
        // P0 and SEV0: some teams count from zero.
        "" if rank.ends_with('0') => Some(Severity::Critical),
        _ => None,
    }
}

/// A rank as a separate word, or a severity's name in brackets or after `severity`. The words
/// `error` and `info` alone are ignored: too many names contain them.
fn convention(text: &str) -> Option<Severity> {
    let bracketed = text.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let bracketed = bracketed.map(|(inside, _)| inside.trim()).find_map(word);
    let named = || {
        let lower = text.to_ascii_lowercase();
        let (_, rest) = lower.split_once("severity")?;
        let rest = rest.trim_start_matches([':', '=', ' ', '"', '-']);
        word(rest.split(|character: char| !character.is_ascii_alphanumeric()).next()?)
    };
    let ranked = || {
        let words = text.split(|character: char| !character.is_ascii_alphanumeric());
        words
            .filter(|it| it.len() <= 5 && it.ends_with(|last: char| last.is_ascii_digit()))
            .find_map(word)
    };
    bracketed.or_else(named).or_else(ranked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_teams_write_it() {
        for (text, expected) in [
            ("checkout-errors-SEV2", Some(Severity::Error)),
            ("P1 checkout", Some(Severity::Critical)),
            ("[warning] queue is long", Some(Severity::Warning)),
            ("[P3] x", Some(Severity::Warning)),
            ("Severity: critical. Wake somebody.", Some(Severity::Critical)),
            ("severity=info", Some(Severity::Info)),
            ("sev-0 outage", None),
            ("SEV0", Some(Severity::Critical)),
            ("p99 latency", None),
            ("http-5xx", None),
            ("error rate of shop2", None),
            ("P10", None),
            ("[日本]", None),
        ] {
            assert_eq!(convention(text), expected, "{text}");
        }
        assert_eq!(word("SEV-1"), Some(Severity::Critical));
    }
}
