//! Ids without a name, known by their place in the line: a column of the head, brackets.

use super::{Correlation, Id, is_hex, is_uuid};

/// How much of a line is searched, how many words of its head, and how many brackets.
const TEXT_LIMIT: usize = 2_000;
const MOST_COLUMNS: usize = 12;
const MOST_BRACKETS: usize = 24;
/// Shortest id of `CloudFront` at a line's beginning.
const SHORTEST_EDGE: usize = 24;
/// Words of a head that are neither a number nor a logger's name.
const HEAD_WORDS: [&str; 34] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "fatal",
    "critical",
    "crit",
    "severe",
    "fail",
    "dbug",
    "trce",
    "emerg",
    "alert",
    "panic",
    "main",
    "utc",
    "am",
    "pm",
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "stdout",
    "stderr",
];
/// Words before an id in brackets that say whose it is.
const OF_REQUESTS: [&str; 9] =
    ["request", "req", "trace", "correlation", "job", "task", "run", "execution", "transaction"];
/// Marks around a column.
const MARKS: [char; 10] = ['[', ']', '(', ')', '{', '}', '"', '|', ',', ':'];

/// The id of a line in which no id has a name.
pub(super) fn of(text: &str) -> Option<Correlation> {
    let text = &text[..text.floor_char_boundary(TEXT_LIMIT)];
    bracketed(text).or_else(|| column(text, false)).or_else(|| access(text)).or_else(|| edge(text))
}

/// The request id in one of the first columns: only what belongs to a head stands before it.
pub(super) fn column(text: &str, lambda: bool) -> Option<Correlation> {
    let text = &text[..text.floor_char_boundary(TEXT_LIMIT)];
    let line = text.lines().next()?;
    for word in line.split_whitespace().take(MOST_COLUMNS) {
        for part in word.split('|') {
            let bare = part.trim_matches(MARKS);
            if is_uuid(bare) {
                let id = telling(bare)?;
                return Some(if lambda { Correlation::LambdaRequest(id) } else { request(id) });
            }
            if !lambda && is_hex(bare, 32) {
                return Some(Correlation::Trace(telling(bare)?));
            }
            if !of_head(part, bare) {
                return None;
            }
        }
    }
    None
}

/// Whether a word can stand before a message: a time, a level, a logger, a number.
fn of_head(word: &str, bare: &str) -> bool {
    let marked = word.starts_with(['[', '(']) || word.ends_with(']');
    let logger = bare.contains(['.', '/']) && !bare.ends_with('.');
    // Ruby's logger begins a line with the level's letter.
    let letter = bare.len() == 1 && bare.bytes().all(|byte| byte.is_ascii_uppercase());
    bare.is_empty()
        || letter
        || marked
        || logger
        || bare.contains("::")
        || bare.bytes().all(|byte| byte.is_ascii_punctuation())
        // `order7: …` is a name.
        || (bare.bytes().any(|byte| byte.is_ascii_digit())
            && (!word.ends_with(':') || bare.starts_with(|it: char| it.is_ascii_digit())))
        || HEAD_WORDS.iter().any(|known| known.eq_ignore_ascii_case(bare))
}

/// Spring's `[trace-span]` and `[app,trace,span]`, Rails's `[id]`, API Gateway's `(id)`, Celery's
/// `task[id]`. An id in brackets behind any other word is a customer's or an order's.
fn bracketed(text: &str) -> Option<Correlation> {
    for (at, _) in text.match_indices(['[', '(']).take(MOST_BRACKETS) {
        let inside = &text[at + 1..];
        let Some(end) = inside.find([']', ')']) else { break };
        let inside = &inside[..end];
        if inside.len() > 120 {
            continue;
        }
        if is_uuid(inside) && is_of_request(&text[..at]) {
            return Some(request(telling(inside)?));
        }
        let mut parts = inside.split(['-', ',']).map(str::trim);
        while let Some(part) = parts.next() {
            let span = parts.clone().next().is_some_and(|span| is_hex(span, 16));
            if span && is_hex(part, 32) {
                return Some(Correlation::Trace(telling(part)?));
            }
            if span && is_hex(part, 16) {
                let name = "trace".to_owned();
                return Some(Correlation::Other { name, id: telling(part)? });
            }
        }
    }
    None
}

/// Whether an id in brackets behind this text is a request's.
fn is_of_request(before: &str) -> bool {
    if before.ends_with(|it: char| it.is_ascii_alphanumeric()) {
        // Celery: `Task shop.pay[id]`.
        return true;
    }
    let word = before.split_whitespace().next_back().unwrap_or_default();
    let bare = word.trim_matches(MARKS);
    let head = before.split_whitespace().take(MOST_COLUMNS + 1);
    let named = OF_REQUESTS.iter().any(|known| known.eq_ignore_ascii_case(bare));
    named
        || (before.lines().count() <= 1
            && head.clone().count() <= MOST_COLUMNS
            && head.into_iter().all(|word| of_head(word, word.trim_matches(MARKS))))
}

/// Envoy writes the request's id among the quoted columns of its access line.
fn access(text: &str) -> Option<Correlation> {
    text.contains(" HTTP/").then_some(())?;
    let id = text.split('"').find(|column| is_uuid(column))?;
    Some(request(telling(id)?))
}

/// `CloudFront` functions begin each line with the request's id: `Ab3…== message`.
fn edge(text: &str) -> Option<Correlation> {
    let first = text.split_whitespace().next()?;
    let long = first.len() >= SHORTEST_EDGE && first.ends_with('=');
    let name = "request".to_owned();
    (long && !first.trim_end_matches('=').contains('='))
        .then(|| Some(Correlation::Other { name, id: telling(first)? }))?
}

fn request(id: Id) -> Correlation {
    Correlation::Other { name: "request".to_owned(), id }
}

fn telling(text: &str) -> Option<Id> {
    Id::parse(text).filter(Id::is_telling)
}
