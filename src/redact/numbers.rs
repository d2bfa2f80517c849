//! Sensitive numbers: payment cards, social security numbers, IP addresses.

use std::net::Ipv6Addr;

use super::mark;
use super::scan::{Hit, Scan, Scanned};
use super::settings::Category;

/// The fewest and the most digits of a card number (ISO/IEC 7812-1).
const FEWEST: usize = 13;
const MOST: usize = 19;

/// At a digit: does a sensitive number begin here?
pub(super) fn look(scan: &Scan<'_>, at: usize) -> Scanned {
    if begins(scan, at) {
        let run = digits(scan.bytes, at);
        let found = card(scan, at, run)
            .or_else(|| social_security(scan, at, run))
            .or_else(|| ipv4(scan, at, run));
        if let Some(hit) = found {
            return Scanned::Hit(hit);
        }
    }
    Scanned::Nothing
}

fn digits(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take(MOST + 1).take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether the number is separate, not part of a longer id, word or fraction.
fn begins(scan: &Scan<'_>, at: usize) -> bool {
    let before = &scan.bytes[scan.floor..at];
    match before {
        [] => true,
        [.., other, b'-' | b'.'] => !other.is_ascii_alphanumeric(),
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_',
    }
}

fn ends(scan: &Scan<'_>, at: usize) -> bool {
    match (scan.bytes.get(at), scan.bytes.get(at + 1)) {
        (None, _) => true,
        (Some(b'-' | b'.'), Some(next)) => !next.is_ascii_alphanumeric(),
        (Some(next), _) => !next.is_ascii_alphanumeric() && *next != b'_',
    }
}

/// A card number: without separators, or in the groups printed on cards.
fn card(scan: &Scan<'_>, at: usize, run: usize) -> Option<Hit> {
    const GROUPS: [&[usize]; 5] =
        [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 5]];
    if run < 4 || !scan.is_on(Category::CardNumbers) {
        return None;
    }
    let hit = |end| Hit { start: at, end, mark: mark::CARD_NUMBER };
    if run >= FEWEST {
        let end = at + run;
        return (is_card(&scan.bytes[at..end]) && ends(scan, end)).then(|| hit(end));
    }
    let separator = *scan.bytes.get(at + run).filter(|byte| matches!(byte, b' ' | b'-'))?;
    // The longest first, since a 19-digit number starts with 16 digits too.
    GROUPS.iter().rev().find_map(|groups| {
        let mut number = [0_u8; MOST];
        let mut length = 0;
        let mut end = at;
        for (index, &group) in groups.iter().enumerate() {
            if index > 0 {
                if scan.bytes.get(end) != Some(&separator) {
                    return None;
                }
                end += 1;
            }
            if digits(scan.bytes, end) != group {
                return None;
            }
            number[length..length + group].copy_from_slice(&scan.bytes[end..end + group]);
            length += group;
            end += group;
        }
        (is_card(&number[..length]) && ends(scan, end)).then(|| hit(end))
    })
}

fn is_card(number: &[u8]) -> bool {
    (FEWEST..=MOST).contains(&number.len()) && issued(number) && luhn(number)
}

/// Whether a network issues numbers with this prefix and length. Without this check, one in ten ids
/// and timestamps would look like a card. Maestro is left out: its range is nearly half of all
/// numbers. Source: the networks' issuer identification numbers (ISO/IEC 7812).
fn issued(number: &[u8]) -> bool {
    let first = |count: usize| {
        number.iter().take(count).fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let length = number.len();
    let long = (16..=19).contains(&length);
    match (first(2), first(4)) {
        // Visa.
        (40..=49, _) => matches!(length, 13 | 16 | 19),
        // American Express.
        (34 | 37, _) => length == 15,
        // Mastercard.
        (51..=55, _) | (_, 2221..=2720) => length == 16,
        // JCB, Discover, UnionPay.
        (_, 3528..=3589 | 6011 | 6440..=6499) | (62 | 65, _) => long,
        // Diners Club.
        (36 | 38 | 39, _) | (_, 3000..=3059 | 3095) => matches!(length, 14 | 16),
        _ => false,
    }
}

/// The checksum of ISO/IEC 7812-1, annex B.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `123-45-6789`: with the dashes, and without the numbers that are never issued. Source: Social
/// Security Administration, "SSN randomization".
fn social_security(scan: &Scan<'_>, at: usize, run: usize) -> Option<Hit> {
    let number = scan.bytes.get(at..at + 11).filter(|_| run == 3)?;
    let (area, group, serial) = (&number[..3], &number[4..6], &number[7..]);
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let given = number[3] == b'-'
        && number[6] == b'-'
        && digits(group)
        && digits(serial)
        && area != b"000"
        && area != b"666"
        && area[0] != b'9'
        && group != b"00"
        && serial != b"0000";
    let found = given && ends(scan, at + 11) && scan.is_on(Category::SocialSecurityNumbers);
    found.then_some(Hit { start: at, end: at + 11, mark: mark::SSN })
}

fn ipv4(scan: &Scan<'_>, at: usize, run: usize) -> Option<Hit> {
    if run > 3 || !scan.is_on(Category::IpAddresses) {
        return None;
    }
    let mut end = at;
    for octet in 0..4 {
        if octet > 0 {
            if scan.bytes.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let run = digits(scan.bytes, end);
        let number = scan.text.get(end..end + run)?.parse::<u8>().ok()?;
        // An address has no leading zeroes, and "1.2.3.4.5" is a version.
        if run > 1 && number < 10 {
            return None;
        }
        end += run;
    }
    ends(scan, end).then_some(Hit { start: at, end, mark: mark::IP_ADDRESS })
}

/// Length of the longest IPv6 address in text.
const LONGEST_IPV6: usize = 45;

/// At the first colon of a possible IPv6 address.
pub(super) fn ipv6(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let before = &scan.bytes[scan.floor.max(at.saturating_sub(5))..at];
    let start = at - before.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let rest = &scan.bytes[start..];
    let mut length = rest.iter().take(LONGEST_IPV6 + 1).take_while(|byte| part(byte)).count();
    while length > 0 && rest[length - 1] == b'.' {
        length -= 1;
    }
    let address = scan.text.get(start..start + length)?;
    let is_address = address.parse::<Ipv6Addr>().is_ok()
        // `::` and `bad::cafe` are more often paths in a program than addresses.
        && address.bytes().any(|byte| byte.is_ascii_digit())
        && begins(scan, start)
        && !scan.bytes.get(start + length).is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_');
    is_address.then_some(Hit { start, end: start + length, mark: mark::IP_ADDRESS })
}
