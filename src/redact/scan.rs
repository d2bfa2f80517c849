//! One pass over running text. It looks closer only at bytes where something sensitive can begin or
//! end, so that the time grows linearly with the length.

use std::borrow::Cow;

use super::json;
use super::settings::Category;
use super::{Redactor, addresses, beside, commands, mark, numbers, pairs, settings, tokens};

/// What a detector found.
pub(super) enum Scanned {
    Nothing,
    Hit(Hit),
    /// Nothing to remove before this position.
    Skip(usize),
}

/// Sensitive content: its bytes, and the name of the mark that replaces it.
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) mark: &'static str,
}

impl From<Option<Hit>> for Scanned {
    fn from(hit: Option<Hit>) -> Self {
        hit.map_or(Self::Nothing, Self::Hit)
    }
}

/// What is known about the whole text around this part.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// The whole text contains an AWS access key id, so it can also contain a secret access key.
    pub(super) access_key: bool,
    /// How many levels of JSON strings this text was in.
    pub(super) depth: u8,
}

/// A text during the scan.
pub(super) struct Scan<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    /// Everything before this is finished: no detector looks back past it.
    pub(super) floor: usize,
    /// No JWT begins before this place.
    pub(super) no_jwt_before: usize,
}

/// Levels of JSON inside JSON strings that are unpacked; deeper ones are read as text.
const DEEPEST: u8 = 6;
/// How many times something that begins like JSON can fail to be JSON.
const MOST_ATTEMPTS: u8 = 4;

/// The bytes at which a detector looks closer.
const TRIGGERS: [bool; 256] = {
    let mut table = [false; 256];
    let triggers = b"@=:>%-_.JAzbBQwW({[0123456789";
    let mut at = 0;
    while at < triggers.len() {
        table[triggers[at] as usize] = true;
        at += 1;
    }
    table
};

impl Scan<'_> {
    pub(super) fn is_on(&self, category: Category) -> bool {
        self.redactor.is_on(category)
    }

    /// The length of the mark at this position.
    pub(super) fn mark_at(&self, at: usize) -> Option<usize> {
        mark::length(self.text, at, &self.redactor.patterns)
    }

    /// Whether a letter or digit is directly before this position.
    pub(super) fn in_word(&self, at: usize) -> bool {
        at > self.floor && self.bytes[at - 1].is_ascii_alphanumeric()
    }

    fn look(&mut self, at: usize) -> Scanned {
        match self.bytes[at] {
            b'@' if self.is_on(Category::Emails) => addresses::email(self, at, 1).into(),
            b'%' => self.escaped(at),
            b':' => {
                if self.bytes[at..].starts_with(b"://")
                    && self.is_on(Category::UrlCredentials)
                    && let Some(hit) = addresses::credentials(self, at + 3)
                {
                    return Scanned::Hit(hit);
                }
                match pairs::delimited(self, at, 1) {
                    Scanned::Nothing if self.is_on(Category::IpAddresses) => {
                        numbers::ipv6(self, at).into()
                    }
                    found => found,
                }
            }
            b'=' => pairs::delimited(self, at, 1),
            b'>' => pairs::element(self, at),
            b'(' => beside::call(self, at).into(),
            b'w' | b'W' => beside::password(self, at).into(),
            b'b' | b'B' => self.scheme_or_by(at).into(),
            b'-' if self.bytes[at..].starts_with(b"-----BEGIN ") => {
                tokens::private_key(self, at).into()
            }
            b'-' => {
                let dashes = self.bytes[at..].starts_with(b"--") && !self.after_dash(at);
                let found = if dashes { pairs::flag(self, at) } else { Scanned::Nothing };
                match found {
                    Scanned::Nothing => {
                        let command = if dashes {
                            commands::long_option(self, at)
                        } else {
                            commands::option(self, at)
                        };
                        command.or_else(|| tokens::known(self, at)).into()
                    }
                    found => found,
                }
            }
            b'_' | b'.' | b'z' | b'Q' => tokens::known(self, at).into(),
            b'J' => tokens::jwt(self, at).into(),
            b'A' => tokens::access_key(self, at).into(),
            b'0'..=b'9' => numbers::look(self, at),
            b'[' => self.mark_at(at).map_or(Scanned::Nothing, |length| Scanned::Skip(at + length)),
            _ => Scanned::Nothing,
        }
    }

    fn scheme_or_by(&self, at: usize) -> Option<Hit> {
        let scheme = self.is_on(Category::Authorization).then(|| tokens::scheme(self, at));
        scheme.flatten().or_else(|| beside::identified_by(self, at))
    }

    fn after_dash(&self, at: usize) -> bool {
        at > 0 && self.bytes[at - 1] == b'-'
    }

    /// `%40` is `@` in a URL, `%3D` is `=` and `%3A` is `:`.
    fn escaped(&self, at: usize) -> Scanned {
        match self.bytes.get(at + 1..at + 3) {
            Some(b"40") if self.is_on(Category::Emails) => addresses::email(self, at, 3).into(),
            Some(b"3D" | b"3d" | b"3A" | b"3a") => pairs::delimited(self, at, 3),
            _ => Scanned::Nothing,
        }
    }
}

/// Removes sensitive content from a text in one pass. Anything that a removal uncovers is left to
/// the next pass.
pub(super) fn pass<'t>(redactor: &Redactor, text: &'t str, around: Around) -> Cow<'t, str> {
    if let Some(end) = json::end(text).filter(|_| around.depth < DEEPEST)
        && text[end..].trim().is_empty()
    {
        return json::redact(redactor, text, around);
    }
    match settings::apply(&redactor.patterns, text) {
        None => words(redactor, text, around),
        Some(text) => Cow::Owned(words(redactor, &text, around).into_owned()),
    }
}

fn words<'t>(redactor: &Redactor, text: &'t str, around: Around) -> Cow<'t, str> {
    let mut scan = Scan { redactor, text, bytes: text.as_bytes(), floor: 0, no_jwt_before: 0 };
    let mut out = String::new();
    let mut copied = 0;
    let mut attempts = if around.depth < DEEPEST { MOST_ATTEMPTS } else { 0 };
    let mut at = 0;
    while let Some(byte) = scan.bytes.get(at) {
        if !TRIGGERS[usize::from(*byte)] {
            at += 1;
            continue;
        }
        match scan.look(at) {
            Scanned::Hit(hit) => {
                out.push_str(&text[copied..hit.start]);
                mark::write(&mut out, hit.mark);
                (copied, scan.floor, at) = (hit.end, hit.end, hit.end);
            }
            Scanned::Skip(to) => (scan.floor, at) = (to, to),
            Scanned::Nothing if attempts > 0 && json::may_begin(scan.bytes, at) => {
                // A log line often ends with JSON: its strings are redacted as JSON.
                let Some(length) = json::end(&text[at..]) else {
                    attempts -= 1;
                    at += 1;
                    continue;
                };
                if let Cow::Owned(json) = json::redact(redactor, &text[at..at + length], around) {
                    out.push_str(&text[copied..at]);
                    out.push_str(&json);
                    copied = at + length;
                }
                (scan.floor, at) = (at + length, at + length);
            }
            Scanned::Nothing => at += 1,
        }
    }
    let whole = if copied == 0 && out.is_empty() {
        Cow::Borrowed(text)
    } else {
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    };
    if around.access_key
        && redactor.is_on(Category::AwsKeys)
        && let Some(without) = tokens::secret_access_keys(&whole)
    {
        return Cow::Owned(without);
    }
    whole
}
