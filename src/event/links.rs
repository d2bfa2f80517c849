//! Links into the AWS console, correct for every partition and every name.

use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::alarm::{Alarm, Origin};

/// The console's path segments take no reserved character as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The alarm's page in the CloudWatch console.
#[must_use]
pub fn alarm(alarm: &Alarm) -> String {
    format!("{}#alarmsV2:alarm/{}", console(&alarm.origin), encode(&alarm.name))
}

/// The log stream's page around a moment.
#[must_use]
pub fn log_stream(at: &Origin, log_group: &str, stream: &str, moment: DateTime<Utc>) -> String {
    let (start, end) = (moment - TimeDelta::minutes(1), moment + TimeDelta::minutes(1));
    let query = format!("?start={}&end={}", start.timestamp_millis(), end.timestamp_millis());
    format!(
        "{}#logsV2:log-groups/log-group/{}/log-events/{}{}",
        console(at),
        fragment(log_group),
        fragment(stream),
        // Within the fragment the console writes the query's own signs as $3F, $3D, $26.
        encode(&query).replace('%', "$"),
    )
}

fn console(at: &Origin) -> String {
    let (region, host) = (&at.region, at.partition.console_host());
    format!("https://{region}.{host}/cloudwatch/home?region={region}")
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
    use crate::alarm::sns::home;

    #[test]
    fn slashes_and_dollars_in_names() {
        let link = log_stream(
            &home("ap-northeast-1", "1"),
            "/aws/lambda/checkout",
            "2025/02/02/[$LATEST]a1b2",
            DateTime::from_timestamp_millis(1_738_497_931_120).unwrap(),
        );
        assert_eq!(
            link,
            "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1\
             #logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout/log-events/\
             2025$252F02$252F02$252F$255B$2524LATEST$255Da1b2\
             $3Fstart$3D1738497871120$26end$3D1738497991120"
        );
    }

    #[test]
    fn other_partitions_have_other_hosts() {
        let link = log_stream(&home("cn-north-1", "1"), "g", "s", DateTime::UNIX_EPOCH);
        assert!(link.starts_with("https://cn-north-1.console.amazonaws.cn/cloudwatch/"), "{link}");
        let link = log_stream(&home("us-gov-east-1", "1"), "g", "s", DateTime::UNIX_EPOCH);
        assert!(link.starts_with("https://us-gov-east-1.console.amazonaws-us-gov.com/"), "{link}");
    }
}
