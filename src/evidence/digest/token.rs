//! Tokens: a message in words that stay and values that are masked.

/// Tokens kept of one message; what stands further back seldom tells kinds apart.
pub(super) const LIMIT: usize = 48;

/// How readily a token is taken for a value when others stand in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A value whatever it is: number, time, id, address, path, URL.
    Mask,
    /// A name joined to a value by `_`, `-`, `.` and the like: `attempt_17`, `core.2275`.
    Id,
    /// A dotted name: `com.example.Job`, `report.exe`.
    Dotted,
    /// A plain word, or a word that ends in digits: `root`, `eth0`.
    Word,
    /// What names a state, a method or an error: never a value by itself.
    Fixed,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub hash: u64,
    pub class: Class,
    pub start: u32,
    pub end: u32,
    /// Bytes at the token's beginning that are not masked.
    pub keep: u32,
}

/// Words after a number that belong to it.
const UNITS: [&str; 54] = [
    "b", "byte", "bytes", "kb", "kib", "mb", "mib", "gb", "gib", "tb", "tib", "kbps", "mbps",
    "bps", "hz", "mhz", "ghz", "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds",
    "msec", "msecs", "millisecond", "milliseconds", "microsecond", "microseconds", "min", "mins",
    "minute", "minutes", "h", "hr", "hrs", "hour", "hours", "day", "days", "percent", "am", "pm",
    "utc", "gmt", "est", "edt", "pst", "pdt", "cet", "cest",
];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Ends of host names. Left out: those that are file extensions or package names as often.
const TOP_LEVEL: [&str; 44] = [
    "com", "net", "org", "edu", "gov", "mil", "info", "biz", "io", "dev", "app", "cloud", "local",
    "internal", "lan", "arpa", "de", "cn", "uk", "jp", "ru", "br", "fr", "it", "nl", "se", "no",
    "fi", "dk", "kr", "tw", "hk", "us", "ca", "au", "mx", "tr", "es", "eu", "ch", "at", "be",
    "cz", "pt",
];

/// Two letters at the end of a file's name.
const EXTENSIONS: [&str; 18] = [
    "js", "ts", "py", "rs", "go", "sh", "md", "so", "rb", "cs", "kt", "cc", "db", "gz", "xz", "os",
    "id", "io",
];

/// Keys whose value is what a person reads: it is never masked as a whole.
const SPOKEN: [&str; 10] = [
    "msg", "message", "err", "error", "reason", "exception", "cause", "detail", "details", "stderr",
];

/// Reads the message into `tokens`, which is emptied first.
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
        // The token before was a number that a unit may follow.
        let mut counted = false;
        // The token before was a key and this is its value.
        let mut value_of: Option<&str> = None;
        let text = self.text;
        while self.tokens.len() < LIMIT {
            let spaced = self.skip_separators(&mut value_of, previous);
            let _ = spaced;
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
            let start = self.at;
            self.at = self.end_of_token(start);
            let (start, end) = trimmed(self.bytes, start, self.at);
            let word = &text[start..end];
            if word.is_empty() {
                continue;
            }
            let is_value = value_of.take().is_some();
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
                // key=Source{10183}: a value with a type's name in front.
                self.mask(start, close);
                self.at = close;
            } else if named || self.is_calendar(word) {
                self.mask(start, end);
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

    /// Skips white space and punctuation; notes a `=` that makes the word before it a key.
    fn skip_separators<'t>(&mut self, value_of: &mut Option<&'t str>, previous: &'t str) -> bool {
        let start = self.at;
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
        self.at > start
    }

    /// Where the string that begins here is closed, if it is soon and in this line.
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

    /// Where the bracket that opens here is closed, if it is soon.
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

    /// A token ends at a separator; a URL or path only at what cannot be in one.
    fn end_of_token(&self, start: usize) -> usize {
        let rest = &self.bytes[start..];
        let end = rest.iter().position(|byte| is_separator(*byte)).unwrap_or(rest.len());
        let begun = &rest[..end];
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

    /// The name of a day or month with a date behind it.
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

    /// Values side by side are one: how many there are is no difference of kind.
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

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || matches!(
            byte,
            b',' | b';'
                | b'|'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'<'
                | b'>'
                | b'"'
                | b'\''
                | b'`'
                | b'='
                | b'#'
        )
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

fn is_unit(word: &str) -> bool {
    word.len() <= 12 && UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// The word's class and how many of its bytes stay; `None` for what says nothing.
fn classify(word: &str, is_value: bool) -> Option<(Class, usize)> {
    let bytes = word.as_bytes();
    let whole = bytes.len();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| is_letter(**byte)).count();
    let masked = Some((Class::Mask, 0));
    if digits == 0 && letters == 0 {
        let silent = bytes.iter().all(|byte| matches!(byte, b'-' | b'/' | b'+' | b'\\' | b':'));
        return if silent { None } else { Some((Class::Fixed, whole)) };
    }
    if letters == 0 {
        return masked;
    }
    let has = |wanted: u8| bytes.contains(&wanted);
    let path = bytes[0] == b'/' || bytes[0] == b'\\' || bytes[0] == b'~' || has(b'\\');
    if (path && whole > 1)
        || word.contains("://")
        || (has(b'.') && (has(b'/') || has(b'@')) && !word.contains("..."))
        || is_host(word)
    {
        return masked;
    }
    if digits == 0 {
        let hex = bytes.iter().all(|byte| matches!(byte, b'a'..=b'f'));
        if hex && whole >= 8 {
            return masked;
        }
        if is_value && matches!(word, "null" | "None" | "nil" | "undefined" | "NULL") {
            return masked;
        }
        let capital = letters >= 2 && !bytes.iter().any(u8::is_ascii_lowercase);
        if capital || is_error_name(word) || last_part_is_constant(word) {
            return Some((Class::Fixed, whole));
        }
        if has(b'.') && !word.contains("..") {
            return if is_value { masked } else { Some((Class::Dotted, whole)) };
        }
        return Some((Class::Word, whole));
    }
    mixed(word, is_value)
}

/// A word of letters and digits.
fn mixed(word: &str, is_value: bool) -> Option<(Class, usize)> {
    let bytes = word.as_bytes();
    let masked = Some((Class::Mask, 0));
    let first_digit = bytes.iter().position(u8::is_ascii_digit).unwrap_or(0);
    let prefix = &bytes[..first_digit];
    let letters = prefix.iter().filter(|byte| is_letter(**byte)).count();
    let hex = |part: &[u8]| {
        part.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':'))
    };
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if letters < 2 || (prefix.len() == 2 && digits >= 2) || (bytes.len() >= 6 && hex(bytes)) {
        return masked;
    }
    let port = word.rsplit_once(':').is_some_and(|(name, port)| {
        name.contains('.') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    if port || is_random(bytes) {
        return masked;
    }
    if let Some(colons) = word.find("::").filter(|at| *at > 0) {
        // A qualified name that happens to hold a number.
        let _ = colons;
        return Some((Class::Word, bytes.len()));
    }
    let joined = prefix.last().is_some_and(|last| matches!(last, b'_' | b'-' | b'.' | b'@' | b'~'))
        && !prefix.ends_with(b"..");
    if is_value && (joined || prefix.contains(&b'.')) {
        return masked;
    }
    // "Thunderbird_B7", "pod-ab12": the value begins behind the joint.
    let joint = prefix.iter().rposition(|byte| matches!(byte, b'_' | b'-'));
    if let Some(joint) = joint.filter(|joint| *joint >= 2) {
        let tail = &prefix[joint + 1..];
        if tail.len() <= 2 || hex(tail) {
            return Some((Class::Id, joint + 1));
        }
    }
    let keep = first_digit;
    Some((if joined { Class::Id } else { Class::Word }, keep))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Whether letters and digits change too often for a name: a key, a hash, a token.
fn is_random(bytes: &[u8]) -> bool {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let mut changes = 0;
    let mut joints = 0;
    for pair in bytes.windows(2) {
        let (left, right) = (kind(pair[0]), kind(pair[1]));
        if left == 3 || right == 3 {
            joints += usize::from(right == 3);
        } else if left != right && (left == 0 || right == 0 || left == 1) {
            changes += 1;
        }
    }
    bytes.len() >= 8 && joints == 0 && changes >= 4
}

fn is_host(word: &str) -> bool {
    let name = match word.split_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return false,
        None => word,
    };
    let Some((rest, last)) = name.rsplit_once('.') else { return false };
    // A name with its parts reversed is a package: com.example.local
    let reversed = ["com.", "org.", "net.", "io.", "java.", "javax."];
    let country = last.len() == 2 && rest.contains('.') && !EXTENSIONS.contains(&last);
    (TOP_LEVEL.contains(&last) || country && last.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !rest.is_empty()
        && !reversed.iter().any(|start| name.starts_with(start))
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// The names of errors tell kinds apart, however many there are.
fn is_error_name(word: &str) -> bool {
    ["Error", "Exception", "Fault", "Failure", "Throwable", "Interrupt", "Timeout"]
        .iter()
        .any(|end| word.ends_with(end))
}

/// `android.intent.action.SCREEN_ON`, `Runtime.EXIT`: a constant with its scope.
fn last_part_is_constant(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, last)| {
        last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The lowest bit tells a masked rest.
    hash & !1
}
