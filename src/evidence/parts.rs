//! Lines that were cut into several events: by the container runtime, or because an object was
//! longer than an event can be.

use std::borrow::Borrow;

use serde::de::IgnoredAny;

use super::records::TWICE;
use crate::lines::Line;

/// The most parts of one line.
const MOST: usize = 100;
/// A part in the middle is at least this long: lines are cut because they are long.
const MIDDLE: usize = 1_000;

/// Whether line `at` is the next part of the line before it. `lines` are of one stream, oldest
/// first.
pub(super) fn goes_on<L: Borrow<Line>>(lines: &[L], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    match container_part(&lines[before].borrow().text) {
        Some((more, _)) => more,
        None => !lines[at].borrow().text.starts_with('{') && object_before(lines, at).is_some(),
    }
}

/// Where the parts of the line with part `at` begin and end; none if it is whole.
pub(super) fn around<L: Borrow<Line>>(lines: &[L], at: usize) -> Option<(usize, usize)> {
    let mut begin = at;
    while at - begin < MOST && goes_on(lines, begin) {
        begin -= 1;
    }
    let mut end = at + 1;
    while end < lines.len() && end - at < MOST && goes_on(lines, end) {
        end += 1;
    }
    (end - begin > 1).then_some((begin, end))
}

/// What a part holds of the line.
pub(super) fn content(text: &str) -> &str {
    container_part(text).map_or_else(|| text.trim_end_matches(['\n', '\r']), |(_, part)| part)
}

/// Whether a text is the begin of an object that is cut.
pub(super) fn is_cut(text: &str) -> bool {
    text.starts_with("{\"")
        && !text.trim_end().ends_with('}')
        && serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// Whether a text can be the end of an object that was cut.
pub(super) fn is_end(text: &str) -> bool {
    !text.starts_with('{') && text.trim_end().ends_with('}') && text.contains('"')
}

/// Where the object begins that is cut before line `at`.
fn object_before<L: Borrow<Line>>(lines: &[L], at: usize) -> Option<usize> {
    let line = |at: usize| lines[at].borrow();
    let mut begin = at;
    while begin > 0 && at - begin < MOST && line(begin).at - line(begin - 1).at <= TWICE {
        begin -= 1;
        let text = &line(begin).text;
        if text.starts_with("{\"") {
            let whole: String = (begin..at).map(|at| content(&line(at).text)).collect();
            return is_cut(&whole).then_some(begin);
        }
        if text.len() < MIDDLE {
            break;
        }
    }
    None
}

/// The part behind containerd's head `TIME stream P `, and whether more parts follow.
fn container_part(text: &str) -> Option<(bool, &str)> {
    let mut words = text.splitn(4, ' ');
    let (time, stream, flag) = (words.next()?, words.next()?, words.next()?);
    let head = time.contains('T') && matches!(stream, "stdout" | "stderr");
    match flag {
        "P" if head => Some((true, words.next().unwrap_or_default())),
        "F" if head => Some((false, words.next().unwrap_or_default())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |(at, text): (i64, &&str)| Line {
            at: DateTime::from_timestamp_millis(at).unwrap(),
            log_group: "g".into(),
            stream: "s".into(),
            text: (*text).into(),
        };
        (0..).zip(texts).map(line).collect()
    }

    #[test]
    fn an_object_over_several_events() {
        let long = "x".repeat(MIDDLE);
        let parts =
            ["one", r#"{"a":1,"b":"xx"#, &long, r#"yy","message":"failed"}"#, r#"{"c":1}"#, "two"];
        let lines = lines(&parts);
        for at in 0..parts.len() {
            let expected = (1..4).contains(&at).then_some((1, 4));
            assert_eq!(around(&lines, at), expected, "{at}");
        }
    }

    #[test]
    fn what_only_looks_cut() {
        for texts in [
            [r#"{"a":1}"#, "next"],
            ["{ code: 1,", "  b: 2 }"],
            [r#"{"a":1, b}"#, "next"],
            [r#"{"a":"#, r#"{"b":1}"#],
            ["text", "}"],
        ] {
            assert_eq!(around(&lines(&texts), 1), None, "{texts:?}");
        }
        let mut late = lines(&[r#"{"a":"x"#, "y\"}"]);
        late[1].at += TWICE;
        assert_eq!(around(&late, 0), None);
    }

    #[test]
    fn parts_of_the_container_runtime() {
        let head = "2026-02-02T12:05:05.1Z stderr";
        let texts = [format!("{head} F a"), format!("{head} P b"), format!("{head} F c")];
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let lines = lines(&texts);
        assert_eq!((around(&lines, 0), around(&lines, 2)), (None, Some((1, 3))));
        assert_eq!(content(&lines[1].text), "b");
    }
}
