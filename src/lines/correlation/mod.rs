//! Correlation ids: they connect a log line to the other lines of its request.
//!
//! Most ids have a name (`named`); some are known by their place in the line (`unnamed`).

mod named;
#[cfg(test)]
mod tests;
mod unnamed;

use std::collections::HashSet;
use std::fmt;

use super::Line;
use crate::ids::{self, Scope};
use crate::text::clean;
use named::{At, Found};

/// Shortest and longest accepted id. A span id has 16 characters, an X-Ray trace id 35; a
/// correlation id can be any text that a client sent.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;
/// From this length on, a word without a digit can be an id if it mixes upper and lower case.
const LONG: usize = 20;

/// An id that is safe in a filter pattern. Anyone can write log content, so only `A–Z a–z 0–9 - _ :
/// = . /` are accepted; none of these has a special meaning between quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// `None` if the text has other characters or an unusual length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:=./".contains(&byte);
        (LENGTHS.contains(&text.len()) && text.bytes().all(safe)).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id too short to search for: it would be found inside others.
    fn short(text: &str) -> Option<Self> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let short = !text.is_empty() && text.len() < *LENGTHS.start();
        let numbered = text.bytes().any(|byte| byte.is_ascii_digit());
        (short && numbered && text.bytes().all(safe)).then(|| Self(text.to_owned()))
    }

    fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Whether the id tells requests apart: `undefined` and a trace id of zeros do not.
    fn is_telling(&self) -> bool {
        let bytes = || self.0.bytes().filter(u8::is_ascii_alphanumeric);
        let first = bytes().find(|byte| !matches!(byte, b'0' | b'1'));
        let varied = first.is_some_and(|first| bytes().any(|it| it != first && it != b'0'));
        let mixed = self.0.len() >= LONG
            && bytes().any(|byte| byte.is_ascii_uppercase())
            && bytes().any(|byte| byte.is_ascii_lowercase());
        varied && (mixed || bytes().any(|byte| byte.is_ascii_digit()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a line can be followed by, the most trusted first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Correlation {
    /// A Lambda request; it writes to exactly one log stream.
    LambdaRequest(Id),
    /// An X-Ray or W3C trace; it can cross log groups.
    Trace(Id),
    /// Any other id, with the name it was logged under.
    Other { name: String, id: Id },
}

impl Correlation {
    /// The filter pattern for the lines with this id. X-Ray and W3C write the same trace id with
    /// and without hyphens.
    #[must_use]
    pub fn pattern(&self) -> String {
        match self {
            Self::LambdaRequest(id) | Self::Other { id, .. } => id.quoted(),
            Self::Trace(id) => match (w3c_of(id.as_str()), xray_of(id.as_str())) {
                (Some(other), _) | (_, Some(other)) => format!("?{} ?\"{other}\"", id.quoted()),
                _ => id.quoted(),
            },
        }
    }

    /// A trace's id in the form that X-Ray's console accepts.
    #[must_use]
    pub fn xray(&self) -> String {
        let id = self.id().as_str();
        xray_of(id).unwrap_or_else(|| id.to_owned())
    }

    /// The most trusted first; of other ids, a request's before a piece of work's. What AWS calls a
    /// request id outside Lambda is often that of a call that the program made.
    fn rank(&self) -> u8 {
        match self {
            Self::LambdaRequest(_) => 0,
            Self::Trace(_) => 1,
            Self::Other { name, .. } => match ids::scope(name) {
                Some(Scope::Trace | Scope::TraceOrWord) => 2,
                Some(Scope::Invocation | Scope::Request) => 3,
                _ if name.to_ascii_lowercase().contains("amz") => 5,
                _ if name.to_ascii_lowercase().contains("request") => 3,
                _ => 4,
            },
        }
    }

    #[must_use]
    pub fn id(&self) -> &Id {
        match self {
            Self::LambdaRequest(id) | Self::Trace(id) | Self::Other { id, .. } => id,
        }
    }

    /// Whether another id under the same name is another request's.
    #[must_use]
    pub fn is_same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::LambdaRequest(_), Self::LambdaRequest(_)) | (Self::Trace(_), Self::Trace(_)) => {
                true
            }
            (Self::Other { name, .. }, Self::Other { name: other, .. }) => name == other,
            _ => false,
        }
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaRequest(id) => write!(formatter, "request {id}"),
            Self::Trace(id) => write!(formatter, "trace {id}"),
            Self::Other { name, id } => write!(formatter, "{name} {id}"),
        }
    }
}

/// Everything that a line can be followed by, the most trusted first.
#[must_use]
pub fn correlations(line: &Line) -> Vec<Correlation> {
    let mut known = HashSet::new();
    let list = find(line).into_iter().filter(|at| !at.short).map(|at| at.correlation);
    list.filter(|it| known.insert(it.id().clone())).collect()
}

/// The ids of the request that wrote a line, without those of what it was given or called; also
/// ids that are too short to search for.
#[must_use]
pub fn own(line: &Line) -> Vec<Correlation> {
    find(line).into_iter().filter(|at| !at.aside).map(|at| at.correlation).collect()
}

fn find(line: &Line) -> Vec<At> {
    let lambda = is_lambda(&line.stream);
    let text = clean(line.text.trim());
    let mut found = Found::new(lambda);
    found.read(&text);
    if lambda {
        found.list.extend(unnamed::column(&text, true).map(At::first));
    }
    if found.list.iter().all(|at| at.aside || at.short) {
        let texts = std::iter::once(text.as_str()).chain(found.carried.iter().map(String::as_str));
        let unnamed: Vec<_> = texts.filter_map(unnamed::of).map(At::first).collect();
        found.list.extend(unnamed);
    }
    found.list.sort_by_key(|at| (at.aside, at.short, at.correlation.rank(), at.level));
    found.list
}

/// Lambda names its streams `2026/11/14/[$LATEST]…`, in a log group that several functions share
/// `2026/11/14/shop[7]…`.
#[must_use]
pub fn is_lambda(stream: &str) -> bool {
    let mut parts = stream.splitn(4, '/');
    let mut number = |digits: usize| {
        parts.next().is_some_and(|it| it.len() == digits && it.bytes().all(|b| b.is_ascii_digit()))
    };
    let dated = number(4) && number(2) && number(2);
    stream.contains("[$LATEST]")
        || (dated && parts.next().is_some_and(|it| it.contains('[') && it.contains(']')))
}

fn w3c_of(xray: &str) -> Option<String> {
    Some(xray.strip_prefix("1-")?.replace('-', ""))
}

fn xray_of(w3c: &str) -> Option<String> {
    is_hex(w3c, 32).then(|| format!("1-{}-{}", &w3c[..8], &w3c[8..]))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| is_hex(group, group.len()))
}
