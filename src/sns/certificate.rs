//! A certificate that SNS signs messages with: its key, and until when it counts.

use chrono::{DateTime, Utc};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

/// What is needed of a certificate.
///
/// It is believed because it came over TLS from SNS's own host, which only Amazon has a
/// certificate for. Its issuers are not followed up to a root: the file holds no other
/// certificate, those above would have to be fetched over plain HTTP or kept here, and a
/// change of Amazon's would then cost pages to check once more what TLS has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The RSA key, as PKCS #1.
    pub(super) key: Vec<u8>,
    from: i64,
    until: i64,
}

impl Certificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// When it is none, is not for SNS under this domain, or holds no RSA key.
    pub(super) fn read(file: &[u8], domain: &str) -> Result<Self, &'static str> {
        let (_, pem) = parse_x509_pem(file).map_err(|_| "it is no certificate")?;
        let certificate = pem.parse_x509().map_err(|_| "it is no certificate")?;
        if !names(&certificate).iter().any(|name| is_sns(name, domain)) {
            return Err("the certificate is not for SNS");
        }
        let key = certificate.public_key();
        let Ok(PublicKey::RSA(_)) = key.parsed() else {
            return Err("the certificate's key is no RSA key");
        };
        Ok(Self {
            key: key.subject_public_key.data.to_vec(),
            from: certificate.validity().not_before.timestamp(),
            until: certificate.validity().not_after.timestamp(),
        })
    }

    /// Whether it counts at this time.
    pub(super) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        (self.from..=self.until).contains(&now.timestamp())
    }

    /// When it ends, in seconds since 1970.
    pub(super) fn until(&self) -> i64 {
        self.until
    }
}

/// The names it was issued to.
fn names<'a>(certificate: &'a X509Certificate<'_>) -> Vec<&'a str> {
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|names| &names.value.general_names);
    let dns = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    common.chain(dns).collect()
}

/// The names differ by Region: `sns.amazonaws.com`, `sns-signing.af-south-1.amazonaws.com`,
/// `sns-us-gov-west-1.amazonaws.com`, `sns-cn-north-1.amazonaws.com.cn` (AWS SDK for Java,
/// `SnsMessageManager`).
fn is_sns(name: &str, domain: &str) -> bool {
    let host = name.strip_suffix(domain).and_then(|host| host.strip_suffix('.'));
    host.is_some_and(|host| host == "sns" || host.starts_with("sns-") || host.starts_with("sns."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_every_partition() {
        let aws = "amazonaws.com";
        for name in [
            "sns.amazonaws.com",
            "sns.eu-west-1.amazonaws.com",
            "sns-signing.af-south-1.amazonaws.com",
            "sns-us-gov-west-1.amazonaws.com",
        ] {
            assert!(is_sns(name, aws), "{name}");
        }
        assert!(is_sns("sns-cn-north-1.amazonaws.com.cn", "amazonaws.com.cn"));
        for name in [
            "amazonaws.com",
            "sns.amazonaws.com.evil.example",
            "snsamazonaws.com",
            "snsx.amazonaws.com",
            "evil.amazonaws.com",
            "sns-cn-north-1.amazonaws.com.cn",
        ] {
            assert!(!is_sns(name, aws), "{name}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for file in ["", "<html>", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            assert!(Certificate::read(file.as_bytes(), "amazonaws.com").is_err(), "{file}");
        }
    }
}
