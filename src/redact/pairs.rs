//! Secrets recognised by the name before them in running text: `key=value`, `key: value`, truncated
//! or escaped JSON, URL queries, headers, XML, command-line flags.

use super::names::{self, LONGEST, Meaning, Named, Shape};
use super::scan::{Hit, Scan, Scanned};
use super::values;

/// A name found in front of a delimiter, and what it says.
struct Key {
    meaning: Meaning,
    /// The position of its first byte.
    start: usize,
    quoted: bool,
}

/// At `=`, `:`, `%3D` or `%3A` (`width` bytes): is there a name before it, and is the value after
/// it a secret?
pub(super) fn delimited(scan: &Scan<'_>, at: usize, width: usize) -> Scanned {
    let bytes = scan.bytes;
    let colon = bytes[at] == b':';
    if colon && (at > 0 && bytes[at - 1] == b':' || bytes.get(at + 1) == Some(&b':')) {
        return Scanned::Nothing;
    }
    let Some(key) = key_before(scan, at) else { return Scanned::Nothing };
    let mut from = at + width;
    while matches!(bytes.get(from), Some(b'=' | b'>' | b':')) {
        from += 1;
    }
    let named = match key.meaning {
        Meaning::Secret(named) => named,
        Meaning::Tracing => return tracing_id(scan, from),
    };
    if !scan.is_on(named.category) || (colon && in_arn(scan, key.start)) {
        return Scanned::Nothing;
    }
    let spaced = matches!(bytes.get(from), Some(b' ' | b'\t'));
    let prose = colon && spaced && !key.quoted;
    value(scan, from, named, &Context { key: Some(&key), prose, encoded: width > 1 })
}

/// At `>`: does this end an XML tag whose name says that its text is a secret?
pub(super) fn element(scan: &Scan<'_>, at: usize) -> Scanned {
    let start = word_start(scan, at, |byte| is_word(byte) || byte == b':');
    if start == at || start == scan.floor || scan.bytes[start - 1] != b'<' {
        return Scanned::Nothing;
    }
    let name = &scan.text[start..at];
    let name = name.rsplit(':').next().unwrap_or(name);
    let Some(Meaning::Secret(named)) = names::meaning(name) else { return Scanned::Nothing };
    let rest = &scan.text[at + 1..];
    let end = at + 1 + rest.find('<').unwrap_or(rest.len());
    if scan.is_on(named.category) {
        settle(scan, at + 1, end, named, false)
    } else {
        Scanned::Nothing
    }
}

/// At `--`: is this a command-line flag whose next argument is a secret?
pub(super) fn flag(scan: &Scan<'_>, at: usize) -> Scanned {
    let from = at + 2;
    let end =
        from + scan.bytes[from..].iter().take(LONGEST).take_while(|byte| is_word(**byte)).count();
    if !matches!(scan.bytes.get(end), Some(b' ' | b'\t')) {
        return Scanned::Nothing;
    }
    match names::meaning(&scan.text[from..end]) {
        Some(Meaning::Secret(named))
            if scan.is_on(named.category) && scan.bytes.get(end + 1) != Some(&b'-') =>
        {
            value(scan, end, named, &Context { key: None, prose: false, encoded: false })
        }
        _ => Scanned::Nothing,
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn word_start(scan: &Scan<'_>, end: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let floor = scan.floor.max(end.saturating_sub(LONGEST));
    end - scan.bytes[floor..end].iter().rev().take_while(|byte| is_part(**byte)).count()
}

/// The name that ends before this position, ignoring spaces, quotes, brackets and colours.
fn key_before(scan: &Scan<'_>, at: usize) -> Option<Key> {
    let before = |end: usize, ending: &str| {
        end >= scan.floor + ending.len() && scan.text[..end].ends_with(ending)
    };
    let mut end = at;
    let mut quoted = false;
    for _ in 0..4 {
        while end > scan.floor && end + 8 > at && matches!(scan.bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        end = before_colour(scan, end);
    }
    if let Some(closing) = ["\"", "'", "`", "]", "%22", "%5D"].iter().find(|it| before(end, it)) {
        quoted = !closing.ends_with([']', 'D']);
        end -= closing.len();
        while before(end, "\\") {
            end -= 1;
        }
    }
    end = before_colour(scan, end);
    let mut start = word_start(scan, end, is_word);
    if start == end {
        return None;
    }
    // "api key: …" is two words. At most three words, with one space between them.
    for _ in 0..2 {
        let more = start > scan.floor + 1 && scan.bytes[start - 1] == b' ';
        let earlier = if more { word_start(scan, start - 1, is_word) } else { start };
        if quoted || !more || earlier == start - 1 {
            break;
        }
        start = earlier;
    }
    let meaning = names::meaning(&scan.text[start..end])?;
    Some(Key { meaning, start, quoted })
}

/// The position before a terminal's colour code that ends here; otherwise the same position.
fn before_colour(scan: &Scan<'_>, end: usize) -> usize {
    let floor = scan.floor.max(end.saturating_sub(12));
    let window = &scan.bytes[floor..end];
    let Some((b'm', digits)) = window.split_last() else { return end };
    let numbers = digits.iter().rev().take_while(|it| it.is_ascii_digit() || **it == b';').count();
    match digits[..digits.len() - numbers] {
        [.., 0x1b, b'['] => end - numbers - 3,
        _ => end,
    }
}

fn after_colour(scan: &Scan<'_>, at: usize) -> usize {
    let Some(rest) = scan.bytes[at..].strip_prefix(b"\x1b[") else { return at };
    let numbers = rest.iter().take(12).take_while(|it| it.is_ascii_digit() || **it == b';').count();
    if rest.get(numbers) == Some(&b'm') { at + numbers + 3 } else { at }
}

/// `arn:aws:secretsmanager:eu-west-1:…:secret:name` contains a name, not a secret.
fn in_arn(scan: &Scan<'_>, start: usize) -> bool {
    if start <= scan.floor || scan.bytes[start - 1] != b':' {
        return false;
    }
    let floor = scan.floor.max(start.saturating_sub(200));
    let token = scan.bytes[floor..start]
        .iter()
        .rev()
        .take_while(|byte| is_word(**byte) || matches!(byte, b':' | b'/'))
        .count();
    scan.bytes[start - token..].starts_with(b"arn:")
}

fn tracing_id(scan: &Scan<'_>, from: usize) -> Scanned {
    let rest = &scan.bytes[from..];
    let skipped = rest.iter().take_while(|it| matches!(it, b' ' | b'"' | b'\'' | b'\\')).count();
    let id = rest[skipped..].iter().take(65).take_while(|byte| is_word(**byte)).count();
    let start = from + skipped;
    if names::is_id(&scan.text[start..start + id]) {
        Scanned::Skip(start + id)
    } else {
        Scanned::Nothing
    }
}

struct Context<'k> {
    key: Option<&'k Key>,
    /// Running text, `name: value`.
    prose: bool,
    /// Inside a URL-encoded text.
    encoded: bool,
}

fn value(scan: &Scan<'_>, from: usize, named: Named, context: &Context<'_>) -> Scanned {
    let mut start = from;
    for _ in 0..2 {
        while matches!(scan.bytes.get(start), Some(b' ' | b'\t')) {
            start += 1;
        }
        start = after_colour(scan, start);
    }
    if context.encoded {
        return encoded(scan, start, named);
    }
    // A short value needs no long search. Without the limit, `pin=pin=pin=…` would cost the square
    // of its length.
    let short = matches!(named.shape, Shape::Digits | Shape::Key32);
    let limit = if short { LONGEST } else { usize::MAX };
    if let Some((content, end)) = values::quoted(scan, start, limit) {
        return settle(scan, content, end, named, false);
    }
    if scan.mark_at(start).is_none() && matches!(scan.bytes.get(start), Some(b'[' | b'{' | b'(')) {
        return settle(scan, start, values::bracketed(scan, start), named, false);
    }
    if scan.bytes[start..].starts_with(b"-----BEGIN ") {
        // A private key, which has its own detector. Any other PEM block is public.
        return Scanned::Nothing;
    }
    let enclosing = context.key.and_then(|key| values::enclosing_quote(scan, key.start));
    let line_end = || {
        let end = if let Some(quote) = enclosing {
            quote.close(scan.bytes, start, usize::MAX)
        } else {
            let rest = &scan.text[start..];
            rest.find(['\n', '\r']).map_or(scan.text.len(), |length| start + length)
        };
        start + scan.text[start..end].trim_end().len()
    };
    let end = values::unquoted_end(scan, start, limit);
    match named.shape {
        Shape::Cookie if context.prose && !scan.text[start..end].contains('=') => {
            // "cookie: not found" is not a header; a header's value begins with `name=` or is a
            // mark.
            if scan.mark_at(start).is_some() { Scanned::Skip(end) } else { Scanned::Nothing }
        }
        Shape::Cookie => settle(scan, start, line_end(), named, false),
        Shape::Authorization => {
            let scheme = &scan.text[start..end];
            if names::has_parameters(scheme) {
                return settle(scan, start, line_end(), named, false);
            }
            let rest = &scan.text[end..];
            let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let second = values::unquoted_end(scan, end + gap, usize::MAX);
            let word = &scan.text[end + gap..second];
            let two = gap > 0
                && !word.is_empty()
                && (names::is_scheme(scheme)
                    || word.len() >= 8 && names::opaque(word) && !names::opaque(scheme));
            let end = if two { second } else { end };
            settle(scan, start, end, named, context.prose && !two)
        }
        _ if is_working_directory(scan, start) => Scanned::Nothing,
        _ => settle(scan, start, end, named, context.prose),
    }
}

/// The shell's `PWD=/var/task` is not a password.
fn is_working_directory(scan: &Scan<'_>, start: usize) -> bool {
    let Some(before) = scan.text[..start].strip_suffix("PWD=") else { return false };
    let before = before.strip_suffix("OLD").unwrap_or(before);
    scan.bytes.get(start) == Some(&b'/') && !before.bytes().next_back().is_some_and(is_word)
}

/// The hit for the secret, unless it is already a mark or reveals nothing.
fn settle(scan: &Scan<'_>, start: usize, end: usize, named: Named, prose: bool) -> Scanned {
    if scan.mark_at(start).is_some_and(|length| start + length == end) {
        return Scanned::Skip(end);
    }
    if start >= end || !named.takes(&scan.text[start..end], prose) {
        return Scanned::Nothing;
    }
    Scanned::Hit(Hit { start, end, mark: named.mark })
}

/// A value inside a URL-encoded text.
fn encoded(scan: &Scan<'_>, start: usize, named: Named) -> Scanned {
    const ENDS: [&str; 6] = ["%22", "%26", "%2C", "%2c", "%7D", "%7d"];
    let start = if scan.text[start..].starts_with("%22") { start + 3 } else { start };
    let short = matches!(named.shape, Shape::Digits | Shape::Key32);
    let limit = if short { start + LONGEST } else { usize::MAX };
    let mut end = start;
    while let Some(letter) = scan.text[end..].chars().next().filter(|_| end < limit) {
        let rest = &scan.text[end..];
        if let Some(length) = scan.mark_at(end) {
            end += length;
        } else if letter.is_whitespace()
            || matches!(letter, '&' | '"' | '\'' | '<' | '>')
            || letter == '%' && ENDS.iter().any(|it| rest.starts_with(it))
        {
            break;
        } else {
            end += letter.len_utf8();
        }
    }
    settle(scan, start, end, named, false)
}
