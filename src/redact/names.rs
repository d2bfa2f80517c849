//! What a field's name says about its value: a secret, a trace id, or nothing.

use super::mark;
use super::settings::Category;
use crate::ids::{self, Scope};

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Secret(Named),
    /// An id that connects lines: must stay, even if it could be a card number.
    Tracing,
}

/// A secret recognised by its field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) mark: &'static str,
    pub(super) category: Category,
    pub(super) shape: Shape,
}

/// Which values with this name are the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every value.
    Any,
    /// Every value; but in running text after `name: ` only one that does not look like a word:
    /// "could not refresh token: timeout" must stay readable.
    NoWord,
    /// As `NoWord`, and not a small number: "pass: 12 fail: 3", `output_token=150`.
    NoCount,
    /// Only what looks like an id or a key, in any context.
    Opaque,
    /// A few digits.
    Digits,
    /// 32 letters and digits: message brokers also use the name `routing_key`.
    Key32,
    /// The header's value, which can be several words.
    Authorization,
    /// The header's value, up to the end of the line.
    Cookie,
}

/// For each last letter, the range of endings with that letter in their table. Names take most of
/// redaction's time, and this check rules out nearly all of them.
const fn ranges() -> [(u8, u8); 128] {
    let mut ranges = [(0, 0); 128];
    let mut index = 0;
    while index < ENDINGS.len() {
        let ending = ENDINGS[index].0.as_bytes();
        let range = &mut ranges[ending[ending.len() - 1] as usize];
        if range.1 == 0 {
            range.0 = narrow(index);
        }
        range.1 = narrow(index + 1);
        index += 1;
    }
    ranges
}

const fn narrow(index: usize) -> u8 {
    assert!(index <= u8::MAX as usize, "more endings than a byte counts");
    #[allow(clippy::cast_possible_truncation, reason = "asserted above, when compiled")]
    {
        index as u8
    }
}

static RANGES: [(u8, u8); 128] = ranges();

use Category::{
    Authorization as Header, AwsKeys, CardNumbers, NamedSecrets, PrivateKeys, SocialSecurityNumbers,
};

/// Endings of normalised names (lower-case letters and digits only); the first match wins. Those
/// with the same last letter are next to each other, see [`ranges`].
const ENDINGS: &[(&str, &str, Category, Shape)] = &[
    ("password", mark::PASSWORD, NamedSecrets, Shape::Any),
    ("passwd", mark::PASSWORD, NamedSecrets, Shape::Any),
    ("pwd", mark::PASSWORD, NamedSecrets, Shape::Any),
    ("sessionid", mark::SESSION, NamedSecrets, Shape::Opaque),
    ("sessid", mark::SESSION, NamedSecrets, Shape::Opaque),
    ("connectsid", mark::SESSION, NamedSecrets, Shape::Opaque),
    ("cookie", mark::COOKIE, Header, Shape::Cookie),
    ("passphrase", mark::PASSWORD, NamedSecrets, Shape::Any),
    ("secretkeybase", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("secretvalue", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("signature", mark::SIGNATURE, NamedSecrets, Shape::Opaque),
    ("secretstring", mark::SECRET, NamedSecrets, Shape::Any),
    ("credential", mark::CREDENTIALS, NamedSecrets, Shape::NoWord),
    ("authorization", mark::AUTHORIZATION, Header, Shape::Authorization),
    ("sessiontoken", mark::SESSION, NamedSecrets, Shape::NoWord),
    ("token", mark::TOKEN, NamedSecrets, Shape::NoCount),
    ("socialsecuritynumber", mark::SSN, SocialSecurityNumbers, Shape::Opaque),
    ("cookies", mark::COOKIE, Header, Shape::Cookie),
    ("passwords", mark::PASSWORD, NamedSecrets, Shape::Any),
    ("accesstokens", mark::TOKEN, NamedSecrets, Shape::NoWord),
    ("secrets", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("credentials", mark::CREDENTIALS, NamedSecrets, Shape::NoWord),
    ("secret", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("secretaccesskey", mark::SECRET_KEY, AwsKeys, Shape::Any),
    ("awssecretkey", mark::SECRET_KEY, AwsKeys, Shape::Any),
    ("sessionkey", mark::SESSION, NamedSecrets, Shape::NoWord),
    ("secretkey", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("secretbinary", mark::SECRET, NamedSecrets, Shape::Any),
    ("privatekey", mark::PRIVATE_KEY, PrivateKeys, Shape::NoWord),
    ("apikey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("appkey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("authkey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("accesskey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("accountkey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("consumerkey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("subscriptionkey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("licensekey", mark::API_KEY, NamedSecrets, Shape::NoWord),
    ("encryptionkey", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("signingkey", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("masterkey", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("sharedkey", mark::SECRET, NamedSecrets, Shape::NoWord),
    ("routingkey", mark::API_KEY, NamedSecrets, Shape::Key32),
    ("servicekey", mark::API_KEY, NamedSecrets, Shape::Key32),
    ("integrationkey", mark::API_KEY, NamedSecrets, Shape::Key32),
];

/// Length of the longest name in `WHOLE`.
const LONGEST_WHOLE: usize = 7;

/// Names that must match as a whole.
const WHOLE: &[(&str, &str, Category, Shape)] = &[
    ("session", mark::SESSION, NamedSecrets, Shape::Opaque),
    ("auth", mark::AUTHORIZATION, NamedSecrets, Shape::Opaque),
    ("pass", mark::PASSWORD, NamedSecrets, Shape::NoCount),
    ("creds", mark::CREDENTIALS, NamedSecrets, Shape::NoWord),
    ("jwt", mark::JWT, NamedSecrets, Shape::NoWord),
    ("sig", mark::SIGNATURE, NamedSecrets, Shape::Opaque),
    ("pin", mark::PASSWORD, NamedSecrets, Shape::Digits),
    ("otp", mark::PASSWORD, NamedSecrets, Shape::Digits),
    ("cvv", mark::CARD_NUMBER, CardNumbers, Shape::Digits),
    ("cvv2", mark::CARD_NUMBER, CardNumbers, Shape::Digits),
    ("cvc", mark::CARD_NUMBER, CardNumbers, Shape::Digits),
    ("ssn", mark::SSN, SocialSecurityNumbers, Shape::Opaque),
];

/// Endings in `token` that are not secrets: positions in a list, and names for one request.
const HARMLESS: &[&str] = &[
    "nexttoken",
    "pagetoken",
    "paginationtoken",
    "continuationtoken",
    "cancellationtoken",
    "idempotencytoken",
    "clientrequesttoken",
    "nextforwardtoken",
    "nextbackwardtoken",
    "unexpectedtoken",
];

/// The last letters of the names of ids, one bit each. Few other names end in one of them.
static LAST_OF_IDS: u32 = {
    let mut bits = 0;
    let mut index = 0;
    while index < ids::NAMES.len() {
        let name = ids::NAMES[index].0.as_bytes();
        bits |= letter(name[name.len() - 1]);
        index += 1;
    }
    bits
};

/// The bit of a lower-case letter; 0 for anything else.
const fn letter(byte: u8) -> u32 {
    if byte.is_ascii_lowercase() { 1 << (byte - b'a') } else { 0 }
}

/// Suffixes after `password` whose value describes the password but is not the password.
const ABOUT_PASSWORDS: &[&str] = &[
    "at", "age", "attempts", "changed", "count", "date", "days", "enabled", "error", "expired",
    "expires", "expiry", "field", "id", "length", "name", "policy", "required", "reset", "set",
    "status", "strength", "type", "url", "valid",
];

/// How much of a name is checked, counted from its end.
pub(super) const LONGEST: usize = 64;

/// What this name says. Upper case, `_`, `-`, `.` and spaces make no difference. A prefix
/// (`db_password`) or a number at the end (`token2`) makes none either.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let mut buffer = [0_u8; LONGEST];
    let (normal, last_word) = normalise(name, &mut buffer);
    if normal.len() < 3 {
        return None;
    }
    let word = &normal[last_word..];
    let secret = |&(_, mark, category, shape): &(_, _, _, _)| {
        Some(Meaning::Secret(Named { mark, category, shape }))
    };
    if word.len() <= LONGEST_WHOLE
        && let Some(entry) = WHOLE.iter().find(|(name, ..)| name.as_bytes() == word)
    {
        return secret(entry);
    }
    let normal = without_digits(normal);
    let last = *normal.last()?;
    let (from, to) = RANGES.get(usize::from(last)).copied().unwrap_or_default();
    let endings = &ENDINGS[usize::from(from)..usize::from(to)];
    if let Some(entry) = endings.iter().find(|(name, ..)| ends(normal, name)) {
        let harmless = entry.0 == "token" && HARMLESS.iter().any(|it| ends(normal, it));
        return if harmless { None } else { secret(entry) };
    }
    let is_id = |(name, scope): &(&str, Scope)| match scope {
        Scope::TraceOrWord => name.as_bytes() == word,
        _ => ends(normal, name),
    };
    if letter(last) & LAST_OF_IDS != 0 && ids::NAMES.iter().any(is_id) {
        return Some(Meaning::Tracing);
    }
    // `passwordConfirm`, `password_hash`.
    let about = |rest: &[u8]| ABOUT_PASSWORDS.iter().any(|it| ends(rest, it));
    let rest = ["password", "passwd"].iter().find_map(|it| after(word, it.as_bytes()))?;
    (!about(rest)).then_some(Meaning::Secret(Named {
        mark: mark::PASSWORD,
        category: NamedSecrets,
        shape: Shape::Any,
    }))
}

/// The lower-case letters and digits of the name, and where its last word begins.
fn normalise<'a>(name: &str, buffer: &'a mut [u8; LONGEST]) -> (&'a [u8], usize) {
    let mut length = 0;
    let mut last_word = 0;
    let bytes = name.as_bytes();
    for byte in &bytes[bytes.len().saturating_sub(LONGEST)..] {
        match byte {
            b'_' | b'-' | b'.' => {}
            b' ' => last_word = length,
            _ => {
                buffer[length] = byte.to_ascii_lowercase();
                length += 1;
            }
        }
    }
    (&buffer[..length], last_word.min(length))
}

fn without_digits(name: &[u8]) -> &[u8] {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    &name[..name.len() - digits]
}

fn ends(name: &[u8], ending: &str) -> bool {
    // Compare the last byte first: this rules out nearly every name.
    name.last() == ending.as_bytes().last() && name.ends_with(ending.as_bytes())
}

fn after<'a>(name: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    let at = name.windows(part.len()).position(|window| window == part)?;
    Some(&name[at + part.len()..])
}

impl Named {
    /// Whether a value with this name is the secret. `prose`: it follows `name: ` in running text,
    /// without quotes.
    pub(super) fn takes(self, value: &str, prose: bool) -> bool {
        if harmless(value) {
            return false;
        }
        match self.shape {
            Shape::Any | Shape::Cookie => true,
            Shape::NoWord | Shape::NoCount | Shape::Authorization if prose && is_refusal(value) => {
                false
            }
            Shape::NoWord | Shape::Authorization => !prose || opaque(value),
            Shape::NoCount => {
                let count = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
                !count && (!prose || opaque(value))
            }
            Shape::Opaque => opaque(value) && value.len() >= 8,
            Shape::Digits => {
                (3..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
            }
            Shape::Key32 => {
                value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
        }
    }

    /// Whether everything in an object or array with this name is secret too.
    pub(super) fn spreads(self) -> bool {
        !matches!(self.shape, Shape::Opaque | Shape::Digits | Shape::Key32)
    }
}

/// Values that reveal nothing: empty, a switch, an ARN, a mask (those of CloudWatch's data
/// protection stay as they are).
fn harmless(value: &str) -> bool {
    let value = value.trim();
    let words = ["", "true", "false", "null", "none", "nil", "undefined", "yes", "no"];
    let masked = match value.split_once(' ') {
        Some((scheme, rest)) if is_scheme(scheme) => rest.trim(),
        _ => value,
    };
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
        || masked.bytes().all(|byte| byte == b'*')
        || (value.starts_with("arn:aws") && value.matches(':').count() >= 5)
}

/// Whether this is a code that says why a secret was refused: `invalid_grant` (RFC 6749),
/// `ERR_JWT_EXPIRED`.
fn is_refusal(value: &str) -> bool {
    const WORDS: [&str; 18] = [
        "denied",
        "err",
        "error",
        "expired",
        "failed",
        "insufficient",
        "invalid",
        "malformed",
        "mismatch",
        "missing",
        "refused",
        "rejected",
        "required",
        "revoked",
        "timeout",
        "unauthorized",
        "unavailable",
        "unsupported",
    ];
    let known = |part: &str| WORDS.iter().any(|word| part.eq_ignore_ascii_case(word));
    let value = value.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let mut parts = value.split('_');
    value.contains('_')
        && parts.clone().all(|part| part.bytes().all(|byte| byte.is_ascii_alphabetic()))
        && parts.any(known)
}

/// Whether this word starts the value of an `Authorization` header.
pub(super) fn is_scheme(word: &str) -> bool {
    const SCHEMES: [&str; 13] = [
        "bearer",
        "basic",
        "token",
        "apikey",
        "api-key",
        "key",
        "jwt",
        "dpop",
        "negotiate",
        "ntlm",
        "sso-key",
        "splunk",
        "aws",
    ];
    SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) || has_parameters(word)
}

/// Whether the scheme's value is a list of parameters, up to the end of the line.
pub(super) fn has_parameters(scheme: &str) -> bool {
    const SCHEMES: [&str; 5] = ["digest", "oauth", "hawk", "signature", "aws4-hmac-sha256"];
    SCHEMES.iter().any(|it| scheme.eq_ignore_ascii_case(it))
}

/// Whether this does not look like a word: it has digits or symbols, or is very long.
pub(super) fn opaque(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    word.len() >= 20 || word.chars().any(|it| !it.is_alphabetic() && it != '\'')
}

/// Whether the value of a tracing id looks like an id: hexadecimal or decimal, with dashes.
pub(super) fn is_id(value: &str) -> bool {
    (8..=64).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
