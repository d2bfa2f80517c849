//! The head of a text line: time, host, process, level and logger, before the message.

use super::severity::Severity;

/// Words looked at from the beginning of the line.
const REACH: usize = 24;

/// The message of a text line, and the level its head names.
pub(super) fn split(line: &str) -> (Option<Severity>, &str) {
    let words = Words::of(line);
    let mut head = Head { words: &words, next: 0, timed: false, level: None, leveled: false };
    head.read();
    let (next, level) = (head.next, head.level);
    let message = words.rest(next);
    // A line that is all head is its own message.
    if message.is_empty() { (level, line.trim()) } else { (level, message) }
}

/// The first words of a line and where each begins.
struct Words<'a> {
    line: &'a str,
    words: Vec<(usize, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Self {
        let mut words = Vec::with_capacity(REACH);
        let mut at = 0;
        while words.len() < REACH {
            let rest = &line[at..];
            let Some(begin) = rest.find(|next: char| !next.is_whitespace()) else { break };
            let rest = &rest[begin..];
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            // Heads in columns are often joined by bars, without any space.
            let bar = rest[..end].find('|').map_or(end, |bar| bar + 1);
            words.push((at + begin, &rest[..bar]));
            at += begin + bar;
        }
        Self { line, words }
    }

    fn get(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |(_, word)| *word)
    }

    fn rest(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |(at, _)| self.line[*at..].trim_end())
    }

    /// Whether the word is padded to a column's width.
    fn padded(&self, index: usize) -> bool {
        let (Some((at, word)), Some((next, _))) = (self.words.get(index), self.words.get(index + 1))
        else {
            return false;
        };
        next - (at + word.len()) >= 2
    }
}

struct Head<'w, 'a> {
    words: &'w Words<'a>,
    next: usize,
    timed: bool,
    level: Option<Severity>,
    leveled: bool,
}

impl<'a> Head<'_, 'a> {
    fn word(&self, ahead: usize) -> &'a str {
        self.words.get(self.next + ahead)
    }

    fn read(&mut self) {
        // "[ERROR] 2026-02-02T12:05:31.120Z id message", "ERROR: message".
        self.take_level();
        let start = self.next;
        if let Some(epoch) = self.columns() {
            self.next = epoch;
        }
        let start = if self.next > start { self.next } else { start };
        for skipped in 0..4 {
            self.next = start + skipped;
            if self.times() > 0 {
                break;
            }
            if self.word(0).is_empty() || !is_label(self.word(0)) || skipped == 3 {
                self.next = start;
                return;
            }
        }
        loop {
            let times = self.times();
            if times > 0 {
                self.next += times;
                self.timed = true;
            } else if self.timed && is_name(self.word(0)) && self.times_ahead() {
                // A host between the collector's time and its own.
                self.next += 1;
            } else if !self.step() {
                return;
            }
        }
    }

    /// A numbered record in columns, with its time behind a few names.
    fn columns(&self) -> Option<usize> {
        if !is_number(self.word(0)) || self.word(0).len() < 3 {
            return None;
        }
        (1..6)
            .take_while(|ahead| is_name(self.word(*ahead)))
            .find(|ahead| is_epoch(self.word(*ahead)))
            .map(|ahead| self.next + ahead)
    }

    /// Takes one more part of the head after the time. False where the message begins.
    fn step(&mut self) -> bool {
        let word = self.word(0);
        if word.is_empty() {
            return false;
        }
        if matches!(word, "-" | "--" | "---" | "|" | ":" | "F" | "stdout" | "stderr") || word == "-|" {
            self.next += 1;
            return true;
        }
        if word.len() > 1 && word.ends_with('|') && !word.starts_with('|') && is_name(word) {
            let last = is_number(word.trim_end_matches('|'));
            self.next += 1;
            return !last;
        }
        if self.take_level() {
            return true;
        }
        if let Some(level) = self.level_ahead() {
            self.next += level;
            return self.take_level();
        }
        // "nova.compute.manager [req-17 - - -] message".
        if self.leveled && word.contains('.') && is_name(word) && self.word(1).starts_with('[') {
            self.next += 1;
            return true;
        }
        if let Some(parts) = self.logger() {
            self.next += parts;
            // "host app[17]: ERROR message".
            self.take_level();
            return false;
        }
        if is_number(word) || is_id(word) {
            self.next += 1;
            return true;
        }
        if word.starts_with('[') {
            for ahead in 0..12 {
                let part = self.word(ahead);
                if part.is_empty() {
                    return false;
                }
                if part.ends_with(']') || part.ends_with("]:") {
                    self.next += ahead + 1;
                    return true;
                }
            }
            return false;
        }
        // "Info                  CBS    message".
        if self.leveled && self.words.padded(self.next) && is_name(word) && word.len() <= 20 {
            self.next += 1;
            return true;
        }
        false
    }

    fn take_level(&mut self) -> bool {
        if self.leveled {
            return false;
        }
        let word = self.word(0);
        let bare = word.trim_matches(['[', ']', ':', ',', '(', ')', '<', '>', '|']);
        let after_ids = self.timed && self.next > 0 && is_number(self.words.get(self.next - 1));
        let found = Severity::of_level(bare).filter(|_| {
            bare.bytes().all(|byte| byte.is_ascii_uppercase())
                || word.len() > bare.len()
                || (self.timed && bare.starts_with(|first: char| first.is_ascii_uppercase()))
        });
        let letter = || if after_ids { Severity::of_letter(bare) } else { None };
        let Some(level) = found.or_else(letter) else { return false };
        self.level = Some(level);
        self.leveled = true;
        self.next += 1;
        true
    }

    /// How many labels stand before a level in capitals, if only labels do.
    fn level_ahead(&self) -> Option<usize> {
        if self.leveled {
            return None;
        }
        for ahead in 0..6 {
            let word = self.word(ahead);
            let bare = word.trim_matches(['[', ']', ':', ',', '|']);
            if ahead > 0
                && bare.bytes().all(|byte| byte.is_ascii_uppercase())
                && Severity::of_level(bare).is_some()
            {
                return Some(ahead);
            }
            if !is_label(word) || word.ends_with(':') {
                return None;
            }
        }
        None
    }

    /// How many words name host, process or logger before the message.
    fn logger(&self) -> Option<usize> {
        // "chrome.exe *64 - message".
        if self.word(0).contains('.') && is_id(self.word(1)) && self.word(2) == "-" {
            return Some(3);
        }
        for ahead in 0..4 {
            let word = self.word(ahead);
            let Some(name) = word.strip_suffix(':') else {
                if !is_name(word) && !word.starts_with('(') {
                    return None;
                }
                let dash = matches!(self.word(ahead + 1), "-" | ":");
                if ahead == 0 && dash && !word.starts_with('[') && (self.leveled || word.contains('.')) {
                    return Some(2);
                }
                continue;
            };
            if !is_name(name) || is_error(name) {
                return None;
            }
            // A process with its number, wherever; a logger right after the level; a
            // process after its host.
            let numbered = name.ends_with(']') || name.ends_with(')');
            let logger = self.leveled && ahead == 0;
            let process = !self.leveled && (1..=2).contains(&ahead) && is_process(name);
            if numbered || logger || process {
                return Some(ahead + 1);
            }
            return None;
        }
        None
    }

    fn times_ahead(&mut self) -> bool {
        self.next += 1;
        let times = self.times();
        self.next -= 1;
        times > 0
    }

    /// How many words from here on are a time.
    fn times(&self) -> usize {
        let bare = |word: &'_ str| -> String {
            word.trim_matches(['[', ']', '(', ')', ',', '|', '<', '>']).to_owned()
        };
        let first = bare(self.word(0));
        let clock_next = is_clock(&bare(self.word(1)));
        if is_weekday(&first) && is_month(&bare(self.word(1))) {
            let year = is_number(&bare(self.word(4)));
            return if is_clock(&bare(self.word(3))) { 4 + usize::from(year) } else { 0 };
        }
        if is_month(&first) && is_number(&bare(self.word(1))) && is_clock(&bare(self.word(2))) {
            return 3;
        }
        if is_date(&first) || (self.timed && is_clock(&first)) || is_epoch(&first) {
            return 1;
        }
        let number = |word: &str, length| {
            word.len() == length && word.bytes().all(|byte| byte.is_ascii_digit())
        };
        if number(&first, 6) && number(&bare(self.word(1)), 6) {
            return 2;
        }
        let short_date = first.len() == 5
            && first.bytes().filter(u8::is_ascii_digit).count() == 4
            && matches!(first.as_bytes()[2], b'-' | b'.' | b'/');
        if short_date && clock_next {
            return 2;
        }
        usize::from(is_clock(&first) && first.matches(':').count() == 2)
    }
}

fn is_month(word: &str) -> bool {
    [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .contains(&word)
}

fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word)
}

fn is_number(word: &str) -> bool {
    let word = word.trim_end_matches(['|', ',']);
    !word.is_empty() && word.len() <= 12 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2033.
fn is_epoch(word: &str) -> bool {
    let whole = word.split_once('.').map_or(word, |(whole, _)| whole);
    word.starts_with('1')
        && matches!(whole.len(), 10 | 13 | 16 | 19)
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `12:05:31`, `12:05:31.120Z`, `12:05:31,120+0000`.
fn is_clock(word: &str) -> bool {
    let mut parts = word.splitn(3, ':');
    let (Some(hour), Some(minute)) = (parts.next(), parts.next()) else { return false };
    let two = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let second = parts.next().unwrap_or("0");
    two(hour)
        && two(minute)
        && second.starts_with(|first: char| first.is_ascii_digit())
        && second
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'Z' | b'+' | b'-'))
}

/// A day, with or without a time joined to it: `2026-02-02`, `02/Feb/2026:12:05:31`,
/// `2026-02-02T12:05:31Z`, `20260202-12:05:31:5`.
fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() < 8 || bytes.len() > 40 || !bytes[0].is_ascii_digit() {
        return false;
    }
    let compact = bytes[..8].iter().all(u8::is_ascii_digit);
    if compact {
        let day = (word.starts_with("19") || word.starts_with("20"))
            && word[4..8].parse().is_ok_and(|day: u16| (101..=1231).contains(&day));
        return day && matches!(bytes.get(8), Some(b'-' | b'T')) && is_clock_start(&word[9..]);
    }
    let separator = match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
        Some(at) if matches!(at, 2 | 4) => bytes[at],
        _ => return false,
    };
    if !matches!(separator, b'-' | b'/' | b'.') {
        return false;
    }
    let mut parts = word.splitn(3, char::from(separator));
    let (Some(first), Some(second), Some(third)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let named = is_month(second);
    if !digits(first) || !(named || (digits(second) && second.len() == 2)) {
        return false;
    }
    let last = third.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &third[last..];
    let lengths = matches!((first.len(), last), (4 | 2, 2) | (2, 4));
    lengths
        && (rest.is_empty()
            || matches!(rest.as_bytes()[0], b'T' | b':' | b'-' | b'_' | b'+')
                && rest[1..].starts_with(|next: char| next.is_ascii_digit()))
}

fn is_clock_start(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    matches!((digits, bytes.get(digits)), (2, Some(b':')) | (6, None | Some(b'Z' | b'.')))
}

/// A label rather than a word of a sentence: a number, an id, a name in capitals.
fn is_label(word: &str) -> bool {
    let capitals = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    capitals || word.starts_with('[') || word.bytes().any(|byte| byte.is_ascii_digit())
}

/// A request id, a thread, a host with numbers: `52fdfc07-2182-454f`, `1234#1234:`, `*5`.
fn is_id(word: &str) -> bool {
    let hex = word.trim_matches(['(', ')', ',']);
    let letters = hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (letters && hex.len() >= 8 && hex.bytes().any(|byte| byte.is_ascii_digit()))
        || (word.len() > 1
            && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'#' | b':' | b'*')))
}

/// What may be the name of a host, a process or a logger.
fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'.' | b'_' | b'-' | b'/' | b'@' | b'$' | b'(' | b')' | b'[' | b']' | b':' | b'|'
                )
        })
}

fn is_process(name: &str) -> bool {
    name.bytes().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/')
    })
}

fn is_error(name: &str) -> bool {
    ["Error", "Exception", "error", "exception", "Failure", "failure", "failed", "refused"]
        .iter()
        .any(|end| name.ends_with(end))
}
