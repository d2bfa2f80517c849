//! Secrets recognised by their format: AWS keys, JWTs, PEM private keys, and tokens with an
//! issuer's prefix.

use super::mark;
use super::scan::{Hit, Scan};
use super::settings::Category;

/// The letters allowed after a prefix.
#[derive(Clone, Copy)]
enum Letters {
    Alphanumeric,
    /// And `_`, `-`.
    Url,
    /// And `.`, `/`, `+`, `=`.
    Any,
}

impl Letters {
    fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Alphanumeric => false,
                Self::Url => matches!(byte, b'_' | b'-'),
                Self::Any => matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+' | b'='),
            }
    }
}

/// The prefix, the minimum number of letters after it, the letters allowed, and whether the prefix
/// is so short that it can occur inside a word; then no letter or digit may come before it. Each
/// prefix ends with one of the bytes at which the scan looks closer.
const KNOWN: &[(&str, usize, Letters, bool)] = &[
    // GitHub, "About authentication to GitHub: token formats".
    ("ghp_", 30, Letters::Alphanumeric, false),
    ("gho_", 30, Letters::Alphanumeric, false),
    ("ghu_", 30, Letters::Alphanumeric, false),
    ("ghs_", 30, Letters::Any, false),
    ("ghr_", 30, Letters::Alphanumeric, false),
    ("github_pat_", 22, Letters::Url, false),
    ("glpat-", 20, Letters::Url, false),
    // Slack, "Tokens".
    ("xoxb-", 10, Letters::Url, false),
    ("xoxa-", 10, Letters::Url, false),
    ("xoxp-", 10, Letters::Url, false),
    ("xoxr-", 10, Letters::Url, false),
    ("xoxs-", 10, Letters::Url, false),
    ("xoxe-", 10, Letters::Url, false),
    ("xoxe.", 10, Letters::Any, false),
    ("xapp-", 10, Letters::Url, false),
    ("hooks.slack.com/services/T", 20, Letters::Any, false),
    // Stripe, "API keys".
    ("sk_live_", 10, Letters::Alphanumeric, false),
    ("rk_live_", 10, Letters::Alphanumeric, false),
    ("sk_test_", 10, Letters::Alphanumeric, false),
    ("rk_test_", 10, Letters::Alphanumeric, false),
    ("whsec_", 20, Letters::Any, false),
    ("AIza", 35, Letters::Url, false),
    ("ya29.", 20, Letters::Url, true),
    ("GOCSPX-", 20, Letters::Url, false),
    ("sk-ant-", 20, Letters::Url, false),
    ("sk-proj-", 20, Letters::Url, false),
    ("sk-", 40, Letters::Alphanumeric, true),
    ("npm_", 36, Letters::Alphanumeric, true),
    ("pypi-AgE", 40, Letters::Url, false),
    ("SG.", 40, Letters::Any, true),
    ("hvs.", 24, Letters::Url, true),
    ("hf_", 30, Letters::Alphanumeric, true),
    ("dop_v1_", 40, Letters::Alphanumeric, false),
    ("shpat_", 32, Letters::Alphanumeric, false),
    ("dckr_pat_", 20, Letters::Url, false),
    ("AGE-SECRET-KEY-", 40, Letters::Alphanumeric, false),
    // AWS session tokens from the Security Token Service begin like this.
    ("IQoJb3JpZ2lu", 60, Letters::Any, false),
];

/// The position in its prefix at which each token is noticed: its first mark (`_`, `-`, `.`, `z`,
/// `Q`).
const NOTICED: [usize; KNOWN.len()] = {
    let mut places = [0; KNOWN.len()];
    let mut index = 0;
    while index < KNOWN.len() {
        let prefix = KNOWN[index].0.as_bytes();
        while !matches!(prefix[places[index]], b'_' | b'-' | b'.' | b'z' | b'Q') {
            places[index] += 1;
        }
        index += 1;
    }
    places
};

/// A token with a known prefix, noticed at this position.
pub(super) fn known(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let before = *scan.bytes[scan.floor..at].last()?;
    KNOWN.iter().zip(NOTICED).find_map(|(&(prefix, fewest, letters, alone), noticed)| {
        // The letter before rules out nearly all others.
        if prefix.as_bytes()[noticed - 1] != before {
            return None;
        }
        let start = at.checked_sub(noticed).filter(|start| *start >= scan.floor)?;
        let rest = scan.bytes[start..].strip_prefix(prefix.as_bytes())?;
        if (alone && scan.in_word(start)) || !scan.is_on(Category::KnownTokens) {
            return None;
        }
        let length = rest.iter().take_while(|byte| letters.has(**byte)).count();
        (length >= fewest).then(|| Hit {
            start,
            end: start + prefix.len() + length,
            mark: mark::TOKEN,
        })
    })
}

/// A JSON Web Token whose `eyJ` ends here: two or more parts; the end can be cut off.
pub(super) fn jwt(scan: &mut Scan<'_>, at: usize) -> Option<Hit> {
    let start = at.checked_sub(2).filter(|start| *start >= scan.floor)?;
    if at < scan.no_jwt_before
        || !scan.bytes[start..].starts_with(b"eyJ")
        || !scan.is_on(Category::Jwt)
    {
        return None;
    }
    let part =
        |from: usize| scan.bytes[from..].iter().take_while(|byte| Letters::Url.has(**byte)).count();
    let header = part(start);
    let mut end = start + header;
    let mut parts = 1;
    while scan.bytes.get(end) == Some(&b'.') && parts < 5 {
        let length = part(end + 1);
        if length == 0 && parts == 1 {
            break;
        }
        end += 1 + length;
        parts += 1;
    }
    if header < 10 || parts < 2 {
        // A failure here means that every later `eyJ` in the same run of letters fails too.
        scan.no_jwt_before = end;
        return None;
    }
    Some(Hit { start, end, mark: mark::JWT })
}

/// `AKIA` and 16 more characters; temporary keys begin with `ASIA`.
/// Source: IAM User Guide, "IAM identifiers", table of prefixes.
const KEY_ID: usize = 20;

/// An AWS access key id whose prefix ends here.
pub(super) fn access_key(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let start = at.checked_sub(3).filter(|start| *start >= scan.floor)?;
    let found = scan.is_on(Category::AwsKeys) && is_access_key(&scan.bytes[start..]);
    found.then_some(Hit { start, end: start + KEY_ID, mark: mark::ACCESS_KEY })
}

fn is_access_key(bytes: &[u8]) -> bool {
    let letters = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    matches!(bytes, [b'A', b'K' | b'S', b'I', b'A', ..])
        && bytes.get(4..KEY_ID).is_some_and(|rest| rest.iter().all(letters))
}

/// Whether the text contains an AWS access key id or its mark.
pub(super) fn has_access_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    ["AKIA", "ASIA"]
        .iter()
        .any(|it| text.match_indices(it).any(|(at, _)| is_access_key(&bytes[at..])))
        || text.contains("[redacted: aws access key]")
}

/// Replaces possible secret access keys: exactly 40 letters of base64, of all kinds, so that
/// hexadecimal hashes and long words stay.
pub(super) fn secret_access_keys(text: &str) -> Option<String> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    let mut out = String::new();
    let mut copied = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| letters(**byte)).count();
        let run = &bytes[at..at + length];
        let has = |kind: fn(&u8) -> bool| run.iter().any(kind);
        if length == 40
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(|byte| !byte.is_ascii_alphabetic())
            && !matches!(bytes.get(at + length), Some(b'=' | b'_'))
        {
            out.push_str(&text[copied..at]);
            mark::write(&mut out, mark::SECRET_KEY);
            copied = at + length;
        }
        at += length + 1;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// The longest PEM label that is checked.
const LONGEST_LABEL: usize = 64;

/// A PEM private key that begins here, up to its end line; to the end of the text if there is none.
pub(super) fn private_key(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    const BEGIN: usize = "-----BEGIN ".len();
    let label = &scan.bytes[at + BEGIN..];
    let label = &label[..label.len().min(LONGEST_LABEL)];
    let close = label.windows(5).position(|window| window == b"-----")?;
    let is_private = label[..close].windows(11).any(|window| window == b"PRIVATE KEY");
    if !is_private || !scan.is_on(Category::PrivateKeys) {
        return None;
    }
    let body = at + BEGIN + close + 5;
    let end = scan.text[body..].find("-----END ").map_or(scan.text.len(), |length| {
        let label = body + length + "-----END ".len();
        let close = scan.text[label..].find("-----");
        close.map_or(scan.text.len(), |length| label + length + 5)
    });
    Some(Hit { start: at, end, mark: mark::PRIVATE_KEY })
}

/// The mark for a header's value that was found without its name: `Bearer …`, `Basic …`.
pub(super) fn scheme(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let rest = &scan.bytes[at..];
    let is = |name: &[u8]| rest.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
    let basic = is(b"basic");
    if !(basic || is(b"bearer")) || (at > scan.floor && scan.bytes[at - 1].is_ascii_alphanumeric())
    {
        return None;
    }
    let name = if basic { 5 } else { 6 };
    let gap = if rest[name..].starts_with(b"%20") {
        3
    } else {
        rest[name..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    };
    let start = at + name + gap;
    let token = scan.bytes[start..]
        .iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'%')
        })
        .count();
    let value = &scan.text[start..start + token];
    let secret = value.len() >= 8 && value.bytes().any(|byte| byte.is_ascii_digit())
        || value.len() >= 20
        || basic && value.len() >= 4 && holds_user(value);
    if gap == 0 || !secret {
        return None;
    }
    Some(Hit { start, end: start + token, mark: mark::AUTHORIZATION })
}

/// Whether this is `user:password` in base64.
fn holds_user(value: &str) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    STANDARD_NO_PAD.decode(value.trim_end_matches('=')).is_ok_and(|it| it.contains(&b':'))
}
