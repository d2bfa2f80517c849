//! Finds the metric that a Metrics Insights query reads.

use std::collections::BTreeMap;

use super::{Contributor, Metric};

/// Reads `SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) …` or `… FROM
/// "Shop" …`; the contributor's attributes are the dimensions. None for any
/// other expression.
#[must_use]
pub fn metric_of(query: &str, contributor: Option<&Contributor>) -> Option<Metric> {
    let select = after(query, "SELECT")?;
    let name = select.split_once('(')?.1.split_once(')')?.0;
    let from = after(query, "FROM")?.trim_start();
    let source = match strip_word(from, "SCHEMA") {
        Some(schema) => schema.trim_start().strip_prefix('(')?.trim_start(),
        None => from,
    };
    let mut dimensions = conditions(query);
    dimensions.extend(contributor.map(|it| it.attributes.clone()).unwrap_or_default());
    Some(Metric {
        namespace: identifier(source)?,
        name: identifier(name.trim())?,
        dimensions,
        account: None,
    })
}

/// The dimensions that `WHERE a = 'x' AND "b" = 'y'` fixes.
fn conditions(query: &str) -> BTreeMap<String, String> {
    let Some(conditions) = after(query, " WHERE ") else { return BTreeMap::new() };
    let end = [" GROUP BY ", " ORDER BY ", " LIMIT "]
        .iter()
        .filter_map(|word| conditions.to_ascii_uppercase().find(word))
        .min();
    let conditions = &conditions[..end.unwrap_or(conditions.len())];
    if after(conditions, " OR ").is_some() {
        return BTreeMap::new();
    }
    let mut found = BTreeMap::new();
    let mut rest = conditions;
    while let Some((before, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let Some((value, after)) = behind.strip_prefix('\'').and_then(|it| it.split_once('\''))
        else {
            rest = behind;
            continue;
        };
        let unequal = before.trim_end().ends_with(['!', '<', '>']);
        let before = before.trim_end();
        let name = match before.strip_suffix('"').and_then(|it| it.rsplit_once('"')) {
            Some((_, quoted)) => &before[before.len() - quoted.len() - 2..],
            None => before.rsplit([' ', '(']).next().unwrap_or_default(),
        };
        if let Some(name) = identifier(name).filter(|_| !unequal) {
            found.insert(name, value.to_owned());
        }
        rest = after;
    }
    found
}

/// The text after a keyword, which can be in any case.
fn after<'a>(query: &'a str, keyword: &str) -> Option<&'a str> {
    let at = query.to_ascii_uppercase().find(keyword)?;
    query.get(at + keyword.len()..)
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// A name; it is quoted if it contains more than letters, digits and underscores.
fn identifier(text: &str) -> Option<String> {
    let name = if let Some(quoted) = text.strip_prefix('"') {
        quoted.split_once('"')?.0
    } else {
        let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
        &text[..end.unwrap_or(text.len())]
    };
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_schema() {
        let attributes = BTreeMap::from([("FunctionName".to_owned(), "checkout".to_owned())]);
        let contributor = Contributor { id: "c".into(), attributes };
        let metric = metric_of(
            r#"SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) GROUP BY FunctionName"#,
            Some(&contributor),
        )
        .unwrap();
        assert_eq!((metric.namespace.as_str(), metric.name.as_str()), ("AWS/Lambda", "Errors"));
        assert_eq!(metric.dimension("FunctionName"), Some("checkout"));
        let metric = metric_of(r#"select avg("p99 x") from Shop where a = 'b'"#, None).unwrap();
        assert_eq!((metric.namespace.as_str(), metric.name.as_str()), ("Shop", "p99 x"));
        assert_eq!(metric.dimension("a"), Some("b"));
        for (conditions, expected) in [
            ("WHERE FunctionName = 'f' AND \"Stage x\" = 'p' GROUP BY a", vec!["f", "p"]),
            ("WHERE FunctionName != 'f'", vec![]),
            ("WHERE FunctionName = 'f' OR FunctionName = 'g'", vec![]),
        ] {
            let query = format!("SELECT SUM(Errors) FROM \"AWS/Lambda\" {conditions}");
            let metric = metric_of(&query, None).unwrap();
            let values: Vec<&str> = metric.dimensions.values().map(String::as_str).collect();
            assert_eq!(values, expected, "{query}");
        }
    }

    #[test]
    fn other_expressions_read_no_metric() {
        for expression in [
            "100 * errors / calls",
            "ANOMALY_DETECTION_BAND(m1, 2)",
            "",
            "SELECT",
            "SELECT X( FROM",
            "SELECT SUM(a) FROM \"x",
            "SELECT ſUM(a) FROM SCHEMA",
        ] {
            let metric = metric_of(expression, None);
            assert!(metric.is_none() || expression.contains("SCHEMA"), "{expression}: {metric:?}");
        }
    }
}
