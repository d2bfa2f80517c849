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
    let word = word.trim().to_ascii_lowercase();
    if let Some(severity) = Severity::parse(&word) {
        return Some(severity);
    }
    match word.as_str() {
        "crit" | "fatal" | "emergency" | "emerg" | "urgent" | "blocker" | "緊急" | "致命的"
        | "重大" | "严重" | "紧急" => return Some(Severity::Critical),
        "high" | "major" | "alert" | "高" | "エラー" | "错误" => {
            return Some(Severity::Error);
        }
        "warn" | "medium" | "moderate" | "minor" | "警告" | "注意" | "中" => {
            return Some(Severity::Warning);
        }
        "low" | "notice" | "informational" | "低" | "情報" | "信息" => {
            return Some(Severity::Info);
        }
        _ => {}
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

/// A severity's name in brackets, before a colon or a dash at the start, or after `severity`; or a
/// rank as a word of its own. The words `error` and `info` alone are ignored: too many names
/// contain them.
fn convention(text: &str) -> Option<Severity> {
    bracketed(text).or_else(|| leading(text)).or_else(|| named(text)).or_else(|| ranked(text))
}

/// `[warning]`, `【緊急】`, `(High)` at the start.
fn bracketed(text: &str) -> Option<Severity> {
    let inside = |open: char, close: char| {
        let groups = text.split(open).skip(1).filter_map(move |rest| rest.split_once(close));
        groups.map(|(inside, _)| inside.trim()).find_map(word)
    };
    inside('[', ']')
        .or_else(|| inside('【', '】'))
        .or_else(|| word(text.trim_start().strip_prefix('(')?.split_once(')')?.0))
}

/// `CRITICAL: db`, `CRITICAL - db`, `WARN | queue`.
fn leading(text: &str) -> Option<Severity> {
    let end = text.find([':', '|', '：']).or_else(|| text.find(" - "))?;
    let first = text[..end].trim();
    let capitals = first.bytes().any(|byte| byte.is_ascii_uppercase()) || !first.is_ascii();
    // "Error: …" and "Info: …" begin many sentences.
    let sentence = matches!(first, "Error" | "Info" | "Alert" | "Notice");
    if capitals && !sentence { word(first) } else { None }
}

/// `severity: high`, `severity=critical`, `"severity": 1`, `priority: P1`.
fn named(text: &str) -> Option<Severity> {
    let lower = text.to_ascii_lowercase();
    ["severity", "priority"].iter().find_map(|name| {
        let (_, rest) = lower.split_once(name)?;
        let rest = rest.trim_start_matches([':', '=', ' ', '"', '-']);
        word(rest.split(|next: char| !next.is_alphanumeric()).next()?)
    })
}

/// `SEV2`, `SEV-1`, `P1`, in capitals or at the start or end. Within a name, `p1` is as often a
/// partition, and `p3.2xlarge` a type of instance.
fn ranked(text: &str) -> Option<Severity> {
    let words: Vec<(usize, &str)> = text
        .split(|next: char| !next.is_ascii_alphanumeric())
        .scan(0, |at, word| {
            let begin = *at;
            *at += word.len() + 1;
            Some((begin, word))
        })
        .collect();
    let next_byte = |end: usize| text.as_bytes().get(end).copied();
    words.iter().enumerate().find_map(|(place, (begin, rank))| {
        let lower = rank.to_ascii_lowercase();
        // `SEV-1`, `sev 2`.
        if lower == "sev"
            && let Some((_, number)) = words.get(place + 1)
            && number.len() == 1
        {
            return word(&format!("sev{number}"));
        }
        if rank.len() > 5 || !rank.ends_with(|last: char| last.is_ascii_digit()) {
            return None;
        }
        let end = begin + rank.len();
        let instance = next_byte(end) == Some(b'.');
        let capital = rank.starts_with(|first: char| first.is_ascii_uppercase());
        let alone = (*begin == 0 || text.as_bytes()[begin - 1] == b' ' || place == 0)
            && next_byte(end).is_none_or(|next| matches!(next, b' ' | b':' | b',' | b'-'));
        let sev = lower.starts_with("sev");
        (!instance && (capital || sev || alone)).then(|| word(rank)).flatten()
    })
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
            ("[WARN] x", Some(Severity::Warning)),
            ("[CRIT] x", Some(Severity::Critical)),
            ("[High] db", Some(Severity::Error)),
            ("【緊急】DB", Some(Severity::Critical)),
            ("CRITICAL: db", Some(Severity::Critical)),
            ("CRITICAL - db", Some(Severity::Critical)),
            ("severity: high", Some(Severity::Error)),
            ("x (severity: low)", Some(Severity::Info)),
            ("SEV-1 shop", Some(Severity::Critical)),
            ("p1 shop", Some(Severity::Critical)),
            ("p3.2xlarge idle", None),
            ("gpu p5.48xlarge busy", None),
            ("s3-p0-bucket", None),
            ("orders-p1", None),
            ("Error: x", None),
            ("Severity: critical. Wake somebody.", Some(Severity::Critical)),
            ("severity=info", Some(Severity::Info)),
            ("sev-0 outage", Some(Severity::Critical)),
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
