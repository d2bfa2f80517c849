//! The part of CloudWatch Logs' filter pattern syntax that metric filters mostly use.
//!
//! Plain and quoted terms, `?any ?of`, `-without`, and `{ $.field = value && … }`.
//! What it does not know it refuses, so that no test passes by a wrong match.

use serde_json::Value;

pub enum Pattern {
    Terms { all: Vec<String>, any: Vec<String>, none: Vec<String> },
    Json(Condition),
}

pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Compare { path: Vec<String>, operator: String, value: String },
}

pub fn parse(pattern: &str) -> Result<Pattern, String> {
    if pattern.chars().count() > 1024 {
        return Err("a filter pattern has at most 1024 characters".to_owned());
    }
    let trimmed = pattern.trim();
    match trimmed.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => {
            let tokens = tokens(inner)?;
            let mut rest = &tokens[..];
            let condition = any_of(&mut rest)?;
            if rest.is_empty() { Ok(Pattern::Json(condition)) } else { Err(unexpected(rest)) }
        }
        None => terms(trimmed),
    }
}

impl Pattern {
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Json(condition) => {
                serde_json::from_str(message).is_ok_and(|message| condition.holds(&message))
            }
            // CloudWatch ignores `?` terms that stand beside plain ones.
            Self::Terms { all, any, none } => {
                all.iter().all(|term| message.contains(term))
                    && (!all.is_empty()
                        || any.is_empty()
                        || any.iter().any(|t| message.contains(t)))
                    && !none.iter().any(|term| message.contains(term))
            }
        }
    }
}

fn terms(pattern: &str) -> Result<Pattern, String> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        let list = match first {
            '?' => &mut any,
            '-' => &mut none,
            _ => &mut all,
        };
        rest = rest.trim_start_matches(['?', '-']);
        if rest.starts_with('"') {
            let (term, length) = quoted(rest)?;
            list.push(term);
            rest = rest[length..].trim_start();
        } else {
            let (term, after) = rest.split_once(' ').unwrap_or((rest, ""));
            if term.is_empty() || !term.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(format!("Invalid character(s) in term '{term}'"));
            }
            list.push(term.to_owned());
            rest = after.trim_start();
        }
    }
    Ok(Pattern::Terms { all, any, none })
}

/// The text between quotes at the start, and the bytes it took.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut term = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((term, at + 1)),
            '\\' => term.extend(characters.next().map(|(_, escaped)| escaped)),
            other => term.push(other),
        }
    }
    Err("Unterminated quoted term".to_owned())
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let symbols = ["&&", "||", "!=", ">=", "<=", "=", ">", "<", "(", ")"];
        let length = if let Some(symbol) = symbols.into_iter().find(|s| rest.starts_with(s)) {
            tokens.push(Token::Symbol(symbol));
            symbol.len()
        } else if rest.starts_with('"') {
            let (term, length) = quoted(rest)?;
            tokens.push(Token::Quoted(term));
            length
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "&|!=<>()\"".contains(c));
            let word = &rest[..end.unwrap_or(rest.len())];
            if word.is_empty() || word.contains('%') {
                return Err(format!("the stand-in cannot read '{rest}'"));
            }
            tokens.push(Token::Word(word.to_owned()));
            word.len()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn unexpected(rest: &[Token]) -> String {
    format!("unexpected {:?}", rest.first())
}

fn take(rest: &mut &[Token], symbol: &'static str) -> bool {
    let found = rest.first() == Some(&Token::Symbol(symbol));
    if found {
        *rest = &rest[1..];
    }
    found
}

fn any_of(rest: &mut &[Token]) -> Result<Condition, String> {
    let mut conditions = vec![all_of(rest)?];
    while take(rest, "||") {
        conditions.push(all_of(rest)?);
    }
    Ok(Condition::Or(conditions))
}

fn all_of(rest: &mut &[Token]) -> Result<Condition, String> {
    let mut conditions = vec![one(rest)?];
    while take(rest, "&&") {
        conditions.push(one(rest)?);
    }
    Ok(Condition::And(conditions))
}

fn one(rest: &mut &[Token]) -> Result<Condition, String> {
    if take(rest, "(") {
        let inner = any_of(rest)?;
        return if take(rest, ")") { Ok(inner) } else { Err(unexpected(rest)) };
    }
    let [Token::Word(selector), Token::Symbol(operator), value, after @ ..] = *rest else {
        return Err(unexpected(rest));
    };
    let path = selector.strip_prefix("$.").ok_or_else(|| unexpected(rest))?;
    let (Token::Word(value) | Token::Quoted(value)) = value else { return Err(unexpected(after)) };
    *rest = after;
    let path = path.split('.').map(str::to_owned).collect();
    Ok(Condition::Compare { path, operator: (*operator).to_owned(), value: value.clone() })
}

impl Condition {
    fn holds(&self, message: &Value) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.holds(message)),
            Self::Or(conditions) => conditions.iter().any(|condition| condition.holds(message)),
            Self::Compare { path, operator, value } => {
                let found = path.iter().try_fold(message, |inside, key| inside.get(key));
                let Some(found) = found else { return false };
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                let numbers = text.parse::<f64>().ok().zip(value.parse::<f64>().ok());
                let order = numbers.and_then(|(found, wanted)| found.partial_cmp(&wanted));
                match operator.as_str() {
                    "=" => wildcard(value, &text),
                    "!=" => !wildcard(value, &text),
                    ">" => order.is_some_and(std::cmp::Ordering::is_gt),
                    "<" => order.is_some_and(std::cmp::Ordering::is_lt),
                    ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
                    _ => order.is_some_and(std::cmp::Ordering::is_le),
                }
            }
        }
    }
}

/// Whether the text has the pattern's form, where `*` stands for any characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| wildcard(after, &rest[at..]))
        }),
    }
}

#[test]
fn patterns_match_as_cloudwatch_documents_them() {
    let matches = |pattern: &str, message: &str| parse(pattern).unwrap().matches(message);
    assert!(matches("", "anything"));
    assert!(matches("ERROR", "an ERROR here") && !matches("ERROR", "an error here"));
    assert!(matches("ERROR timeout", "timeout, ERROR") && !matches("ERROR timeout", "ERROR"));
    assert!(matches("?ERROR ?WARN", "WARN") && !matches("?ERROR ?WARN", "INFO"));
    assert!(matches("ERROR ?WARN", "ERROR") && !matches("ERROR ?WARN", "WARN"));
    assert!(matches("ERROR -expected", "ERROR") && !matches("ERROR -expected", "expected ERROR"));
    assert!(matches(r#""say \"hi\"""#, r#"say "hi""#));
    assert!(matches("?\"Task timed\" ?ERROR", "Task timed out"));
    assert!(parse("a.b").is_err() && parse("\"open").is_err() && parse("{ $.a ~ 1 }").is_err());
    let json = r#"{"level":"ERROR","http":{"status":502},"msg":"x"}"#;
    assert!(matches(r#"{ $.level = "ERROR" }"#, json) && matches("{$.level=ERROR}", json));
    assert!(matches(r#"{ $.level = "WARN" || ($.http.status >= 500 && $.msg != "y") }"#, json));
    assert!(!matches(r#"{ $.level = "ERROR" && $.http.status = 200 }"#, json));
    assert!(matches(r#"{ $.level = "ERR*" }"#, json) && !matches(r#"{ $.none = "*" }"#, json));
    assert!(!matches(r#"{ $.level = "ERROR" }"#, "ERROR, and no JSON"));
}
