//! What a person would quote of a text: its first line that says something, without the head and
//! without what frameworks put before the words.

use super::severity::Severity;
use super::{Exception, head, stack};

/// Longest text of an object over several lines.
const OBJECT: usize = 200;

/// The level in the text's head, and the words.
pub(super) fn of(text: &str) -> (Option<Severity>, String) {
    // Gin's recovery writes the request before the words.
    if let Some((head, rest)) = text.split_once("\n\n")
        && head.lines().next().is_some_and(|line| line.ends_with("panic recovered:"))
    {
        let (level, said) = of(rest);
        return (level.or(Some(Severity::Fatal)), said);
    }
    // Windows events in XML.
    if text.starts_with("<Event ") {
        let inside = ["Message", "Data"].iter().find_map(|tag| {
            let (_, rest) = text.split_once(&format!("<{tag}>"))?;
            Some(rest.split_once("</")?.0)
        });
        if let Some(said) = inside {
            return (None, said.trim().to_owned());
        }
    }
    let mut lines = text.lines().filter(|line| line.chars().any(char::is_alphanumeric));
    let Some(mut first) = lines.next() else {
        return (None, text.lines().next().unwrap_or_default().trim().to_owned());
    };
    let (mut level, mut said) = head::off(first);
    // Some write a head alone, or a line that only leads to the next.
    while said.is_empty() || leads(said) {
        let Some(next) = lines.next() else { break };
        let (found, words) = head::off(next);
        (first, level, said) = (next, level.or(found), words);
    }
    if said.is_empty() {
        said = first.trim();
    }
    let mut owned;
    if let Some(next) = lines.next() {
        // java.util.logging and Microsoft's console write the message on the second line.
        let (next_level, next_said) = head::split(next);
        let marked = next_level.is_some()
            && next.trim_start().starts_with(|it: char| it.is_ascii_uppercase());
        let own_line = level.is_none() && marked && next.contains(": ") && !first.contains(": ");
        if own_line || is_category(said) {
            (level, said) = (level.or(next_level), next_said);
        } else if said.ends_with(['{', '[']) {
            owned = said.to_owned();
            for part in std::iter::once(next).chain(lines) {
                owned.push(' ');
                owned.push_str(part.trim());
                if owned.len() > OBJECT {
                    break;
                }
            }
            said = &owned;
        }
    }
    // Microsoft's console on one line: `fail: Shop.Orders[12] words`.
    if level.is_some()
        && let Some((category, words)) = said.split_once(' ')
        && category.contains('.')
        && is_category(category)
    {
        said = words;
    }
    if level.is_none()
        && let Some((found, words)) = behind_python(said)
    {
        (level, said) = (Some(found), words);
    }
    (level, without_frame(said).to_owned())
}

/// `[Recovery] … panic recovered:`, `[7d1e…] `: nothing but what the next line is about.
fn leads(said: &str) -> bool {
    let tag =
        said.starts_with('[') && said.ends_with(']') && !said.contains(' ') && said.len() >= 34;
    // Spring Boot's analysis of a failed start; a heading of one word.
    let heading = said.ends_with(':') && !said.contains(' ') && !said.contains('.');
    let node =
        ["node:internal/", "triggerUncaughtException("].iter().any(|it| said.starts_with(it));
    tag || heading || node || said == "APPLICATION FAILED TO START"
}

/// `Shop.Orders[12]`: the category in Microsoft's console.
pub(super) fn is_category(said: &str) -> bool {
    let Some((name, number)) = said.strip_suffix(']').and_then(|it| it.rsplit_once('[')) else {
        return false;
    };
    !name.contains(' ') && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Python's default format: `ERROR:shop.pay:words`.
fn behind_python(said: &str) -> Option<(Severity, &str)> {
    let (level, rest) = said.split_once(':')?;
    let (name, words) = rest.split_once(':')?;
    let capitals = level.bytes().all(|byte| byte.is_ascii_uppercase());
    let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    let level = Severity::of_level(level).filter(|_| capitals && named && !name.is_empty())?;
    Some((level, words.trim()))
}

/// The words without what frameworks put around them.
fn without_frame(said: &str) -> &str {
    let mut said = said.trim();
    if let Some((_, inner)) = said.split_once("said into stderr: \"") {
        said = inner.trim_end_matches('"');
    }
    for prefix in ["NOTICE: ", "PHP message: "] {
        said = said.strip_prefix(prefix).unwrap_or(said);
    }
    said = behind_marks(said);
    said = behind_audit(said);
    said = behind_structured_data(said);
    said = behind_columns(said);
    said = behind_spans(said);
    said = behind_pairs(said);
    // nginx and Apache: the request behind the words.
    let end = [", client: ", ", referer: "].iter().filter_map(|it| said.find(it)).min();
    said = end.map_or(said, |end| &said[..end]);
    innermost(said)
}

/// Next's and npm's marks, Redis' `#`, Node's process before a warning, Ruby's place before an error.
fn behind_marks(said: &str) -> &str {
    let marks = |it: char| matches!(it, '⨯' | '✖' | '✗' | '✘' | '❌' | '×' | '⚠' | '\u{fe0f}');
    let mut said = said.trim_start_matches(marks).trim_start();
    said = said.strip_prefix("# ").unwrap_or(said);
    let process = said.strip_prefix("(node:").and_then(|rest| rest.split_once(") "));
    if let Some((id, rest)) = process
        && id.bytes().all(|byte| byte.is_ascii_digit())
    {
        said = rest.strip_prefix("UnhandledPromiseRejectionWarning: ").unwrap_or(rest);
    }
    // Ruby: the place before the words, `/app/quay.rb:17:in 'Quay#take': words (QuayFull)`.
    if let Some((place, words)) = said.split_once("': ")
        && place.split_once(".rb:").is_some_and(|(file, at)| {
            !file.contains(' ')
                && at
                    .split_once(":in ")
                    .is_some_and(|(line, _)| line.bytes().all(|byte| byte.is_ascii_digit()))
        })
    {
        said = words;
    }
    said
}

/// auditd: `type=AVC msg=audit(1770000000.123:456): words`.
fn behind_audit(said: &str) -> &str {
    match said.split_once(" msg=audit(") {
        Some((kind, rest)) if kind.starts_with("type=") => {
            rest.split_once("): ").map_or(said, |(_, words)| words.trim())
        }
        _ => said,
    }
}

/// Syslog of RFC 5424: `host app pid msgid [id key="value"] words`, or `-` for the data.
fn behind_structured_data(said: &str) -> &str {
    let Some((at, _)) = said.match_indices(' ').nth(3) else { return said };
    let rest = &said[at + 1..];
    let columns = said[..at].split(' ').all(|it| !it.is_empty() && !it.ends_with(':'));
    match rest.split_once("\"] ") {
        Some((data, words)) if columns && data.starts_with('[') && data.contains("=\"") => words,
        _ => said,
    }
}

/// Windows events of the CloudWatch agent: `[log] [LEVEL] [id] [source] [host] [message]`.
fn behind_columns(said: &str) -> &str {
    let mut rest = said;
    let mut groups = 0;
    while let Some(inside) = rest.strip_prefix('[') {
        let Some((group, behind)) = inside.split_once("] ") else { break };
        if group.contains('[') || group.len() > 80 || !behind.starts_with('[') {
            break;
        }
        rest = behind;
        groups += 1;
    }
    if groups < 2 {
        return said;
    }
    let inside = rest.trim_start_matches('[');
    inside.strip_suffix(']').unwrap_or(inside)
}

/// Rust's tracing: `request{id=7}:handler{path=/a}: shop: charge failed`.
fn behind_spans(said: &str) -> &str {
    let mut rest = said;
    while let Some(open) = rest.find('{').filter(|at| *at > 0 && *at < 60) {
        let name = &rest[..open];
        let named = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-: .".contains(&it));
        let Some(close) = rest[open..].find("}:") else { break };
        if !named || !rest[open..open + close].contains('=') || name.ends_with(": ") {
            break;
        }
        rest = rest[open + close + 2..].trim_start();
    }
    rest
}

/// `dd.trace_id=1 dd.span_id=2 - words`, `request_id=7 words`.
fn behind_pairs(said: &str) -> &str {
    let mut rest = said.strip_prefix('[').filter(|it| it.contains("] ")).unwrap_or(said);
    let mut pairs = 0;
    while let Some((word, behind)) = rest.split_once(' ') {
        let pair = word.split_once('=').is_some_and(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-@".contains(&it))
        });
        if !pair {
            break;
        }
        pairs += 1;
        rest = behind.trim_start();
    }
    let words = rest.trim_start_matches(['-', ']', ':']).trim_start();
    if pairs > 0 && (rest.len() > words.len()) && !words.is_empty() { words } else { said }
}

/// Containers of Java and others wrap the error's words in their own.
fn innermost(said: &str) -> &str {
    let mut said = said;
    if let Some((_, inner)) = said.split_once(" threw exception [") {
        let end = inner.rfind("] with root cause").or_else(|| inner.rfind(']'));
        said = end.map_or(inner, |end| &inner[..end]);
    }
    if let Some((_, inner)) = said.rsplit_once("nested exception is ") {
        said = inner;
    }
    for prefix in ["Request processing failed: ", "Handler dispatch failed: "] {
        said = said.strip_prefix(prefix).unwrap_or(said);
    }
    if let Some((_, inner)) = said.split_once(" raised unexpected: ") {
        said = inner;
    }
    said.trim()
}

/// The error in words that begin with its name: PHP's `Uncaught Name: words`, Python's
/// `Name('words')`.
pub(super) fn exception(said: &str) -> Option<Exception> {
    if let Some(found) = stack::php(said) {
        return Some(found);
    }
    // Elixir's `** (Name) words`, Ruby's `#<Name: words>`.
    if let Some((name, words)) = said.strip_prefix("** (").and_then(|it| it.split_once(") ")) {
        return Some(Exception { name: name.to_owned(), message: Some(words.trim().to_owned()) });
    }
    if let Some((_, inspected)) = said.split_once("#<")
        && let Some((name, words)) = inspected.strip_suffix('>').and_then(|it| it.split_once(": "))
        && stack::is_type_name(name)
    {
        return Some(Exception { name: name.to_owned(), message: Some(words.to_owned()) });
    }
    let (name, behind) = said.split_once('(')?;
    let words = behind.strip_suffix(')')?;
    let quote = words.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
    let words = words.strip_prefix(quote)?.strip_suffix(quote)?;
    stack::is_type_name(name)
        .then(|| Exception { name: name.to_owned(), message: Some(words.to_owned()) })
}
