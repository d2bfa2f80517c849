//! Finds the metric that a Metrics Insights query reads.

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
    Some(Metric {
        namespace: identifier(source)?,
        name: identifier(name.trim())?,
        dimensions: contributor.map(|it| it.attributes.clone()).unwrap_or_default(),
        account: None,
    })
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
    use std::collections::BTreeMap;

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
