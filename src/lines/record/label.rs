//! What a word in the head of a text line can be: an id, a name, a code.

pub(super) fn is_number(word: &str) -> bool {
    let word = word.trim_end_matches(['|', ',']);
    let word = word.strip_prefix('-').unwrap_or(word);
    !word.is_empty() && word.len() <= 12 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word is a label, not part of a sentence: a number, an id, a name in capitals.
pub(super) fn is_label(word: &str) -> bool {
    let capitals = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    capitals || word.starts_with('[') || word.bytes().any(|byte| byte.is_ascii_digit())
}

/// A request id, a thread, a host with numbers: `52fdfc07-2182-454f`, `1234#1234:`, `*5`.
pub(super) fn is_id(word: &str) -> bool {
    let hex = word.trim_matches(['(', ')', ',']);
    let letters = hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (letters && hex.len() >= 8 && hex.bytes().any(|byte| byte.is_ascii_digit()))
        || (word.len() > 1
            && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'#' | b':' | b'*')))
}

/// A word that can be the name of a host, a process or a logger.
pub(super) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'.' | b'_'
                        | b'-'
                        | b'/'
                        | b'@'
                        | b'$'
                        | b'('
                        | b')'
                        | b'['
                        | b']'
                        | b':'
                        | b'|'
                )
        })
}

pub(super) fn is_process(name: &str) -> bool {
    name.bytes().all(|byte| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'_' | b'-' | b'/')
    })
}

/// `+0000`, `UTC`, `CEST]`.
pub(super) fn is_zone(word: &str) -> bool {
    const NAMES: [&str; 14] = [
        "UTC", "GMT", "WET", "CET", "CEST", "EET", "EEST", "EST", "EDT", "CST", "PST", "PDT",
        "JST", "IST",
    ];
    let word = word.trim_end_matches(']');
    NAMES.contains(&word)
        || word.len() == 5
            && word.starts_with(['+', '-'])
            && word[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// `[12345.678901]`: the kernel's time since start.
pub(super) fn is_uptime(word: &str) -> bool {
    let time = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
    time.and_then(|time| time.split_once('.')).is_some_and(|(seconds, rest)| {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        !seconds.is_empty() && digits(seconds) && rest.len() == 6 && digits(rest)
    })
}

/// `spid56s`, `<0.701.0>`.
pub(super) fn is_process_id(word: &str) -> bool {
    let server = word.strip_prefix("spid").map(|it| it.trim_end_matches('s'));
    let erlang = word.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
    let digits = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    server.or(erlang).is_some_and(digits)
}

/// `AH00957`, `ORA-00942`: the code of a message.
pub(super) fn is_code(name: &str) -> bool {
    name.bytes().all(|byte| !byte.is_ascii_lowercase())
        && name.bytes().rev().take_while(u8::is_ascii_digit).count() >= 3
}

pub(super) fn is_error(name: &str) -> bool {
    ["Error", "Exception", "error", "exception", "Failure", "failure", "failed", "refused"]
        .iter()
        .any(|end| name.ends_with(end))
}
