//! The head of a text line: time, host, process, level and logger before the message.

use super::label::{
    is_code, is_error, is_id, is_label, is_name, is_number, is_process, is_process_id, is_uptime,
    is_zone,
};
use super::severity::Severity;
use super::time::{is_clock, is_date, is_epoch, is_month, is_weekday};
use super::words::Words;

/// The message of a text line, and the level in its head.
pub(super) fn split(line: &str) -> (Option<Severity>, &str) {
    let (level, message) = off(line);
    // If the whole line is a head, it is its own message.
    if message.is_empty() { (level, line.trim()) } else { (level, message) }
}

/// The same, with an empty message if the whole line is a head.
pub(super) fn off(line: &str) -> (Option<Severity>, &str) {
    let words = Words::of(line);
    let mut head = Head { words: &words, next: 0, timed: false, named: false, level: None };
    head.read();
    let (next, level) = (head.next, head.level);
    (level, words.rest(next))
}

/// Whether a word is a time by itself.
pub(super) fn is_time(word: &str) -> bool {
    is_date(word) || is_epoch(word) || (is_clock(word) && word.matches(':').count() == 2)
}

struct Head<'w, 'a> {
    words: &'w Words<'a>,
    next: usize,
    timed: bool,
    level: Option<Severity>,
    /// Host, process or logger has been read; the message comes next.
    named: bool,
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
        // "192.0.2.7 - alice [02/Feb/2026:12:05:31 +0000] …": the web servers' access log.
        if self.next == start && is_label(self.word(0)) && self.word(1) == "-" {
            self.next += 3;
            if !self.word(0).starts_with('[') || self.times() == 0 {
                self.next = start;
            }
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
                // A host between the collector's time and the line's own time.
                self.next += 1;
            } else if !self.step() {
                return;
            }
        }
    }

    /// A numbered record in columns; its time comes after some names.
    fn columns(&self) -> Option<usize> {
        if !is_number(self.word(0)) {
            return None;
        }
        (1..6)
            .take_while(|ahead| is_name(self.word(*ahead)))
            .find(|ahead| is_epoch(self.word(*ahead)))
            .map(|ahead| self.next + ahead)
    }

    /// Reads one more part of the head after the time. Returns false at the start of the message.
    fn step(&mut self) -> bool {
        let word = self.word(0);
        if word.is_empty() {
            return false;
        }
        if matches!(word, "-" | "--" | "---" | "|" | ":" | "F" | "stdout" | "stderr")
            || matches!(word, "-|" | "-->")
        {
            self.next += 1;
            return true;
        }
        if word.len() > 1 && word.ends_with('|') && !word.starts_with('|') && is_name(word) {
            let last = is_number(word.trim_end_matches('|'));
            self.next += 1;
            return !last;
        }
        if self.take_level() || self.take_level_within() {
            return true;
        }
        if self.pair_before_level() {
            self.next += 1;
            return true;
        }
        if let Some(level) = self.level_ahead() {
            self.next += level;
            return self.take_level();
        }
        // "nova.compute.manager [req-17 - - -] message".
        if self.level.is_some()
            && word.contains('.')
            && is_name(word)
            && self.word(1).starts_with('[')
        {
            self.next += 1;
            return true;
        }
        if let Some(parts) = self.logger() {
            self.next += parts;
            self.named = true;
            self.next += usize::from(is_uptime(self.word(0)));
            // "host app[17]: ERROR message", "app.jobs - ERROR - message".
            if self.take_level() && matches!(self.word(0), "-" | ":") {
                self.next += 1;
            }
            return false;
        }
        if is_number(word) || is_id(word) {
            self.next += 1;
            return true;
        }
        // The thread behind the logger: `[io.acme.Shop] (executor-3) words`.
        let thread = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        if self.level.is_some()
            && thread.is_some_and(|it| is_name(it) && it.bytes().any(|byte| byte.is_ascii_digit()))
        {
            self.next += 1;
            return true;
        }
        // klog and Go's log package: the file and line end the head. env_logger: the target does.
        let place = word.contains(".go:") && word.ends_with([']', ':']);
        let target = self.level.is_some()
            && !word.starts_with('[')
            && word.strip_suffix(']').is_some_and(|it| it.contains("::") && is_name(it));
        if place || target {
            self.next += 1;
            return false;
        }
        // A zone behind the time, the half of a day, SQL Server's and Erlang's processes.
        if is_zone(word) || matches!(word, "AM" | "PM") || is_process_id(word) {
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
        if self.level.is_some() && self.words.padded(self.next) && is_name(word) && word.len() <= 20
        {
            self.next += 1;
            return true;
        }
        false
    }

    fn take_level(&mut self) -> bool {
        if self.level.is_some() {
            return false;
        }
        let word = self.word(0);
        let bare = word.trim_matches(['[', ']', ':', ',', '(', ')', '<', '>', '|']);
        let after_ids = self.timed && self.next > 0 && is_number(self.words.get(self.next - 1));
        let marked = word.len() > bare.len();
        // In "ERROR IN CONTACTING RM", "ALERT exited" and "panic: …" the level is part of the message.
        let next = self.word(1);
        let sentence = matches!(bare, "ALERT" | "panic")
            || (!next.is_empty() && next.bytes().all(|byte| byte.is_ascii_uppercase()));
        let column = self.timed && !self.named;
        let found = Severity::of_level(bare).filter(|_| {
            let capitals = bare.bytes().all(|byte| byte.is_ascii_uppercase());
            let capital = bare.starts_with(|first: char| first.is_ascii_uppercase());
            (marked && bare != "panic") || (capital && column) || (capitals && !sentence)
        });
        let letter = || if after_ids { Severity::of_letter(bare) } else { None };
        let Some(level) = found.or_else(letter) else { return false };
        self.level = Some(level);
        // structlog pads inside the brackets: `[error    ]`.
        let padded = word.starts_with('[') && !word.contains(']') && next == "]";
        self.next += 1 + usize::from(padded);
        true
    }

    /// A word that ends the head and has the level in it: PostgreSQL's
    /// `UTC:10.0.1.5(4):shop@orders:[26]:ERROR:`, Laravel's `production.ERROR:`, Apache's
    /// `[proxy:error]`.
    fn take_level_within(&mut self) -> bool {
        let word = self.word(0);
        if self.level.is_some() || !self.timed || !word.ends_with([':', ']']) {
            return false;
        }
        let marked = word.starts_with('[');
        let bare = word.trim_matches(['[', ']', ':']);
        let level = bare.rsplit(['.', ':', '/']).next();
        let level = level.filter(|it| marked || it.bytes().all(|it| it.is_ascii_uppercase()));
        // Celery: `[TIME: ERROR/ForkPoolWorker-2]`.
        let first = || Severity::of_level(bare.split_once('/')?.0);
        self.level = level.and_then(Severity::of_level).or_else(first);
        self.next += usize::from(self.level.is_some());
        self.level.is_some()
    }

    /// Elixir's and Sidekiq's metadata before the level: `03:05:12.101 request_id=F1 [error] words`.
    fn pair_before_level(&self) -> bool {
        let pair = |word: &str| word.split_once('=').is_some_and(|(key, _)| is_name(key));
        let level = |word: &str| {
            (word.starts_with('[') || word.ends_with(':'))
                && Severity::of_level(word.trim_matches(['[', ']', ':'])).is_some()
        };
        self.level.is_none()
            && self.timed
            && pair(self.word(0))
            && (1..6).map(|ahead| self.word(ahead)).find(|word| !pair(word)).is_some_and(level)
    }

    /// How many labels come before a level in capitals; `None` if there is any other word.
    fn level_ahead(&self) -> Option<usize> {
        if self.level.is_some() {
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
            // PostgreSQL's `user@database`.
            let user = word.contains('@') && is_name(word);
            if !(is_label(word) || user) || word.ends_with(':') {
                return None;
            }
        }
        None
    }

    /// How many words before the message name the host, process or logger.
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
                if ahead == 0
                    && dash
                    && !word.starts_with('[')
                    && (self.level.is_some() || word.contains('.'))
                {
                    return Some(2);
                }
                continue;
            };
            if !is_name(name) || is_error(name) || is_code(name) {
                return None;
            }
            // A process with its number, anywhere; a logger directly after the level; a process
            // after its host.
            let numbered = name.ends_with(']') || name.ends_with(')');
            let logger = self.level.is_some() && ahead == 0;
            let process = self.level.is_none() && (1..=2).contains(&ahead) && is_process(name);
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

    /// How many of the next words are a time.
    fn times(&self) -> usize {
        let bare = |word: &'_ str| -> String {
            let bare = word.trim_matches(['[', ']', '(', ')', ',', '|', '<', '>']);
            // Falco's `03:05:12.101: `.
            bare.strip_suffix(':').filter(|it| is_clock(it)).unwrap_or(bare).to_owned()
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
        if is_date(&first) || (self.timed && is_clock(&first)) || is_uptime(self.word(0)) {
            return 1;
        }
        // A line can begin with a number of ten digits that is no time: words follow it.
        if is_epoch(&first) {
            let next = self.word(1);
            let words = self.next == 0
                && next.starts_with(|next: char| next.is_ascii_lowercase())
                && !next.contains(['=', '.', ':', '['])
                && Severity::of_level(next).is_none();
            return usize::from(!words);
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
