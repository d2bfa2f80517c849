//! A topic's ARN, and the host of SNS in its Region.

use std::fmt;
use std::str::FromStr;

use crate::aws::{Arn, Origin};

/// Longest name of a topic (SNS API reference, `CreateTopic`).
const LONGEST_NAME: usize = 256;

/// The ARN of a standard topic: a FIFO topic cannot notify an HTTPS endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    text: String,
    origin: Origin,
}

impl TopicArn {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The topic's account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.origin.account
    }

    /// The domain of AWS's services.
    pub(super) fn domain(&self) -> &'static str {
        self.origin.partition.dns_suffix()
    }

    /// The host of SNS in the topic's Region.
    pub(super) fn host(&self) -> String {
        format!("sns.{}.{}", self.origin.region, self.domain())
    }
}

impl FromStr for TopicArn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "must be the ARN of a standard SNS topic, such as \
                        arn:aws:sns:eu-west-1:123456789012:errors";
        let origin = Origin::from_arn(text).ok_or(expected)?;
        let arn = Arn::parse(text).filter(|arn| arn.service == "sns");
        let name = arn.ok_or(expected)?.resource;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_name);
        fits.then(|| Self { text: text.to_owned(), origin }).ok_or(expected)
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_that_of_the_topics_region() {
        for (topic, host) in [
            ("arn:aws:sns:eu-west-1:123456789012:errors", "sns.eu-west-1.amazonaws.com"),
            ("arn:aws-us-gov:sns:us-gov-west-1:1:a_B-9", "sns.us-gov-west-1.amazonaws.com"),
            ("arn:aws-cn:sns:cn-north-1:123456789012:e", "sns.cn-north-1.amazonaws.com.cn"),
            ("arn:aws-eusc:sns:eusc-de-east-1:123456789012:e", "sns.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(topic.parse::<TopicArn>().unwrap().host(), host);
        }
    }

    #[test]
    fn other_text_is_not_a_standard_topic() {
        for text in [
            "",
            "errors",
            "arn:aws:sqs:eu-west-1:123456789012:errors",
            "arn:aws:sns:eu-west-1:123456789012:",
            "arn:aws:sns:eu-west-1:123456789012:errors.fifo",
            "arn:aws:sns:eu-west-1:123456789012:errors:6590056b",
            "arn:aws:sns:eu-west-1:123456789012:errors\nType",
            "arn:aws:sns:evil.example/:123456789012:errors",
            "arn:elsewhere:sns:eu-west-1:123456789012:errors",
        ] {
            assert!(text.parse::<TopicArn>().is_err(), "{text}");
        }
    }
}
