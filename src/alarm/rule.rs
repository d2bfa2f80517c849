//! The children named in a composite alarm's rule.

/// The names or ARNs of all alarms in a rule such as `ALARM(a) OR NOT OK("b c")`,
/// each once, in the order they stand.
#[must_use]
pub fn children(rule: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = rule;
    while let Some((before, behind)) = rest.split_once('(') {
        let function = before
            .rsplit(|character: char| !character.is_ascii_alphabetic() && character != '_')
            .next()
            .unwrap_or_default();
        if !["ALARM", "OK", "INSUFFICIENT_DATA"].contains(&function) {
            rest = behind;
            continue;
        }
        let argument = behind.trim_start();
        let quote = argument.chars().next().filter(|first| ['"', '\''].contains(first));
        let (name, after) = match quote {
            Some(quote) => argument[1..].split_once(quote).unwrap_or((&argument[1..], "")),
            None => argument.split_once(')').unwrap_or((argument, "")),
        };
        let name = name.trim();
        if !name.is_empty() && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
        rest = after;
    }
    found
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
    }

    #[test]
    fn broken_rules_end() {
        for rule in ["", "ALARM(", "ALARM(\"", "((((", "ALARM()", "AT_LEAST(2, ALARM, (a, b))"] {
            let _ = children(rule);
        }
        assert_eq!(children("ALARM(\"open"), ["open"]);
    }
}
