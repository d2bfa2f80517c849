//! Where a value in running text ends: in quotes with any number of escapes, in brackets, or
//! unquoted.

use super::names::LONGEST;
use super::pairs::is_word;
use super::scan::Scan;

/// How far to look for the closing bracket.
const LONGEST_BRACKETS: usize = 4096;

/// A quotation mark and the backslashes before it, one for each level of escaping.
#[derive(Clone, Copy)]
pub(super) struct Quote {
    byte: u8,
    backslashes: usize,
}

impl Quote {
    /// Where the quoted text ends: at the closing quote, otherwise at the end of the line, and soon
    /// after `limit` bytes.
    pub(super) fn close(self, bytes: &[u8], from: usize, limit: usize) -> usize {
        let mut backslashes = 0;
        for (at, &byte) in bytes.iter().enumerate().skip(from) {
            match byte {
                b'\\' => backslashes += 1,
                b'\n' | b'\r' => return at,
                _ if at - from > limit && byte.is_ascii() => return at,
                // A quote of an outer level ends this text too; one of an inner level has more
                // backslashes before it.
                _ if byte == self.byte
                    && (backslashes < self.backslashes
                        || (backslashes - self.backslashes)
                            .is_multiple_of(2 * (self.backslashes + 1))) =>
                {
                    return at - backslashes.min(self.backslashes);
                }
                _ => backslashes = 0,
            }
        }
        bytes.len()
    }
}

/// The content of the quoted text that starts here: `"…"`, `\"…\"`, `b'…'`, `Some("…")`.
pub(super) fn quoted(scan: &Scan<'_>, start: usize, limit: usize) -> Option<(usize, usize)> {
    let rest = &scan.bytes[start..];
    let wrapper = rest.iter().take(10).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let wrapper = wrapper + usize::from(wrapper > 0 && rest.get(wrapper) == Some(&b'('));
    let slashes = rest[wrapper..].iter().take_while(|byte| **byte == b'\\').count();
    let byte = *rest.get(wrapper + slashes)?;
    if !matches!(byte, b'"' | b'\'' | b'`') {
        return None;
    }
    let content = start + wrapper + slashes + 1;
    let quote = Quote { byte, backslashes: slashes };
    Some((content, quote.close(scan.bytes, content, limit)))
}

/// The quote directly before a name, if no quote follows the name: `-H "Cookie: a=b"`.
pub(super) fn enclosing_quote(scan: &Scan<'_>, start: usize) -> Option<Quote> {
    let before = &scan.bytes[scan.floor..start];
    let (&byte, before) = before.split_last()?;
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    matches!(byte, b'"' | b'\'' | b'`').then_some(Quote { byte, backslashes })
}

/// The end of the bracketed text; without a closing bracket, the end of the line.
pub(super) fn bracketed(scan: &Scan<'_>, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in scan.bytes[start..].iter().take(LONGEST_BRACKETS).enumerate() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => {
                depth -= 1;
                if depth == 0 {
                    return start + offset + 1;
                }
            }
            _ => {}
        }
    }
    scan.text[start..].find('\n').map_or(scan.text.len(), |length| start + length)
}

/// The end of a value without quotes. Passwords contain symbols too, so a symbol ends the value
/// only if something else clearly begins after it.
pub(super) fn unquoted_end(scan: &Scan<'_>, start: usize, limit: usize) -> usize {
    let bytes = scan.bytes;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if at - start > limit && scan.text.is_char_boundary(at) {
            break;
        }
        let ends = match byte {
            b'\\' => {
                let rest = &bytes[at..];
                let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
                let escaped = rest.get(slashes);
                if !matches!(escaped, None | Some(b'n' | b'r' | b't' | b'"' | b'\'')) {
                    at += slashes - 1;
                }
                matches!(escaped, None | Some(b'n' | b'r' | b't' | b'"' | b'\''))
            }
            b',' | b';' | b'|' => token_ends(bytes, at + 1) || pair_begins(bytes, at + 1),
            b'&' => pair_begins(bytes, at + 1),
            b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'>' => token_ends(bytes, at + 1),
            b'[' => match scan.mark_at(at) {
                Some(length) => {
                    at += length - 1;
                    false
                }
                None => false,
            },
            b'<' | 0..=b' ' | 0x7f => true,
            0x80.. => {
                let letter = scan.text[at..].chars().next().unwrap_or(' ');
                at += letter.len_utf8() - 1;
                if letter.is_whitespace() {
                    return at + 1 - letter.len_utf8();
                }
                false
            }
            _ => false,
        };
        if ends {
            break;
        }
        at += 1;
    }
    at
}

fn token_ends(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None => true,
        Some(byte) => {
            *byte <= b' '
                || matches!(
                    byte,
                    b',' | b';'
                        | b':'
                        | b'.'
                        | b')'
                        | b']'
                        | b'}'
                        | b'"'
                        | b'\''
                        | b'`'
                        | b'>'
                        | b'<'
                        | b'\\'
                        | b'&'
                        | b'|'
                )
        }
    }
}

fn pair_begins(bytes: &[u8], at: usize) -> bool {
    let word = bytes[at..].iter().take(LONGEST).take_while(|byte| is_word(**byte)).count();
    word > 0 && matches!(bytes.get(at + word), Some(b'=' | b':'))
}
