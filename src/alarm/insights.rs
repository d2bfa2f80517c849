//! Turns the filters of a Logs Insights query into a filter pattern, if one can express the same.

/// The longest query that a log alarm accepts, and the longest pattern that CloudWatch Logs
/// accepts, in characters (API reference).
const LONGEST_QUERY: usize = 10_000;
const LONGEST_PATTERN: usize = 1024;

/// A filter pattern that matches the lines that the query counts. None if the query has no
/// filters, or if no pattern can express them.
pub(super) fn pattern(query: &str) -> Option<String> {
    if query.chars().count() > LONGEST_QUERY {
        return None;
    }
    let mut filters = Vec::new();
    // True once a field can be one that the query made, which is in no line.
    let mut made = false;
    for command in commands(query) {
        let (name, arguments) = command.split_once(char::is_whitespace).unwrap_or((&command, ""));
        match name.to_ascii_lowercase().as_str() {
            "filter" => filters.push(filter(arguments, made)?),
            "fields" | "display" => {
                made |= arguments.split_whitespace().any(|word| word.eq_ignore_ascii_case("as"));
            }
            "parse" => made = true,
            "sort" | "limit" => {}
            // The rest of the query works on the results.
            "stats" => break,
            _ => return None,
        }
    }
    combined(&filters).filter(|pattern| pattern.chars().count() <= LONGEST_PATTERN)
}

/// One `filter` command: all of its conditions must be true, or `any` one of them.
struct Filter {
    any: bool,
    conditions: Vec<Condition>,
}

enum Condition {
    /// The line contains one of these texts, or none of them.
    Message { any_of: Vec<String>, without: bool },
    /// A condition on a field of a JSON line, in the syntax of a pattern.
    Field(String),
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Regex(String),
    Sign(&'static str),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(it) if it.eq_ignore_ascii_case(word))
    }
}

/// The commands between the `|`, without comments.
fn commands(query: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut inside: Option<char> = None;
    let mut characters = query.chars();
    while let Some(character) = characters.next() {
        match (inside, character) {
            (None, '#') => {
                characters.by_ref().find(|it| *it == '\n');
                continue;
            }
            (None, '|') => {
                commands.push(String::new());
                continue;
            }
            (None, '"' | '\'' | '`') => inside = Some(character),
            (None, '/') if commands.last().is_some_and(|it| takes_a_regex(it)) => {
                inside = Some(character);
            }
            (Some(end), _) if end == character => inside = None,
            _ => {}
        }
        if let Some(command) = commands.last_mut() {
            command.push(character);
            if inside.is_some() && character == '\\' {
                command.extend(characters.next());
            }
        }
    }
    commands.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// Whether a slash after this text begins a regular expression (it could also be a division).
fn takes_a_regex(before: &str) -> bool {
    let is = |text: Option<&str>, word: &str| text.is_some_and(|it| it.eq_ignore_ascii_case(word));
    let (before, start) = (before.trim_end(), before.trim_start());
    let like = before.len().checked_sub("like".len()).and_then(|at| before.get(at..));
    is(like, "like") || before.ends_with("=~") || is(start.get(.."parse".len()), "parse")
}

fn filter(arguments: &str, made: bool) -> Option<Filter> {
    let tokens = tokens(arguments)?;
    let mut rest = tokens.as_slice();
    let mut filter = Filter { any: false, conditions: Vec::new() };
    loop {
        filter.conditions.push(condition(&mut rest, made)?);
        let Some((Token::Word(link), more)) = rest.split_first() else { break };
        let any = match link.to_ascii_lowercase().as_str() {
            "and" => false,
            "or" => true,
            _ => return None,
        };
        if filter.conditions.len() > 1 && any != filter.any {
            return None;
        }
        filter.any = any;
        rest = more;
    }
    rest.is_empty().then_some(filter)
}

fn condition(rest: &mut &[Token], made: bool) -> Option<Condition> {
    let (Token::Word(field), more) = rest.split_first()? else { return None };
    let (without, more) = match more {
        [not, like, more @ ..] if not.is("not") && like.is("like") => (true, more),
        [like, more @ ..] if like.is("like") => (false, more),
        [Token::Sign("=~"), more @ ..] => (false, more),
        [Token::Sign(sign), value, more @ ..] => {
            *rest = more;
            let value = match value {
                // A `*` in a pattern matches any characters.
                Token::Text(text) if ["=", "!="].contains(sign) && !text.contains('*') => {
                    quoted(text)
                }
                Token::Word(word) if is_number(word) => word.clone(),
                _ => return None,
            };
            return Some(Condition::Field(format!("{} {sign} {value}", selector(field, made)?)));
        }
        _ => return None,
    };
    let (wanted, more) = more.split_first()?;
    *rest = more;
    let any_of = match wanted {
        Token::Text(text) => vec![text.clone()],
        Token::Regex(regex) => regex.split('|').map(literal).collect::<Option<_>>()?,
        _ => return None,
    };
    if field == "@message" {
        return Some(Condition::Message { any_of, without });
    }
    let field = selector(field, made)?;
    let (sign, link) = if without { ("!=", " && ") } else { ("=", " || ") };
    let tests: Option<Vec<String>> = any_of
        .iter()
        .map(|text| {
            (!text.contains('*'))
                .then(|| format!("{field} {sign} {}", quoted(&format!("*{text}*"))))
        })
        .collect();
    Some(Condition::Field(match tests?.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(link)),
    }))
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let signs = ["=~", "!=", ">=", "<=", "=", ">", "<"];
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if ['"', '\'', '/'].contains(&first) {
            let (inner, length) = delimited(rest, first)?;
            tokens.push(if first == '/' { Token::Regex(inner) } else { Token::Text(inner) });
            length
        } else if let Some(sign) = signs.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            let in_word = |it: char| it.is_ascii_alphanumeric() || "@_.-".contains(it);
            let length = rest.find(|it| !in_word(it)).unwrap_or(rest.len());
            if length == 0 {
                return None;
            }
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// The text between the two delimiters at the start, and its length in bytes with them. A regular
/// expression keeps its backslashes; they are removed from a text.
fn delimited(text: &str, delimiter: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                let (_, escaped) = characters.next()?;
                if delimiter == '/' && escaped != '/' {
                    inner.push('\\');
                }
                inner.push(escaped);
            }
            _ if character == delimiter => return Some((inner, at + 1)),
            _ => inner.push(character),
        }
    }
    None
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok() && !word.contains(|it: char| it.is_ascii_alphabetic())
}

/// The text that a regular expression matches, if it matches only one.
fn literal(regex: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = regex.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            _ => text.push(character),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The selector for a field of a JSON line; None for the fields that Logs Insights or the query
/// makes.
fn selector(field: &str, made: bool) -> Option<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "_.".contains(it);
    let is_name = field.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    (!made && is_name && field.chars().all(plain)).then(|| format!("$.{field}"))
}

fn combined(filters: &[Filter]) -> Option<String> {
    let conditions = || filters.iter().flat_map(|filter| &filter.conditions);
    let fields = conditions().filter(|it| matches!(it, Condition::Field(_))).count();
    match (fields, conditions().count()) {
        (_, 0) => None,
        (0, _) => of_messages(filters),
        (fields, all) if fields == all => {
            let several = filters.len() > 1;
            let filters = filters.iter().map(|filter| {
                let tests: Vec<&str> = filter
                    .conditions
                    .iter()
                    .filter_map(|it| match it {
                        Condition::Field(test) => Some(test.as_str()),
                        Condition::Message { .. } => None,
                    })
                    .collect();
                let tests = tests.join(if filter.any { " || " } else { " && " });
                if several { format!("({tests})") } else { tests }
            });
            Some(format!("{{ {} }}", filters.collect::<Vec<_>>().join(" && ")))
        }
        // A pattern can test text or fields, but not both.
        _ => None,
    }
}

/// A pattern for texts: a line must contain all of them, or one of them. It cannot mix the two.
fn of_messages(filters: &[Filter]) -> Option<String> {
    let texts: Vec<(&[String], bool)> = filters
        .iter()
        .flat_map(|filter| &filter.conditions)
        .filter_map(|condition| match condition {
            Condition::Message { any_of, without } => Some((any_of.as_slice(), *without)),
            Condition::Field(_) => None,
        })
        .collect();
    let any = filters.iter().any(|filter| filter.any)
        || texts.iter().any(|(it, without)| it.len() > 1 && !without);
    let terms = |prefix: &str, texts: &[String]| -> Vec<String> {
        texts.iter().map(|text| format!("{prefix}{}", quoted(text))).collect()
    };
    let wanted = texts.iter().filter(|(_, without)| !without).count();
    if any {
        let one_choice =
            wanted == texts.len() && (texts.len() == 1 || filters.len() == 1 && filters[0].any);
        let terms: Vec<String> = texts.iter().flat_map(|(it, _)| terms("?", it)).collect();
        return one_choice.then(|| terms.join(" "));
    }
    let terms: Vec<String> =
        texts.iter().flat_map(|(it, without)| terms(if *without { "-" } else { "" }, it)).collect();
    (wanted > 0).then(|| terms.join(" "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_can_say_too() {
        for (query, expected) in [
            ("filter @message like /ERROR/", "\"ERROR\""),
            (
                "fields @timestamp, @message\n| filter @message like \"disk full\" # why\n| sort @timestamp desc | limit 20",
                "\"disk full\"",
            ),
            (
                "FILTER @message LIKE /ERROR|FATAL/ | stats count(*) by bin(5m)",
                "?\"ERROR\" ?\"FATAL\"",
            ),
            ("filter @message like /a/ or @message =~ /b\\.c/", "?\"a\" ?\"b.c\""),
            ("filter @message like 'a' and @message not like /b|c/", "\"a\" -\"b\" -\"c\""),
            ("filter @message like /a/ | filter @message like /b/", "\"a\" \"b\""),
            (r#"filter @message like "say \"hi\" | or""#, r#""say \"hi\" | or""#),
            ("filter level = \"ERROR\"", "{ $.level = \"ERROR\" }"),
            (
                "filter level = 'ERROR' and http.status >= 500",
                "{ $.level = \"ERROR\" && $.http.status >= 500 }",
            ),
            (
                "filter a = 1 or b != 2.5 | filter c like /x/",
                "{ ($.a = 1 || $.b != 2.5) && ($.c = \"*x*\") }",
            ),
            ("filter level like /ERR|FATAL/", "{ ($.level = \"*ERR*\" || $.level = \"*FATAL*\") }"),
            (
                "filter level not like /a|b/ and x = 1",
                "{ ($.level != \"*a*\" && $.level != \"*b*\") && $.x = 1 }",
            ),
            (
                "filter @message like /x/ | parse @message \"a * b\" as c | stats sum(c)/count(*) | filter c > 1",
                "\"x\"",
            ),
        ] {
            assert_eq!(pattern(query).as_deref(), Some(expected), "{query}");
        }
    }

    #[test]
    fn what_no_pattern_can_say() {
        for query in [
            "",
            "fields @message",
            "stats count(*) by bin(5m)",
            "filter @message like /ERR.*/",
            "filter @message like /(?i)error/",
            "filter @message like /a/ and level = \"x\"",
            "filter @message like /a/ or @message like /b/ and @message like /c/",
            "filter @message like /a|b/ and @message like /c/",
            "filter @message like /a/ or @message not like /b/",
            "filter @message not like /a/",
            "filter (@message like /a/)",
            "filter @type = \"REPORT\"",
            "filter @message = \"a\"",
            "filter level = \"a*\"",
            "filter level > \"a\"",
            "filter level = nan",
            "fields a\nas b | filter b = 1",
            "filter level in [\"a\", \"b\"]",
            "filter ispresent(level)",
            "filter strlen(@message) > 10",
            "fields strlen(@message) as length | filter length > 10",
            "parse @message \"* *\" as a, b | filter a = \"x\"",
            "filter",
            "filter level",
            "filter level =",
            "filter @message like /open",
            "filter @message like \"open",
            "filter @message like //",
            "source logGroups() | filter @message like /a/",
            "SELECT * FROM `x` WHERE y = 'z'",
            "|||",
            "filter 日本 = 1",
        ] {
            assert_eq!(pattern(query), None, "{query}");
        }
        for long in [1_030, 11_000] {
            assert_eq!(pattern(&format!("filter @message like /{}/", "x".repeat(long))), None);
        }
    }
}
