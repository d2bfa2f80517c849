//! What is removed: the enabled categories and the user's own patterns.

use std::collections::BTreeSet;

use regex_lite::{Regex, RegexBuilder};
use thiserror::Error;

use super::mark;

/// Largest compiled size of one user pattern, in bytes. The engine's time is the text's length
/// times the pattern's size, so this limits the time too.
const LARGEST_PATTERN: usize = 32 * 1024;
const LONGEST_NAME: usize = 40;

/// A category of sensitive content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// AWS access key ids, and secret access keys near them or after their name.
    AwsKeys,
    /// Authorization and cookie headers, bearer and basic tokens.
    Authorization,
    /// JSON Web Tokens.
    Jwt,
    /// PEM private keys.
    PrivateKeys,
    /// Values with names such as password, token, secret, API key or session.
    NamedSecrets,
    /// User and password in a URL.
    UrlCredentials,
    /// Tokens with a recognisable format: GitHub, Slack, Stripe and others.
    KnownTokens,
    /// Payment card numbers.
    CardNumbers,
    Emails,
    /// United States social security numbers.
    SocialSecurityNumbers,
    /// `IPv4` and `IPv6` addresses; off by default, since they often show what broke.
    IpAddresses,
}

impl Category {
    pub const ALL: [Self; 11] = [
        Self::AwsKeys,
        Self::Authorization,
        Self::Jwt,
        Self::PrivateKeys,
        Self::NamedSecrets,
        Self::UrlCredentials,
        Self::KnownTokens,
        Self::CardNumbers,
        Self::Emails,
        Self::SocialSecurityNumbers,
        Self::IpAddresses,
    ];

    /// The name used in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsKeys => "aws-keys",
            Self::Authorization => "authorization",
            Self::Jwt => "jwt",
            Self::PrivateKeys => "private-keys",
            Self::NamedSecrets => "named-secrets",
            Self::UrlCredentials => "url-credentials",
            Self::KnownTokens => "known-tokens",
            Self::CardNumbers => "card-numbers",
            Self::Emails => "emails",
            Self::SocialSecurityNumbers => "social-security-numbers",
            Self::IpAddresses => "ip-addresses",
        }
    }

    /// The category with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    pub(super) fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// A user's own pattern: each match is replaced by `[redacted: name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub name: String,
    /// A regular expression in the syntax of Rust's `regex-lite`; `\d`, `\w` and `\s`
    /// mean ASCII.
    pub regex: String,
}

/// What to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub categories: BTreeSet<Category>,
    pub patterns: Vec<Pattern>,
}

impl Default for Settings {
    /// Everything but IP addresses; no patterns.
    fn default() -> Self {
        let on = |category: &Category| *category != Category::IpAddresses;
        Self { categories: Category::ALL.into_iter().filter(on).collect(), patterns: Vec::new() }
    }
}

/// A user pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    #[error(
        "redaction pattern {0:?}: use a name of 1 to 40 letters, digits, spaces, '-' and '_', \
         beginning and ending with a letter or digit"
    )]
    Name(String),
    #[error("redaction pattern {0:?} appears twice: give each pattern its own name")]
    Twice(String),
    #[error(
        "redaction pattern {name:?} is not a regular expression: {reason} \
         (the syntax is that of Rust's regex-lite: no look-around, no back references, no \\p)"
    )]
    Syntax { name: String, reason: String },
    #[error(
        "redaction pattern {0:?} matches the empty text, so it would match everywhere: \
         change it so that it needs at least one character"
    )]
    Empty(String),
}

/// A user's pattern, ready for use.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) regex: Regex,
}

impl Pattern {
    fn compile(&self) -> Result<Compiled, PatternError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_');
        let name = self.name.as_bytes();
        let edges = [name.first(), name.last()];
        let well_named = name.len() <= LONGEST_NAME
            && name.iter().copied().all(inner)
            && edges.iter().all(|edge| edge.is_some_and(u8::is_ascii_alphanumeric));
        if !well_named {
            return Err(PatternError::Name(self.name.clone()));
        }
        let regex = RegexBuilder::new(&self.regex).size_limit(LARGEST_PATTERN).build().map_err(
            |error| PatternError::Syntax { name: self.name.clone(), reason: error.to_string() },
        )?;
        if regex.is_match("") {
            return Err(PatternError::Empty(self.name.clone()));
        }
        Ok(Compiled { name: self.name.clone(), regex })
    }
}

/// Compiles all patterns; the error says what is wrong with each pattern that cannot be used.
pub(super) fn compile(patterns: &[Pattern]) -> Result<Vec<Compiled>, Vec<PatternError>> {
    let mut compiled: Vec<Compiled> = Vec::new();
    let mut errors = Vec::new();
    for pattern in patterns {
        match pattern.compile() {
            Ok(it) if compiled.iter().any(|other| other.name == it.name) => {
                errors.push(PatternError::Twice(it.name));
            }
            Ok(it) => compiled.push(it),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

/// Replaces the matches of the patterns. A match inside a mark is ignored, so that a second run
/// changes nothing. A match that overlaps a mark replaces the whole mark.
pub(super) fn apply(patterns: &[Compiled], text: &str) -> Option<String> {
    let mut current: Option<String> = None;
    for pattern in patterns {
        let text = current.as_deref().unwrap_or(text);
        let mut out = String::new();
        let mut copied = 0;
        let mut marks: Option<Vec<(usize, usize)>> = None;
        for found in pattern.regex.find_iter(text) {
            let (mut start, mut end) = (found.start(), found.end());
            let marks = marks.get_or_insert_with(|| mark::all(text, patterns));
            if start == end || marks.iter().any(|&(from, to)| from <= start && end <= to) {
                continue;
            }
            for &(from, to) in marks.iter() {
                if from < end && start < to {
                    start = start.min(from);
                    end = end.max(to);
                }
            }
            // The part of a mark that an earlier match has already replaced.
            let start = start.max(copied);
            if start >= end {
                continue;
            }
            out.push_str(&text[copied..start]);
            mark::write(&mut out, &pattern.name);
            copied = end;
        }
        if copied > 0 {
            out.push_str(&text[copied..]);
            current = Some(out);
        }
    }
    current
}
