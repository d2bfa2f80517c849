//! ARNs, and the place of a resource: partition, Region and account.

use super::partition::{Partition, is_region};

/// The fields of `arn:partition:service:region:account:resource`, unchecked. Some services leave
/// Region or account empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    /// The rest; it can hold more colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN of any partition.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.strip_prefix("arn:")?.splitn(5, ':');
        let mut next = || fields.next();
        Some(Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        })
    }
}

/// The partition, Region and account of a resource. Never empty; the Region is safe to use in a
/// host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub partition: Partition,
    pub region: String,
    pub account: String,
}

impl Origin {
    /// Reads it from an ARN. `None` if a part is missing or malformed.
    #[must_use]
    pub fn from_arn(arn: &str) -> Option<Self> {
        let Arn { partition, region, account, .. } = Arn::parse(arn)?;
        let partition = Partition::parse(partition)?;
        (is_region(region) && is_account(account)).then(|| Self {
            partition,
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// The ARN of a resource in this place.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let Self { partition, region, account } = self;
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition.name())
    }
}

/// Where this process runs, for notices that do not name their origin.
#[must_use]
pub fn home(region: &str, account: &str) -> Origin {
    let region = if is_region(region) { region } else { "us-east-1" };
    let account = if is_account(account) { account } else { "000000000000" };
    Origin {
        partition: Partition::of_region(region),
        region: region.to_owned(),
        account: account.to_owned(),
    }
}

/// The name in an alarm's ARN, which can contain colons; None for anything else.
#[must_use]
pub fn alarm_name(arn: &str) -> Option<&str> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "cloudwatch")?;
    arn.resource.strip_prefix("alarm:").filter(|name| !name.is_empty())
}

/// The name from a log group's ARN; a plain name is returned as it is.
#[must_use]
pub fn log_group_name(log_group: &str) -> &str {
    let arn = Arn::parse(log_group).filter(|arn| arn.service == "logs");
    match arn.and_then(|arn| arn.resource.strip_prefix("log-group:")) {
        Some(name) => name.trim_end_matches(":*"),
        None => log_group,
    }
}

/// Whether the text is an account number.
pub(crate) fn is_account(text: &str) -> bool {
    !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_partition() {
        let origin = Origin::from_arn("arn:aws-cn:sns:cn-north-1:123456789012:topic").unwrap();
        assert_eq!(origin.partition, Partition::China);
        assert_eq!(origin.region, "cn-north-1");
        assert_eq!(origin.account, "123456789012");
        let origin = Origin::from_arn("arn:aws-us-gov:sns:us-gov-west-1:1:t").unwrap();
        assert_eq!(origin.partition, Partition::GovCloud);
        for arn in [
            "arn:aws-eusc:sns:eusc-de-east-1:123456789012:topic",
            "arn:aws-iso-f:sns:us-isof-south-1:123456789012:topic",
        ] {
            assert_eq!(Origin::from_arn(arn).unwrap().arn("sns", "topic"), arn);
        }
    }

    #[test]
    fn a_region_that_could_name_another_host_is_refused() {
        for arn in [
            "arn:aws:sns:evil.example/:1:t",
            "arn:aws:sns:us-east-1@evil:1:t",
            "arn:aws:sns::1:t",
            "arn:aws:sns:us-east-1:abc:t",
            "arn:aws:sns:us-east-1",
            "not an arn",
        ] {
            assert_eq!(Origin::from_arn(arn), None, "{arn}");
        }
    }

    #[test]
    fn an_arn_of_a_partition_that_is_not_known_can_be_taken_apart() {
        let arn = Arn::parse("arn:elsewhere:logs::1:log-group:a:*").unwrap();
        assert_eq!((arn.partition, arn.region, arn.account), ("elsewhere", "", "1"));
        assert_eq!(arn.resource, "log-group:a:*");
        for text in ["", "arn:aws:sns:eu-west-1:1", "ARN:aws:sns:eu-west-1:1:t"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_group_by_its_name_or_its_arn() {
        for text in [
            "/aws/lambda/f",
            "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f",
            "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:*",
        ] {
            assert_eq!(log_group_name(text), "/aws/lambda/f");
        }
        assert_eq!(log_group_name("arn:aws:sns:eu-west-1:1:t"), "arn:aws:sns:eu-west-1:1:t");
    }
}
