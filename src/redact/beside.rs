//! Secrets directly behind their name, without a delimiter: `Password("…")`, `password hunter2`,
//! `IDENTIFIED BY '…'`.

use super::mark;
use super::names::{self, LONGEST, Meaning, Named, Shape};
use super::scan::{Hit, Scan};
use super::settings::Category;
use super::values;

/// What a call does that is given the secret's name, not the secret.
const ASKS: [&str; 17] = [
    "get", "fetch", "load", "read", "find", "list", "describe", "delete", "remove", "create",
    "update", "rotate", "has", "is", "require", "missing", "no",
];

/// How far to look for the closing quote of a key.
const LONGEST_KEY: usize = 4096;

/// At `(`: is there a name before it, and is the value after it a secret? A type that prints itself
/// (`Password("…")`), or a call (`setPassword('…')`).
pub(super) fn call(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let before = &scan.bytes[scan.floor.max(at.saturating_sub(LONGEST))..at];
    let is_word = |it: &&u8| it.is_ascii_alphanumeric() || **it == b'_';
    let length = before.iter().rev().take_while(is_word).count();
    let name = &scan.text[at - length..at];
    let Some(Meaning::Secret(named)) = names::meaning(name) else { return None };
    let start = |length| name.get(..length).unwrap_or_default();
    let asks = ASKS.iter().any(|verb| start(verb.len()).eq_ignore_ascii_case(verb));
    if !scan.is_on(named.category) || asks {
        return None;
    }
    let from = at + 1;
    // Only a password is taken whatever it is. The limit keeps the time linear for the others.
    let limit = if named.shape == Shape::Any { usize::MAX } else { LONGEST_KEY };
    let (start, end) = match values::quoted(scan, from, limit) {
        Some((start, end)) => (start, end),
        None if is_type(scan, at - length) => {
            let rest = &scan.bytes[from..];
            (from, from + rest.iter().take(LONGEST).position(|it| *it == b')')?)
        }
        None => return None,
    };
    let value = &scan.text[start..end];
    let taken = if start > from && named.shape == Shape::Any {
        named.takes(value, false)
    } else {
        named.takes(value, true) && is_key(value)
    };
    hit(scan, start, end, named).filter(|_| taken)
}

/// Whether this is the name of a type, alone: no method in a line of a stack trace.
fn is_type(scan: &Scan<'_>, start: usize) -> bool {
    scan.bytes[start].is_ascii_uppercase()
        && (start == 0 || !matches!(scan.bytes[start - 1], b'.' | b':' | b'$' | b'#'))
}

/// Whether a value that no quote marks is a key: a word of letters and digits.
fn is_key(value: &str) -> bool {
    value.len() >= 6
        && value.bytes().any(|it| it.is_ascii_digit())
        && value.bytes().any(|it| it.is_ascii_alphabetic())
        && !value.contains(|it: char| it.is_whitespace() || matches!(it, '.' | '/' | ':' | '('))
}

/// At the `w` of `password` or `passwd`: is the next word the secret?
pub(super) fn password(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let is = |from: usize, word: &str| {
        scan.bytes
            .get(from..from + word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    };
    let start = at.checked_sub(4).filter(|start| *start >= scan.floor && is(*start, "pass"))?;
    let end = start + ["password", "passwd"].into_iter().find(|it| is(start, it))?.len();
    let from = behind_spaces(scan, end)?;
    let connective = ["is ", "was ", "to ", "by ", "of "].into_iter().find(|it| is(from, it));
    let from = connective.map_or(Some(from), |it| behind_spaces(scan, from + it.len() - 1))?;
    let named = PASSWORD;
    match values::quoted(scan, from, usize::MAX) {
        Some((start, end)) if start - from <= 3 => hit(scan, start, end, named),
        _ => {
            let end = values::unquoted_end(scan, from, LONGEST);
            let value = scan.text[from..end].trim_end_matches(['.', ',', ';']);
            hit(scan, from, from + value.len(), named).filter(|_| is_password(value))
        }
    }
}

/// At the `b` of `by`: SQL's `IDENTIFIED BY '…'`.
pub(super) fn identified_by(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let before = &scan.bytes[scan.floor..at];
    let is = |text: &[u8], word: &[u8]| text.eq_ignore_ascii_case(word);
    let before = before.get(before.len().checked_sub(11)?..)?;
    if !is(before, b"identified ") || !is(scan.bytes.get(at..at + 2)?, b"by") {
        return None;
    }
    let (start, end) = values::quoted(scan, behind_spaces(scan, at + 2)?, usize::MAX)?;
    hit(scan, start, end, PASSWORD)
}

const PASSWORD: Named =
    Named { mark: mark::PASSWORD, category: Category::NamedSecrets, shape: Shape::Any };

/// The position behind the spaces that begin here; none if there is no space.
fn behind_spaces(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let spaces = scan.bytes[at..].iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
    (spaces > 0).then_some(at + spaces)
}

/// Whether the word behind `password` in a sentence is one: letters with digits or symbols among
/// them, and no name of an algorithm, no `12characters`, no path.
fn is_password(value: &str) -> bool {
    const ALGORITHMS: [&str; 9] =
        ["sha", "md", "argon", "bcrypt", "scrypt", "pbkdf", "base", "utf", "oauth"];
    let letters = value.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let algorithm = ALGORITHMS.iter().any(|name| value[..letters].eq_ignore_ascii_case(name));
    let amount = digits > 0 && value[digits..].bytes().all(|it| it.is_ascii_alphabetic());
    let symbol = value[letters..].contains(['@', '#', '$', '%', '^', '&', '*', '!']);
    !algorithm && !amount && (is_key(value) || symbol && letters > 0 && value.len() >= 6)
}

/// The hit, unless it is a mark already or reveals nothing.
fn hit(scan: &Scan<'_>, start: usize, end: usize, named: Named) -> Option<Hit> {
    let takes = start < end
        && scan.is_on(named.category)
        && scan.mark_at(start).is_none()
        && named.takes(&scan.text[start..end], false);
    takes.then_some(Hit { start, end, mark: named.mark })
}
