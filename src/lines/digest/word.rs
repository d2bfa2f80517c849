//! Words: whether a word is a value, a name with a value, or describes what happened.

/// How easily a token counts as a value if other tokens occur in its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Always a value: number, time, id, address, path, URL.
    Mask,
    /// A name joined to a value by `_`, `-` or `.`: `attempt_17`, `core.2275`.
    Id,
    /// A dotted name: `com.example.Job`, `report.exe`.
    Dotted,
    /// A plain word, or a word that ends in digits: `root`, `eth0`.
    Word,
    /// A plain word as the value of a key: `name=android`.
    Setting,
    /// The name of a state, a method or an error: never a value by itself.
    Fixed,
}

/// Units that can follow a number.
const UNITS: [&str; 54] = [
    "b",
    "byte",
    "bytes",
    "kb",
    "kib",
    "mb",
    "mib",
    "gb",
    "gib",
    "tb",
    "tib",
    "kbps",
    "mbps",
    "bps",
    "hz",
    "mhz",
    "ghz",
    "ns",
    "us",
    "µs",
    "ms",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "msec",
    "msecs",
    "millisecond",
    "milliseconds",
    "microsecond",
    "microseconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "day",
    "days",
    "percent",
    "am",
    "pm",
    "utc",
    "gmt",
    "est",
    "edt",
    "pst",
    "pdt",
    "cet",
    "cest",
];

/// Top-level domains. Those that are just as often file extensions or package names are left out.
const TOP_LEVEL: [&str; 44] = [
    "com", "net", "org", "edu", "gov", "mil", "info", "biz", "io", "dev", "app", "cloud", "local",
    "internal", "lan", "arpa", "de", "cn", "uk", "jp", "ru", "br", "fr", "it", "nl", "se", "no",
    "fi", "dk", "kr", "tw", "hk", "us", "ca", "au", "mx", "tr", "es", "eu", "ch", "at", "be", "cz",
    "pt",
];

/// File extensions of two letters.
const EXTENSIONS: [&str; 18] = [
    "js", "ts", "py", "rs", "go", "sh", "md", "so", "rb", "cs", "kt", "cc", "db", "gz", "xz", "os",
    "id", "io",
];

/// Values that say nothing, and yes and no as Python writes the fields of an object.
const NOTHING_OR_SWITCH: [&str; 7] = ["null", "None", "nil", "undefined", "NULL", "True", "False"];

pub(super) fn is_unit(word: &str) -> bool {
    word.len() <= 12 && UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// The word's class and how many of its bytes stay; `None` for a word without meaning.
pub(super) fn classify(word: &str, is_value: bool) -> Option<(Class, usize)> {
    let bytes = word.as_bytes();
    let whole = bytes.len();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| is_letter(**byte)).count();
    let masked = Some((Class::Mask, 0));
    if digits == 0 && letters == 0 {
        let silent = bytes.iter().all(|byte| matches!(byte, b'-' | b'/' | b'+' | b'\\' | b':'));
        return if silent { None } else { Some((Class::Fixed, whole)) };
    }
    if letters == 0 {
        return masked;
    }
    let has = |wanted: u8| bytes.contains(&wanted);
    let path = bytes[0] == b'/'
        || bytes[0] == b'\\'
        || bytes[0] == b'~'
        || bytes[..whole - 1].contains(&b'\\');
    if (path && whole > 1)
        || word.contains("://")
        || (has(b'.') && (has(b'/') || has(b'@')) && !word.contains("..."))
        || is_host(word)
    {
        return masked;
    }
    // A Lambda function's version, in a position where others have a number.
    if word == "$LATEST" {
        return masked;
    }
    if digits == 0 {
        let hex = bytes.iter().all(|byte| matches!(byte, b'a'..=b'f'));
        if hex && whole >= 8 {
            return masked;
        }
        if is_value && NOTHING_OR_SWITCH.contains(&word) {
            return masked;
        }
        let capital = letters >= 2 && !bytes.iter().any(u8::is_ascii_lowercase);
        if capital || is_error_name(word) || last_part_is_constant(word) {
            return Some((Class::Fixed, whole));
        }
        if has(b'.') && !word.contains("..") {
            return if is_value { masked } else { Some((Class::Dotted, whole)) };
        }
        let switch = matches!(word, "true" | "false" | "yes" | "no" | "on" | "off");
        let class = if is_value && !switch { Class::Setting } else { Class::Word };
        return Some((class, whole));
    }
    mixed(word, is_value)
}

/// A word with letters and digits.
fn mixed(word: &str, is_value: bool) -> Option<(Class, usize)> {
    let bytes = word.as_bytes();
    let masked = Some((Class::Mask, 0));
    let first_digit = bytes.iter().position(u8::is_ascii_digit).unwrap_or(0);
    let prefix = &bytes[..first_digit];
    let letters = prefix.iter().filter(|byte| is_letter(**byte)).count();
    let hex = |part: &[u8]| {
        part.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':'))
    };
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if letters < 2 || (prefix.len() == 2 && digits >= 2) || (bytes.len() >= 6 && hex(bytes)) {
        return masked;
    }
    let port = word.rsplit_once(':').is_some_and(|(name, port)| {
        name.contains('.') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    if port || is_random(bytes) {
        return masked;
    }
    // `index:-1`: the sign belongs to the value.
    if prefix.ends_with(b":-") {
        return Some((Class::Word, first_digit - 1));
    }
    if word.find("::").is_some_and(|at| at > 0 && at + 2 < first_digit) {
        // A qualified name that contains a number.
        return Some((Class::Word, bytes.len()));
    }
    let joined = prefix.last().is_some_and(|last| matches!(last, b'_' | b'-' | b'.' | b'@' | b'~'))
        && !prefix.ends_with(b"..");
    if is_value && (joined || prefix.contains(&b'.')) {
        return masked;
    }
    // "Thunderbird_B7", "pod-ab12": the value begins after the joining character.
    let joint = prefix.iter().rposition(|byte| matches!(byte, b'_' | b'-' | b'.'));
    if let Some(joint) = joint.filter(|joint| *joint >= 2 && !prefix.ends_with(b"..")) {
        let tail = &prefix[joint + 1..];
        if tail.len() <= 2 || hex(tail) {
            return Some((Class::Id, joint + 1));
        }
    }
    let keep = first_digit;
    Some((if joined { Class::Id } else { Class::Word }, keep))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Whether letters and digits alternate too often for a name: a key, a hash, a token.
fn is_random(bytes: &[u8]) -> bool {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let mut changes = 0;
    let mut joints = 0;
    for pair in bytes.windows(2) {
        let (left, right) = (kind(pair[0]), kind(pair[1]));
        if left == 3 || right == 3 {
            joints += usize::from(right == 3);
        } else if left != right && (left == 0 || right == 0 || left == 1) {
            changes += 1;
        }
    }
    bytes.len() >= 8 && joints == 0 && changes >= 4
}

fn is_host(word: &str) -> bool {
    let name = match word.split_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return false,
        None => word,
    };
    let Some((rest, last)) = name.rsplit_once('.') else { return false };
    // A name in reverse order is a package: com.example.local
    let reversed = ["com.", "org.", "net.", "io.", "java.", "javax."];
    let country = last.len() == 2 && rest.contains('.') && !EXTENSIONS.contains(&last);
    (TOP_LEVEL.contains(&last) || country && last.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !rest.is_empty()
        && !reversed.iter().any(|start| name.starts_with(start))
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// Error names always distinguish kinds, however many there are.
fn is_error_name(word: &str) -> bool {
    ["Error", "Exception", "Fault", "Failure", "Throwable", "Interrupt", "Timeout"]
        .iter()
        .any(|end| word.ends_with(end))
}

/// `android.intent.action.SCREEN_ON`, `Runtime.EXIT`: a constant with its scope.
fn last_part_is_constant(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, last)| {
        last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}
