//! Partitions: sets of Regions with their own ARNs, endpoints and console.

/// A set of Regions with its own console and endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    Aws,
    China,
    GovCloud,
    /// The AWS European Sovereign Cloud.
    EuSovereign,
    /// The isolated partitions, which are not connected to the internet.
    Iso,
    IsoB,
    IsoE,
    IsoF,
}

/// What differs between partitions.
struct Row {
    /// The name in ARNs.
    name: &'static str,
    /// The prefix of its Regions' names.
    regions: &'static str,
    /// The domain of its endpoints.
    dns_suffix: &'static str,
    /// The console's host, after the Region; `None` if it is not public.
    console: Option<&'static str>,
}

impl Partition {
    /// The last one is the partition of all other Regions.
    const ALL: [Self; 8] = [
        Self::China,
        Self::GovCloud,
        Self::EuSovereign,
        Self::Iso,
        Self::IsoB,
        Self::IsoE,
        Self::IsoF,
        Self::Aws,
    ];

    /// Names, Regions and domains are from the SDKs (botocore's `partitions.json`). In every
    /// partition each Region has its own console host; AWS's documents link to these hosts (General
    /// Reference, "Management Console endpoints"; ECS Developer Guide, "Linux AMIs").
    const fn row(self) -> Row {
        let (name, regions, dns_suffix, console) = match self {
            Self::Aws => ("aws", "", "amazonaws.com", Some("console.aws.amazon.com")),
            Self::China => ("aws-cn", "cn-", "amazonaws.com.cn", Some("console.amazonaws.cn")),
            Self::GovCloud => {
                ("aws-us-gov", "us-gov-", "amazonaws.com", Some("console.amazonaws-us-gov.com"))
            }
            Self::EuSovereign => {
                ("aws-eusc", "eusc-", "amazonaws.eu", Some("console.amazonaws-eusc.eu"))
            }
            Self::Iso => ("aws-iso", "us-iso-", "c2s.ic.gov", None),
            Self::IsoB => ("aws-iso-b", "us-isob-", "sc2s.sgov.gov", None),
            Self::IsoE => ("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", None),
            Self::IsoF => ("aws-iso-f", "us-isof-", "csp.hci.ic.gov", None),
        };
        Row { name, regions, dns_suffix, console }
    }

    /// The partition named in an ARN's second field.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The partition of a Region, by the prefix of its name.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let found = Self::ALL.into_iter().find(|it| region.starts_with(it.row().regions));
        found.unwrap_or(Self::Aws)
    }

    /// The name in ARNs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The domain of its services' endpoints.
    #[must_use]
    pub const fn dns_suffix(self) -> &'static str {
        self.row().dns_suffix
    }

    /// The host of a Region's console; `None` if it is not public.
    #[must_use]
    pub fn console_host(self, region: &str) -> Option<String> {
        self.row().console.map(|host| format!("{region}.{host}"))
    }
}

/// Whether the text looks like a Region's name, such as `eu-west-1`, so that it is safe in a host
/// name.
pub(crate) fn is_region(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_number =
        |text: &str| matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 32
        && text.rsplit_once('-').is_some_and(|(words, number)| {
            words.contains('-') && words.split('-').all(is_word) && is_number(number)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_partition_and_its_console() {
        for (region, name, console) in [
            ("eu-west-1", "aws", Some("eu-west-1.console.aws.amazon.com")),
            ("mx-central-1", "aws", Some("mx-central-1.console.aws.amazon.com")),
            ("cn-northwest-1", "aws-cn", Some("cn-northwest-1.console.amazonaws.cn")),
            ("us-gov-east-1", "aws-us-gov", Some("us-gov-east-1.console.amazonaws-us-gov.com")),
            ("eusc-de-east-1", "aws-eusc", Some("eusc-de-east-1.console.amazonaws-eusc.eu")),
            ("us-iso-east-1", "aws-iso", None),
            ("us-isob-east-1", "aws-iso-b", None),
            ("eu-isoe-west-1", "aws-iso-e", None),
            ("us-isof-south-1", "aws-iso-f", None),
        ] {
            assert!(is_region(region), "{region}");
            let partition = Partition::of_region(region);
            assert_eq!((partition.name(), Partition::parse(name)), (name, Some(partition)));
            assert_eq!(partition.console_host(region).as_deref(), console);
        }
        assert_eq!(Partition::parse("elsewhere"), None);
    }

    #[test]
    fn other_text_is_not_a_region() {
        for text in [
            "",
            "-",
            "--1",
            "east",
            "eu-1",
            "eu-west",
            "eu-west-",
            "eu-west-100",
            "eu--west-1",
            "eu-west-1a",
            "EU-west-1",
            "eu-w.st-1",
            "evil.example/",
            "eu-west-1@evil",
        ] {
            assert!(!is_region(text), "{text}");
        }
    }
}
