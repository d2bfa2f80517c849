//! Text on its way to a person: flattened, cleaned and cut, never in mid-character.

/// The text on one line: control characters and runs of white space become one
/// space, terminal colour codes vanish.
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

/// The text without terminal colour codes, and with every character that SQS or a
/// terminal would not take replaced; line feeds and tabs stay.
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
            // Bidirectional overrides could make a line read as what it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\u{fffe}' | '\u{ffff}' => cleaned.push('\u{fffd}'),
            _ if character.is_control() => cleaned.push(' '),
            _ => cleaned.push(character),
        }
    }
    cleaned
}

/// At most `limit` characters, the last of them `…` where something was cut.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.char_indices().nth(limit).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at);
    format!("{}…", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colour_codes_and_line_breaks_vanish() {
        assert_eq!(
            one_line("\u{1b}[31mboom\u{1b}[0m\r\n  at\tline\u{0} 3 \u{2028}x"),
            "boom at line 3 x"
        );
        assert_eq!(clean("a\u{1b}[31"), "a");
        assert_eq!(clean("a\r\nb\u{202e}c"), "a\nbc");
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("日本語テキスト", 4), "日本語…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "…");
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
