//! Tokens: splits a message into words that stay and values that are masked.

use super::word::{Class, classify, is_unit};

/// Tokens kept of one message; later ones rarely make a difference between kinds.
pub(super) const LIMIT: usize = 48;
/// Words read of one message: a dump can have hundreds of values, which make one token.
const WORDS: usize = 256;

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub hash: u64,
    pub class: Class,
    pub start: u32,
    pub end: u32,
    /// Bytes at the token's start that are not masked.
    pub keep: u32,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Keys whose value is text for people: it is never masked as a whole.
const SPOKEN: [&str; 10] = [
    "msg",
    "message",
    "err",
    "error",
    "reason",
    "exception",
    "cause",
    "detail",
    "details",
    "stderr",
];

/// Reads the message into `tokens`, which is cleared first.
pub(super) fn read(text: &str, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, tokens };
    reader.run();
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: &'a mut Vec<Token>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut previous = "";
        let mut before_previous = "";
        // The last token was a number, and a unit can follow it.
        let mut counted = false;
        // The last token was a key, and this is its value.
        let mut value_of: Option<&str> = None;
        let text = self.text;
        for _ in 0..WORDS {
            if self.tokens.len() >= LIMIT {
                break;
            }
            self.skip_separators(&mut value_of, previous);
            if self.at >= self.bytes.len() {
                break;
            }
            if let Some(key) = value_of
                && matches!(self.bytes[self.at], b'"' | b'\'')
                && !SPOKEN.contains(&key)
                && let Some(end) = self.closing_quote()
            {
                self.mask(self.at + 1, end);
                self.at = end + 1;
                (before_previous, previous, counted, value_of) = (previous, "", false, None);
                continue;
            }
            if is_separator(self.bytes[self.at]) {
                self.at += 1;
                continue;
            }
            if let Some(end) = self.redacted() {
                self.mask(self.at, end);
                self.at = end;
                (before_previous, previous, counted, value_of) = (previous, "", false, None);
                continue;
            }
            let start = self.at;
            self.at = self.end_of_token(start);
            let (start, end) = trimmed(self.bytes, start, self.at);
            let word = &text[start..end];
            if word.is_empty() {
                continue;
            }
            if value_of.is_none() && is_plain_id(word.as_bytes()) {
                // Dumps are full of them: no look at what else the word could be.
                self.mask(start, end);
                counted = word.as_bytes()[0].is_ascii_digit();
                (before_previous, previous) = (previous, word);
                continue;
            }
            let key = value_of.take();
            let is_value = key.is_some();
            if counted && is_unit(word) {
                if let Some(last) = self.tokens.last_mut() {
                    last.end = offset(end);
                }
                counted = false;
                continue;
            }
            let digit_first = word.bytes().find(u8::is_ascii_alphanumeric);
            counted = digit_first.is_some_and(|byte| byte.is_ascii_digit());
            let named = previous == "user"
                && matches!(before_previous, "for" | "invalid" | "Invalid" | "by" | "as");
            let built = if is_value && end == self.at { self.closing_bracket() } else { None };
            if let Some(close) = built {
                // key=Source{10183}: a value after a type's name.
                self.mask(start, close);
                self.at = close;
            } else if named || self.is_calendar(word) || secret(key, previous, self.bytes, start) {
                self.mask(start, end);
            } else if is_status(word, key.unwrap_or(previous)) || self.is_answer(word) {
                self.push(Class::Fixed, start, end, end - start);
                counted = false;
            } else {
                match classify(word, is_value) {
                    None => {}
                    Some((Class::Mask, _)) => self.mask(start, end),
                    Some((class, keep)) => self.push(class, start, end, keep),
                }
            }
            (before_previous, previous) = (previous, word);
        }
    }

    /// Skips white space and punctuation. Notes a `=`, which makes the word before it a key.
    fn skip_separators<'t>(&mut self, value_of: &mut Option<&'t str>, previous: &'t str) {
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            match byte {
                b'=' => *value_of = Some(previous),
                b' ' | b'\t' => {}
                b'"' | b'\'' if value_of.is_some() => break,
                _ if is_separator(byte) => *value_of = None,
                _ => break,
            }
            self.at += 1;
        }
    }

    /// Where a redacted value that begins here ends: `[redacted: email]`.
    fn redacted(&self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(b"redacted") || self.at == 0 || self.bytes[self.at - 1] != b'[' {
            return None;
        }
        let end = rest.iter().take(60).position(|byte| *byte == b']')?;
        Some(self.at + end)
    }

    /// A status at the begin of an access line's quote: `502 POST /orders`.
    fn is_answer(&self, word: &str) -> bool {
        const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
        self.tokens.is_empty()
            && is_error_status(word)
            && METHODS.iter().any(|method| {
                self.text[self.at..].strip_prefix(' ').is_some_and(|it| it.starts_with(method))
            })
    }

    /// Where the string that begins here ends, if that is near and on this line.
    fn closing_quote(&self) -> Option<usize> {
        let quote = self.bytes[self.at];
        let rest = &self.bytes[self.at + 1..];
        let rest = &rest[..rest.len().min(400)];
        let mut escaped = false;
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'\\' if !escaped => escaped = true,
                b'\n' => return None,
                _ if *byte == quote && !escaped => return Some(self.at + 1 + index),
                _ => escaped = false,
            }
        }
        None
    }

    /// Where the bracket that opens here is closed, if that is near.
    fn closing_bracket(&self) -> Option<usize> {
        if !matches!(self.bytes.get(self.at), Some(b'{' | b'(')) {
            return None;
        }
        let rest = &self.bytes[self.at..];
        let mut open = 0usize;
        for (index, byte) in rest[..rest.len().min(400)].iter().enumerate() {
            match byte {
                b'{' | b'(' | b'[' => open += 1,
                b'}' | b')' | b']' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(self.at + index + 1);
            }
        }
        None
    }

    /// A token ends at a separator; a URL or path ends only at a character that cannot be in it.
    /// Scripts without spaces are a token of their own, so a value among their letters is too.
    fn end_of_token(&self, start: usize) -> usize {
        let rest = &self.bytes[start..];
        let end = rest.iter().position(|byte| is_separator(*byte)).unwrap_or(rest.len());
        let begun = &rest[..end];
        if begun.iter().any(|byte| *byte >= 0xe0)
            && let Some(end) = end_of_script(&self.text[start..start + end])
        {
            return start + end;
        }
        let long = begun.starts_with(b"/")
            || begun.starts_with(b"\\")
            || begun.windows(3).any(|part| part == b"://");
        if !long || begun.len() < 2 {
            return start + end;
        }
        let ends = |byte: &u8| {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b'"' | b'\'' | b'`' | b'<' | b'>' | b',' | b';' | b')' | b']' | b'}' | b'|'
                )
        };
        start + rest.iter().position(ends).unwrap_or(rest.len())
    }

    /// The name of a day or month that is followed by a date.
    fn is_calendar(&self, word: &str) -> bool {
        let month = MONTHS.contains(&word);
        if !month && !WEEKDAYS.contains(&word) {
            return false;
        }
        let rest = self.text[self.at..].trim_start_matches([' ', ',']);
        rest.starts_with(|next: char| next.is_ascii_digit())
            || (!month && MONTHS.iter().any(|month| rest.starts_with(month)))
    }

    fn push(&mut self, class: Class, start: usize, end: usize, keep: usize) {
        let hash = hash(&self.bytes[start..start + keep]) ^ u64::from(start + keep < end);
        self.tokens.push(Token {
            hash,
            class,
            start: offset(start),
            end: offset(end),
            keep: offset(keep),
        });
    }

    /// Values next to each other become one: their number makes no difference to the kind.
    fn mask(&mut self, start: usize, end: usize) {
        match self.tokens.last_mut() {
            Some(last) if last.class == Class::Mask => last.end = offset(end),
            _ => self.tokens.push(Token {
                hash: 0,
                class: Class::Mask,
                start: offset(start),
                end: offset(end),
                keep: 0,
            }),
        }
    }
}

/// Where the letters of a script without spaces begin or end in a word; `None` if the word is of one
/// kind.
fn end_of_script(word: &str) -> Option<usize> {
    let unspaced = |next: char| {
        matches!(
            next,
            // Thai, Lao, Tibetan, Myanmar, Khmer; Chinese, Japanese and Korean.
            '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
                | '\u{2e80}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}'
        )
    };
    let first = word.chars().next().is_some_and(unspaced);
    word.char_indices().find(|(_, next)| unspaced(*next) != first).map(|(at, _)| at)
}

/// A status of an error: what it is tells one failure from another.
fn is_error_status(word: &str) -> bool {
    word.len() == 3
        && word.starts_with(['4', '5'])
        && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number is a server error's status by the word before it. Within a sentence, a 404 is as
/// ordinary as a 200.
fn is_status(word: &str, before: &str) -> bool {
    if !is_error_status(word) || !word.starts_with('5') {
        return false;
    }
    let before = before.trim_end_matches(':');
    let ends = |end: &str| {
        before.len() >= end.len()
            && before.is_char_boundary(before.len() - end.len())
            && before[before.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    let spoken = ["returned", "response", "answered", "with", "HTTP"];
    ends("status") || ends("code") || before.starts_with("HTTP/") || spoken.contains(&before)
}

/// Whether a word is the value of a secret's name: it is masked as redaction masks it.
fn secret(key: Option<&str>, previous: &str, bytes: &[u8], start: usize) -> bool {
    const SECRETS: [&str; 8] =
        ["password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "authorization"];
    let named = |word: &str| SECRETS.iter().any(|secret| word.eq_ignore_ascii_case(secret));
    let colon = || start >= 2 && bytes[..start].trim_ascii_end().ends_with(b":");
    key.is_some_and(named) || (named(previous) && colon())
}

/// Whether this is a hexadecimal or decimal id: masked wherever it stands.
fn is_plain_id(word: &[u8]) -> bool {
    word.len() >= 8 && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit)
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// White space, control characters and punctuation that no word contains, as a table: every byte of
/// a message is looked up.
const SEPARATORS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = true;
        byte += 1;
    }
    table[0x7f] = true;
    let punctuation = b",;|()[]{}<>\"'`=#";
    let mut at = 0;
    while at < punctuation.len() {
        table[punctuation[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_separator(byte: u8) -> bool {
    SEPARATORS[usize::from(byte)]
}

fn trimmed(bytes: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    while end > start && matches!(bytes[end - 1], b'.' | b':' | b'!' | b'?' | b'-' | b'>') {
        end -= 1;
    }
    while start < end && matches!(bytes[start], b'.' | b':' | b'>') {
        start += 1;
    }
    (start, end)
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The lowest bit marks a masked rest.
    hash & !1
}
