//! Correlation ids: what ties a log line to the other lines of its request.

use std::fmt;

use serde_json::Value;

/// Longest id that is taken; the longest known form, an X-Ray trace id, has 35.
const LONGEST: usize = 128;

/// The names under which Powertools for AWS Lambda writes the request id: Python,
/// TypeScript and Java; Java's ECS layout; .NET's casing options.
const POWERTOOLS: [&str; 4] =
    ["function_request_id", "faas.execution", "functionRequestId", "FunctionRequestId"];

/// The id of one Lambda request, safe to stand in a filter pattern: log content is
/// attacker-controlled, so nothing but `A–Z a–z 0–9 -` is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Takes an id of safe characters and sensible length; nothing otherwise.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let safe = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (safe && (8..=LONGEST).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The filter pattern that matches lines holding this id.
    #[must_use]
    pub fn pattern(&self) -> String {
        format!("\"{}\"", self.0)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The request a log line says it belongs to.
#[must_use]
pub fn request_id(line: &str) -> Option<RequestId> {
    let json = line[line.find('{')?..].trim_end();
    match serde_json::from_str::<Value>(json) {
        Ok(fields) => {
            POWERTOOLS.iter().find_map(|name| RequestId::parse(fields.get(name)?.as_str()?))
        }
        // A long line was cut: its beginning may hold the id all the same.
        Err(_) => POWERTOOLS.iter().find_map(|name| {
            let value = json.split_once(&format!("\"{name}\""))?.1.trim_start();
            let value = value.strip_prefix(':')?.trim_start().strip_prefix('"')?;
            RequestId::parse(value.split_once('"')?.0)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "52fdfc07-2182-454f-963f-5f0f9a621d72";

    #[test]
    fn every_spelling_of_powertools() {
        for name in POWERTOOLS {
            let line = format!(r#"{{"level":"ERROR","{name}":"{ID}"}}"#);
            assert_eq!(request_id(&line).unwrap().pattern(), format!("\"{ID}\""), "{name}");
        }
    }

    #[test]
    fn a_line_that_was_cut() {
        let line = format!(r#"{{"level":"ERROR","function_request_id" : "{ID}","stack":"at x"#);
        assert_eq!(request_id(&line).unwrap().as_str(), ID);
        assert_eq!(request_id(r#"{"function_request_id":"52fdfc07-2182"#), None);
    }

    #[test]
    fn pattern_syntax_is_no_id() {
        for evil in
            [r#"x" || "y"#, "?ERROR ?WARN", "a*bcdefgh", "%regex%abc", "short", "日本語日本語日本"]
        {
            let line = serde_json::json!({"function_request_id": evil}).to_string();
            assert_eq!(request_id(&line), None, "{evil}");
        }
    }

    #[test]
    fn other_lines_have_none() {
        for line in ["ERROR boom", "{", "{}", r#"{"function_request_id":7}"#, "[1,2]", ""] {
            assert_eq!(request_id(line), None, "{line}");
        }
    }
}
