//! E-mail addresses, and user and password in URLs.

use super::mark;
use super::scan::{Hit, Scan};

/// An e-mail address whose `@` (or `%40`, of `width` bytes) is at this place.
pub(super) fn email(scan: &Scan<'_>, at: usize, width: usize) -> Option<Hit> {
    // Check the domain first: only a match may look far back. Otherwise many `@` would cost the
    // square of the text's length.
    let domain = domain(&scan.bytes[at + width..])?;
    let before = &scan.text[scan.floor..at];
    let mut rest = before.trim_end_matches(is_local);
    // `o'neil@`: an apostrophe between letters is part of the name, another one is a quote.
    while rest.len() < before.len()
        && let Some(name) = rest.strip_suffix('\'')
        && name.ends_with(char::is_alphabetic)
    {
        rest = name.trim_end_matches(is_local);
    }
    let local = before.len() - rest.len();
    (local > 0).then_some(Hit { start: at - local, end: at + width + domain, mark: mark::EMAIL })
}

/// Letters of the part before the `@`: those of RFC 5322 without the ones that separate fields of a
/// log line (`=`, `/`, quotes), and with the accents of European names.
fn is_local(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '.' | '_' | '+' | '-' | '%' | '!' | '#' | '$' | '&' | '*' | '~' | '^')
        || ('\u{c0}'..='\u{24f}').contains(&letter)
}

/// The length of the domain that begins here: labels separated by dots, ending in letters, so that
/// `react@18.2` is not an address.
fn domain(bytes: &[u8]) -> Option<usize> {
    let label = |from: usize| {
        let part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
        bytes[from..].iter().take_while(part).count()
    };
    let mut end = label(0);
    let mut last = None;
    while end > 0 && bytes.get(end) == Some(&b'.') {
        let length = label(end + 1);
        if length == 0 {
            break;
        }
        let name = &bytes[end + 1..=end + length];
        end += 1 + length;
        if length >= 2 && name[0].is_ascii_alphabetic() {
            last = Some(end);
        }
    }
    last
}

/// How far to look for the `@` after a password with a slash in it.
const LONGEST: usize = 256;

/// The user and password of the URL whose authority begins here.
pub(super) fn credentials(scan: &Scan<'_>, start: usize) -> Option<Hit> {
    let rest = &scan.text[start..];
    let outside =
        |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | '`');
    let authority = rest.find(|letter| outside(letter) || matches!(letter, '/' | '?' | '#' | '\\'));
    let authority = &rest[..authority.unwrap_or(rest.len())];
    let length = authority.rfind('@').or_else(|| {
        // A slash in a password should be escaped, but often is not. The digits of a port before
        // the slash are not a password.
        let (_, password) = authority.split_once(':')?;
        if password.is_empty() || password.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let near = rest.char_indices().take(LONGEST).take_while(|(_, letter)| !outside(*letter));
        near.filter(|(_, letter)| *letter == '@').map(|(at, _)| at).next()
    })?;
    let length = if length == 0 { return None } else { length };
    let is_mark = scan.mark_at(start) == Some(length);
    (!is_mark).then_some(Hit { start, end: start + length, mark: mark::CREDENTIALS })
}
