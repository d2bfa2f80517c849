//! Text for people: put on one line, cleaned, and cut between characters; lengths of time in words.

use std::time::Duration;

/// Marks the row of the line that failed, behind its time.
pub const ERROR_MARK: &str = "▶ ";

/// The text on one line: control characters and runs of white space become one space, and terminal
/// colour codes are removed.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in clean(text).split(|character: char| character.is_whitespace()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// The text without terminal colour codes. Characters that SQS or a terminal does not accept
/// are replaced; line feeds and tabs stay.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                // A control sequence ends with a byte from @ to ~ (ECMA-48).
                while let Some(next) = characters.peek() {
                    let ends = ('@'..='~').contains(next);
                    let inside = (' '..='?').contains(next);
                    if ends || inside {
                        characters.next();
                    }
                    if !inside {
                        break;
                    }
                }
            }
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\t' => cleaned.push(character),
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => cleaned.push('\n'),
            // Bidirectional overrides could make a line show something else than it says; marks and
            // tags that nobody sees could hide a text, or keep a word from being found.
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => {}
            '\u{fffe}' | '\u{ffff}' => cleaned.push('\u{fffd}'),
            _ if character.is_control() => cleaned.push(' '),
            _ => cleaned.push(character),
        }
    }
    cleaned
}

/// At most `limit` characters; the last is `…` if something was cut.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.char_indices().nth(limit).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at);
    format!("{}…", text[..end].trim_end())
}

/// A length of time, rounded up: `37 s`, `3 min`, `5 h`, `2 d`.
#[must_use]
pub fn in_words(span: Duration) -> String {
    rounded(span, u64::div_ceil)
}

/// A length of time that has passed, rounded down: `0 s`, `5 min`, `2 d`.
#[must_use]
pub fn passed(span: Duration) -> String {
    rounded(span, |seconds, unit| seconds / unit)
}

fn rounded(span: Duration, divided: impl Fn(u64, u64) -> u64) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..7_200 => format!("{} min", divided(seconds, 60)),
        7_200..172_800 => format!("{} h", divided(seconds, 3_600)),
        _ => format!("{} d", divided(seconds, 86_400)),
    }
}

/// The known names that the user may have meant, the most similar first, at most `most`: names
/// that differ in a few letters, and names that contain the wanted name or are part of it.
#[must_use]
pub fn alike<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let lower = wanted.to_lowercase();
    let few = lower.chars().count() / 3 + 1;
    let holds = |long: &str, short: &str| short.chars().count() >= 3 && long.contains(short);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &other);
            (distance <= few || holds(&other, &lower) || holds(&lower, &other))
                .then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// `; did you mean a, b or c?`, or nothing if there is no similar name.
#[must_use]
pub fn did_you_mean(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => format!("; did you mean {name}?"),
        [names @ .., last] => format!("; did you mean {} or {last}?", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colour_codes_and_line_breaks_are_removed() {
        assert_eq!(
            one_line("\u{1b}[31mboom\u{1b}[0m\r\n  at\tline\u{0} 3 \u{2028}x"),
            "boom at line 3 x"
        );
        assert_eq!(clean("a\u{1b}[31"), "a");
        assert_eq!(clean("a\r\nb\u{202e}c"), "a\nbc");
        // What joins letters and emojis stays.
        assert_eq!(clean("a\u{200b}b\u{feff}c\u{e0041}d\u{200f}e\u{200d}f"), "abcde\u{200d}f");
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("日本語テキスト", 4), "日本語…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn names_that_may_have_been_meant() {
        let known = ["listen", "listen_https", "rate_per_minute", "web"];
        assert_eq!(alike("listne", known, 3), ["listen"]);
        assert_eq!(alike("LISTEN", known, 3), ["listen", "listen_https"]);
        assert_eq!(alike("LISTEN", known, 1), ["listen"]);
        assert_eq!(alike("rate", known, 3), ["rate_per_minute"]);
        for unlike in ["api", "", "zzzzzzzzzzzz"] {
            assert_eq!(alike(unlike, known, 3), [""; 0], "{unlike}");
        }
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a"]), "; did you mean a?");
        assert_eq!(did_you_mean(&["a", "b", "c"]), "; did you mean a, b or c?");
    }

    proptest! {
        #[test]
        fn one_line_has_no_breaks_and_is_stable(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(one_line(&line), line);
        }

        #[test]
        fn cut_keeps_the_limit(text in any::<String>(), limit in 1usize..50) {
            prop_assert!(cut(&text, limit).chars().count() <= limit);
        }
    }
}
