//! The tags on an alarm that Pagetrail reads: their names and meaning.

use std::collections::BTreeMap;

/// An alarm's tags: names and values.
pub type Tags = BTreeMap<String, String>;

/// The log groups to search, separated by spaces.
pub const LOG_GROUP: &str = "pagetrail:log-group";
/// What to search for in a log group.
pub const PATTERN: &str = "pagetrail:pattern";
/// The severity, by PagerDuty's name or by rank.
pub const SEVERITY: &str = "pagetrail:severity";
/// The address of the runbook.
pub const RUNBOOK: &str = "pagetrail:runbook";
/// The pool of routing keys that the incident goes through.
pub const TARGET: &str = "pagetrail:target";

/// The log groups that the user names.
pub fn log_groups(tags: &Tags) -> impl Iterator<Item = &str> {
    let groups = value(tags, LOG_GROUP).unwrap_or_default().split_whitespace();
    // The console shows a log group's ARN with `:*` at the end, which no search accepts.
    groups.map(|group| group.trim_end_matches(":*"))
}

/// The filter pattern in the tag. A tag's value can contain only letters, digits, spaces and
/// `+ - = . _ : / @`, so `any: ERROR FATAL` means the pattern `?"ERROR" ?"FATAL"`. Any other
/// value is used as the pattern unchanged.
#[must_use]
pub fn pattern(tags: &Tags) -> Option<String> {
    let value = value(tags, PATTERN)?;
    let Some(words) = value.strip_prefix("any:") else { return Some(value.to_owned()) };
    let terms: Vec<String> = words
        .split_whitespace()
        .map(|word| word.replace(['"', '\\'], ""))
        .map(|word| format!("?\"{word}\""))
        .collect();
    Some(terms.join(" ")).filter(|pattern| !pattern.is_empty())
}

/// The severity in the tag, unchecked.
#[must_use]
pub fn severity(tags: &Tags) -> Option<&str> {
    value(tags, SEVERITY)
}

/// The runbook's address, unchecked.
#[must_use]
pub fn runbook(tags: &Tags) -> Option<&str> {
    value(tags, RUNBOOK)
}

/// The name of the pool of routing keys, unchecked.
#[must_use]
pub fn target(tags: &Tags) -> Option<&str> {
    value(tags, TARGET)
}

fn value<'a>(tags: &'a Tags, name: &str) -> Option<&'a str> {
    tags.get(name).map(|value| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(name: &str, value: &str) -> Tags {
        Tags::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn log_groups_by_name_and_arn() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/shop";
        let tags = tags(LOG_GROUP, &format!(" /ecs/shop  {arn}:* "));
        assert_eq!(log_groups(&tags).collect::<Vec<_>>(), ["/ecs/shop", arn]);
        assert_eq!(log_groups(&Tags::new()).count(), 0);
    }

    #[test]
    fn a_pattern_as_it_is_or_any_of_several_words() {
        for (value, expected) in [
            ("?Oops ?\"no stock\"", Some("?Oops ?\"no stock\"")),
            ("any: ERROR level=fatal", Some("?\"ERROR\" ?\"level=fatal\"")),
            ("any: a\"b", Some("?\"ab\"")),
            ("any: ", None),
        ] {
            assert_eq!(pattern(&tags(PATTERN, value)).as_deref(), expected, "{value}");
        }
        assert_eq!(pattern(&Tags::new()), None);
    }

    #[test]
    fn the_others_are_trimmed() {
        assert_eq!(severity(&tags(SEVERITY, " P1 ")), Some("P1"));
        assert_eq!(runbook(&tags(RUNBOOK, "https://wiki.example ")), Some("https://wiki.example"));
        assert_eq!(target(&tags(TARGET, " db")), Some("db"));
        assert_eq!(target(&Tags::new()), None);
    }
}
