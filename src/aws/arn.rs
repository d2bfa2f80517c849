//! Where an alarm lives: partition, Region and account, read from ARNs.

/// The partition, Region and account a resource belongs to. Never empty, and the
/// Region is fit to be part of a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub partition: Partition,
    pub region: String,
    pub account: String,
}

/// A set of Regions with its own console and endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    Aws,
    China,
    GovCloud,
}

impl Partition {
    /// The partition named in the second field of an ARN.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "aws" => Some(Self::Aws),
            "aws-cn" => Some(Self::China),
            "aws-us-gov" => Some(Self::GovCloud),
            _ => None,
        }
    }

    /// The partition a Region belongs to, by its name's beginning.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::GovCloud
        } else {
            Self::Aws
        }
    }

    /// The name as it stands in ARNs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        }
    }

    /// The console's host name without its Region.
    #[must_use]
    pub fn console_host(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::China => "console.amazonaws.cn",
            Self::GovCloud => "console.amazonaws-us-gov.com",
        }
    }
}

impl Origin {
    /// Reads `arn:partition:service:region:account:…`; nothing when a part is
    /// missing or malformed.
    #[must_use]
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut fields = arn.splitn(6, ':');
        if fields.next() != Some("arn") {
            return None;
        }
        let partition = Partition::parse(fields.next()?)?;
        let _service = fields.next()?;
        let region = fields.next()?;
        let account = fields.next()?;
        fields.next()?;
        (is_region(region) && is_account(account)).then(|| Self {
            partition,
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }
}

/// Where this process runs, for notices that do not say where they come from.
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

/// Whether the text has the shape of a Region's name, so that it may become part
/// of an endpoint's host name.
pub(crate) fn is_region(text: &str) -> bool {
    text.contains('-')
        && text.len() <= 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

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
}
