//! Links to the AWS console, correct for every partition and every name. If the console's address
//! is not public, there are no links.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use url::Url;

use crate::alarm::Alarm;
use crate::aws::Origin;
use crate::evidence::Window;
use crate::pagerduty::Link;

/// In the console's path segments, every reserved character must be escaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters that need no escaping in a query for Logs Insights.
const STARRED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Longer addresses are not taken for a runbook.
const LONGEST_ADDRESS: usize = 2_000;

/// The alarm's page in the CloudWatch console.
#[must_use]
pub fn alarm(alarm: &Alarm) -> Option<String> {
    Some(format!("{}#alarmsV2:alarm/{}", console(&alarm.origin)?, encode(&alarm.name)))
}

/// The log stream's page around a moment.
#[must_use]
pub fn log_stream(
    at: &Origin,
    log_group: &str,
    stream: &str,
    moment: DateTime<Utc>,
) -> Option<String> {
    let (start, end) = (moment - TimeDelta::minutes(1), moment + TimeDelta::minutes(1));
    let query = format!("?start={}&end={}", start.timestamp_millis(), end.timestamp_millis());
    Some(format!(
        "{}#logsV2:log-groups/log-group/{}/log-events/{}{}",
        console(at)?,
        fragment(log_group),
        fragment(stream),
        // In the fragment, the console writes the query's `?`, `=` and `&` as $3F, $3D, $26.
        encode(&query).replace('%', "$"),
    ))
}

/// Logs Insights with a query that is ready to run, for one id or for every line of a time span.
#[must_use]
pub fn insights(
    at: &Origin,
    log_groups: &[String],
    id: Option<&str>,
    window: Window,
) -> Option<String> {
    let filter = id.map(|id| format!("| filter @message like \"{id}\"\n")).unwrap_or_default();
    let query = format!("fields @timestamp, @message\n{filter}| sort @timestamp\n| limit 1000");
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let groups: Vec<String> = log_groups.iter().map(|group| star(group)).collect();
    let groups = groups.join("~'");
    let detail = format!(
        "~(end~'{}~start~'{}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{}~source~(~'{groups}))",
        star(&time(window.end)),
        star(&time(window.start)),
        star(&query),
    );
    Some(format!("{}#logsV2:logs-insights$3FqueryDetail$3D{detail}", console(at)?))
}

/// The trace in X-Ray, by its id in X-Ray's form.
#[must_use]
pub fn trace(at: &Origin, id: &str) -> Option<String> {
    Some(format!("{}#xray:traces/{}", console(at)?, encode(id)))
}

/// The runbook: the address in the tag, else the first https address after the word `runbook` in
/// the description, else the first https address there.
#[must_use]
pub fn runbook(tag: Option<&str>, description: Option<&str>) -> Option<Link> {
    if let Some(href) = tag.and_then(first_address) {
        return Some(Link { href, text: "Runbook".to_owned() });
    }
    let description = description?;
    let named = description.to_ascii_lowercase().find("runbook");
    if let Some(href) = named.and_then(|at| first_address(description.get(at..)?)) {
        return Some(Link { href, text: "Runbook".to_owned() });
    }
    let href = first_address(description)?;
    Some(Link { href, text: "Link in the alarm's description".to_owned() })
}

fn first_address(text: &str) -> Option<String> {
    let address = &text[text.find("https://")?..];
    let end = address.find(|character: char| {
        character.is_whitespace() || character.is_control() || "<>\"')]|".contains(character)
    });
    let address = address[..end.unwrap_or(address.len())].trim_end_matches(['.', ',', ';']);
    let parsed = Url::parse(address).ok().filter(Url::has_host)?;
    (parsed.as_str().len() <= LONGEST_ADDRESS).then(|| parsed.to_string())
}

/// Logs Insights writes every character except letters, digits and `_ . -` as `*` and two hex
/// digits.
fn star(text: &str) -> String {
    utf8_percent_encode(text, STARRED).to_string().replace('%', "*")
}

fn console(at: &Origin) -> Option<String> {
    let (region, host) = (&at.region, at.partition.console_host(&at.region)?);
    Some(format!("https://{host}/cloudwatch/home?region={region}"))
}

/// The console decodes names in its fragment twice, the second time with `$` for `%`.
fn fragment(name: &str) -> String {
    encode(&encode(name)).replace('%', "$")
}

fn encode(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::home;

    #[test]
    fn slashes_and_dollars_in_names() {
        let link = log_stream(
            &home("ap-northeast-1", "1"),
            "/aws/lambda/checkout",
            "2025/02/02/[$LATEST]a1b2",
            DateTime::from_timestamp_millis(1_738_497_931_120).unwrap(),
        )
        .unwrap();
        assert_eq!(
            link,
            "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1\
             #logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout/log-events/\
             2025$252F02$252F02$252F$255B$2524LATEST$255Da1b2\
             $3Fstart$3D1738497871120$26end$3D1738497991120"
        );
    }

    #[test]
    fn a_query_for_one_id() {
        let window = Window {
            start: "2026-11-14T03:04:30Z".parse().unwrap(),
            end: "2026-11-14T03:06:30Z".parse().unwrap(),
        };
        let link =
            insights(&home("us-east-1", "1"), &["/aws/lambda/a$b".into()], Some("id-1"), window)
                .unwrap();
        assert_eq!(
            link,
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1\
             #logsV2:logs-insights$3FqueryDetail$3D~(end~'2026-11-14T03*3A06*3A30.000Z~start~\
             '2026-11-14T03*3A04*3A30.000Z~timeType~'ABSOLUTE~tz~'UTC~editorString~'fields*20\
             *40timestamp*2C*20*40message*0A*7C*20filter*20*40message*20like*20*22id-1*22*0A*7C\
             *20sort*20*40timestamp*0A*7C*20limit*201000~source~(~'*2Faws*2Flambda*2Fa*24b))"
        );
    }

    #[test]
    fn the_runbook_is_the_tagged_one_else_the_one_named_so() {
        let href = |tag, description| runbook(tag, description).map(|link| link.href);
        let both = Some("See https://a.example/x. Runbook: [here](https://b.example/y).");
        assert_eq!(href(Some("https://t.example"), both).as_deref(), Some("https://t.example/"));
        assert_eq!(href(None, both).as_deref(), Some("https://b.example/y"));
        assert_eq!(
            href(None, Some("see https://a.example/x.")).as_deref(),
            Some("https://a.example/x")
        );
        for nothing in ["javascript:alert(1)", "http://a.example", "https://", "runbook"] {
            assert_eq!(href(Some(nothing), Some(nothing)), None, "{nothing}");
        }
    }

    #[test]
    fn other_partitions_have_other_hosts() {
        let stream = |region| log_stream(&home(region, "1"), "g", "s", DateTime::UNIX_EPOCH);
        let link = stream("cn-north-1").unwrap();
        assert!(link.starts_with("https://cn-north-1.console.amazonaws.cn/cloudwatch/"), "{link}");
        let link = stream("us-gov-east-1").unwrap();
        assert!(link.starts_with("https://us-gov-east-1.console.amazonaws-us-gov.com/"), "{link}");
        let link = stream("eusc-de-east-1").unwrap();
        assert!(link.starts_with("https://eusc-de-east-1.console.amazonaws-eusc.eu/"), "{link}");
        assert_eq!(stream("us-iso-east-1"), None);
    }
}
