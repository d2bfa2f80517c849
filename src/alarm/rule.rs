//! Finds the children that a composite alarm's rule names.

/// Children that are read of a rule; `DescribeAlarms` takes as many names (API reference).
pub const MOST: usize = 100;

/// The names or ARNs of all alarms in a rule such as `ALARM(a) OR NOT OK("b c")` or
/// `AT_LEAST(2, ALARM, (a, "b c"))`, each once, in their order in the rule.
///
/// At most [`MOST`]: each is compared with all others, and the rule is whatever a message says.
#[must_use]
pub fn children(rule: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = rule;
    while let Some((before, behind)) = rest.split_once('(')
        && found.len() < MOST
    {
        let function = before
            .rsplit(|character: char| !character.is_ascii_alphabetic() && character != '_')
            .next()
            .unwrap_or_default();
        rest = match function {
            "ALARM" | "OK" | "INSUFFICIENT_DATA" => {
                let (name, after) = reference(behind, &[')']);
                note(&mut found, &name);
                after
            }
            "AT_LEAST" => at_least(behind, &mut found),
            _ => behind,
        };
    }
    found
}

/// Reads what follows `AT_LEAST(`: the number and the state, then the alarms in inner
/// parentheses. Returns the rest after them.
fn at_least<'a>(arguments: &'a str, found: &mut Vec<String>) -> &'a str {
    let Some((_, mut rest)) = arguments.split_once('(') else { return "" };
    loop {
        let (name, after) = reference(rest, &[',', ')']);
        note(found, &name);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) if found.len() < MOST => rest = more,
            _ => return after,
        }
    }
}

fn note(found: &mut Vec<String>, name: &str) {
    if !name.is_empty() && !found.iter().any(|known| known == name) {
        found.push(name.to_owned());
    }
}

/// One alarm, quoted or not, and the rest after it. A quote within quotes has a backslash
/// before it (CloudWatch user guide, "Alarm references").
fn reference<'a>(text: &'a str, ends: &[char]) -> (String, &'a str) {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| ['"', '\''].contains(first)) else {
        let end = text.find(ends).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if character == quote => return (name.trim().to_owned(), &text[at + 1..]),
            _ => name.push(character),
        }
    }
    (name.trim().to_owned(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_arns_quotes_and_nesting() {
        assert_eq!(
            children(
                "(ALARM(a) OR ALARM(\"b (c) d\")) AND NOT (OK('e') AND INSUFFICIENT_DATA(a)) OR \
                 ALARM(arn:aws:cloudwatch:us-east-1:1:alarm:f g) AND TRUE"
            ),
            ["a", "b (c) d", "e", "arn:aws:cloudwatch:us-east-1:1:alarm:f g"]
        );
        assert_eq!(children(r#"ALARM("say \"hi\"") OR OK(b)"#), [r#"say "hi""#, "b"]);
    }

    #[test]
    fn at_least_some_of_many() {
        let arn = "arn:aws:cloudwatch:us-east-1:1:alarm:c";
        for (rule, expected) in [
            ("AT_LEAST(2, ALARM, (a, b, c))".to_owned(), vec!["a", "b", "c"]),
            (format!("AT_LEAST(50%, NOT OK, (a, {arn}))"), vec!["a", arn]),
            ("AT_LEAST( 1 , ALARM , ( \"b, (c)\" ,'d' ) )".to_owned(), vec!["b, (c)", "d"]),
            (
                "ALARM(a) AND (AT_LEAST(1, OK, (b, a)) OR NOT AT_LEAST(1, ALARM, (c))) AND OK(d)"
                    .to_owned(),
                vec!["a", "b", "c", "d"],
            ),
        ] {
            assert_eq!(children(&rule), expected, "{rule}");
        }
    }

    #[test]
    fn broken_rules_end() {
        for rule in [
            "",
            "ALARM(",
            "ALARM(\"",
            "ALARM(\"\\",
            "((((",
            "ALARM()",
            "AT_LEAST(",
            "AT_LEAST(2",
            "AT_LEAST(2, ALARM, (",
            "AT_LEAST(2, ALARM, (a, ",
            "AT_LEAST(2, ALARM, (,,,)",
            "AT_LEAST(2, ALARM, (\"",
        ] {
            let _ = children(rule);
        }
        assert_eq!(children("ALARM(\"open"), ["open"]);
        assert_eq!(children("AT_LEAST(2, ALARM, (a, b"), ["a", "b"]);
    }

    #[test]
    fn a_rule_with_thousands_of_names_is_not_read_to_its_end() {
        let names: Vec<String> = (0..60_000).map(|number| format!("alarm-{number}")).collect();
        let rule = format!("AT_LEAST(1, ALARM, ({}))", names.join(", "));
        assert_eq!(children(&rule).len(), MOST);
        let rule: Vec<String> = names.iter().map(|name| format!("ALARM({name})")).collect();
        assert_eq!(children(&rule.join(" OR ")).len(), MOST);
    }
}
