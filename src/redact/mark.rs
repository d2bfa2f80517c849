//! The marks that replace removed content, and how to recognise them.

use super::settings::Compiled;

pub(super) const ACCESS_KEY: &str = "aws access key";
pub(super) const SECRET_KEY: &str = "aws secret key";
pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const COOKIE: &str = "cookie";
pub(super) const JWT: &str = "jwt";
pub(super) const PRIVATE_KEY: &str = "private key";
pub(super) const PASSWORD: &str = "password";
pub(super) const TOKEN: &str = "token";
pub(super) const SECRET: &str = "secret";
pub(super) const API_KEY: &str = "api key";
pub(super) const SESSION: &str = "session";
pub(super) const CREDENTIALS: &str = "credentials";
pub(super) const SIGNATURE: &str = "signature";
pub(super) const CARD_NUMBER: &str = "card number";
pub(super) const EMAIL: &str = "email";
pub(super) const SSN: &str = "ssn";
pub(super) const IP_ADDRESS: &str = "ip address";

const ALL: [&str; 17] = [
    ACCESS_KEY,
    SECRET_KEY,
    AUTHORIZATION,
    COOKIE,
    JWT,
    PRIVATE_KEY,
    PASSWORD,
    TOKEN,
    SECRET,
    API_KEY,
    SESSION,
    CREDENTIALS,
    SIGNATURE,
    CARD_NUMBER,
    EMAIL,
    SSN,
    IP_ADDRESS,
];

const OPENING: &str = "[redacted: ";
/// The longest name of a mark; limits the search for its end.
const LONGEST: usize = 40;

/// Writes the mark with this name.
pub(super) fn write(out: &mut String, name: &str) {
    out.push_str(OPENING);
    out.push_str(name);
    out.push(']');
}

/// The length of the mark at this place, if there is one. Only names that this redactor writes
/// count; otherwise a log could disguise a secret as a mark.
pub(super) fn length(text: &str, at: usize, patterns: &[Compiled]) -> Option<usize> {
    let bytes = text.as_bytes().get(at..)?;
    let name = bytes.strip_prefix(OPENING.as_bytes())?;
    let close = name.iter().take(LONGEST + 1).position(|byte| *byte == b']')?;
    let name = &name[..close];
    let known = ALL.iter().any(|it| it.as_bytes() == name)
        || patterns.iter().any(|pattern| pattern.name.as_bytes() == name);
    known.then_some(OPENING.len() + close + 1)
}

/// Start and end of every mark in a text.
pub(super) fn all(text: &str, patterns: &[Compiled]) -> Vec<(usize, usize)> {
    text.match_indices(OPENING)
        .filter_map(|(at, _)| Some((at, at + length(text, at, patterns)?)))
        .collect()
}
