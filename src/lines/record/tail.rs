//! What stands behind or within a message and only tells one request from another: ids and their
//! names. A title is the same for every request, so it is quoted without them.

use crate::ids;

/// A message without the ids in it. An id with its name is left out; one inside a sentence becomes
/// `…`.
pub(super) fn without_ids(message: &str) -> String {
    if !message.bytes().any(|byte| byte.is_ascii_digit()) {
        return message.to_owned();
    }
    let mut words: Vec<&str> = message.split(' ').collect();
    // The time since the line before, as Nest and debug print it.
    let since = |word: &&str| {
        let time = word.strip_prefix('+').and_then(|it| it.strip_suffix("ms"));
        time.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let timed = words.len() > 1 && words.last().is_some_and(since);
    if timed {
        words.pop();
    }
    let mut kept: Vec<String> = Vec::with_capacity(words.len());
    let mut changed = timed;
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(EDGES);
        let named = bare.split_once(['=', ':']).is_some_and(|(name, value)| {
            let value = value.trim_matches(EDGES);
            is_id(value) || (word.contains('=') && ids::scope(name).is_some() && !value.is_empty())
        });
        if !named && !holds_id(word) {
            kept.push((*word).to_owned());
            continue;
        }
        changed = true;
        let bracketed = word.starts_with(['[', '(']) && word.ends_with([']', ')', ':', ',']);
        let outer = at == 0 || at + 1 == words.len();
        if named || bracketed || (outer && is_id(bare)) {
            // "request 4f2c…", "request_id: 4f2c…": its name goes with it.
            while kept.last().is_some_and(|last| !named && is_label(last)) {
                kept.pop();
            }
            // A closing bracket of a group that began before it stays closed.
            if word.ends_with(']') && !word.starts_with('[') && open_group(&kept) {
                kept.push("]".to_owned());
            }
        } else {
            kept.push(masked(word));
        }
    }
    if !changed {
        return message.to_owned();
    }
    let text = kept.join(" ");
    let text = text.trim_end_matches([' ', ',', ';', '-', '·', '|', ':', '[', '(']).trim_start();
    let text = text.trim_start_matches(['-', ':', '|', ',', ' ']);
    if text.chars().any(char::is_alphabetic) { text.to_owned() } else { message.to_owned() }
}

const EDGES: [char; 12] = ['[', ']', '(', ')', '{', '}', '"', '\'', ',', ';', '.', '<'];

fn open_group(kept: &[String]) -> bool {
    let open = kept.iter().filter(|word| word.starts_with('[') && !word.contains(']')).count();
    open > kept.iter().filter(|word| word.ends_with(']') && !word.contains('[')).count()
}

/// `request`, `id:`, `trace_id:`, `RequestId:`, `(request`.
fn is_label(word: &str) -> bool {
    let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    matches!(plain.as_str(), "id" | "request" | "req" | "trace" | "correlation" | "errorid")
        || ids::scope(&plain).is_some()
}

/// A UUID, or 24 hex digits and more with at least one digit and one letter among them.
fn is_id(word: &str) -> bool {
    is_hex(word, 24)
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

/// Whether a word has hex digits and hyphens only, and at least `length` of them.
pub(super) fn is_hex(word: &str, length: usize) -> bool {
    word.len() >= length && word.bytes().all(in_id)
}

fn in_id(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}

/// Whether a part of the word is an id.
fn holds_id(word: &str) -> bool {
    word.len() >= 24 && runs(word).any(|(begin, end)| is_id(&word[begin..end]))
}

/// The stretches of a word that can be an id.
fn runs(word: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = word.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !in_id(bytes[at]) {
            at += 1;
        }
        let begin = at;
        while at < bytes.len() && in_id(bytes[at]) {
            at += 1;
        }
        (begin < at).then_some((begin, at))
    })
}

/// The word with `…` in place of its ids.
fn masked(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut done = 0;
    for (begin, end) in runs(word) {
        if is_id(&word[begin..end]) {
            text.push_str(&word[done..begin]);
            text.push('…');
            done = end;
        }
    }
    text.push_str(&word[done..]);
    text
}
