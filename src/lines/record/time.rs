//! Times as loggers write them, one word at a time.

pub(super) fn is_month(word: &str) -> bool {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .contains(&word)
}

pub(super) fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2033.
pub(super) fn is_epoch(word: &str) -> bool {
    let whole = word.split_once('.').map_or(word, |(whole, _)| whole);
    word.starts_with('1')
        && matches!(whole.len(), 10 | 13 | 16 | 19)
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `12:05:31`, `12:05:31.120Z`, `12:05:31,120+0000`.
pub(super) fn is_clock(word: &str) -> bool {
    let mut parts = word.splitn(3, ':');
    let (Some(hour), Some(minute)) = (parts.next(), parts.next()) else { return false };
    let two = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let second = parts.next().unwrap_or("0");
    two(hour)
        && two(minute)
        && second.starts_with(|first: char| first.is_ascii_digit())
        && second.bytes().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'Z' | b'+' | b'-')
        })
}

/// A day, with or without a time attached: `2026-02-02`, `02/Feb/2026:12:05:31`,
/// `2026-02-02T12:05:31Z`, `20260202-12:05:31:5`.
pub(super) fn is_date(word: &str) -> bool {
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
    matches!((digits, bytes.get(digits)), (1 | 2, Some(b':')) | (6, None | Some(b'Z' | b'.')))
}
