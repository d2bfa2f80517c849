//! A certificate that SNS signs messages with: its key and its validity.

use chrono::{DateTime, Utc};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

/// The parts of a certificate that are used.
///
/// It is trusted because it came over TLS from SNS's own host, and only Amazon has a certificate
/// for that host. Its chain is not checked up to a root. The file contains no other certificate, so
/// the issuers would have to be fetched over plain HTTP or stored here. If Amazon changed them,
/// pages would be lost for a check that TLS has already done.
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
    /// When it is not a certificate, is not for SNS in this domain, or has no RSA key.
    pub(super) fn read(file: &[u8], domain: &str) -> Result<Self, &'static str> {
        let (_, pem) = parse_x509_pem(file).map_err(|_| "it is not a certificate")?;
        let certificate = pem.parse_x509().map_err(|_| "it is not a certificate")?;
        if !names(&certificate).iter().any(|name| is_sns(name, domain)) {
            return Err("the certificate is not for SNS");
        }
        let key = certificate.public_key();
        let Ok(PublicKey::RSA(_)) = key.parsed() else {
            return Err("the certificate's key is not an RSA key");
        };
        Ok(Self {
            key: key.subject_public_key.data.to_vec(),
            from: certificate.validity().not_before.timestamp(),
            until: certificate.validity().not_after.timestamp(),
        })
    }

    /// Whether the certificate is valid at this time.
    pub(super) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        (self.from..=self.until).contains(&now.timestamp())
    }

    /// When its validity ends, in seconds since 1970.
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
    fn other_text_is_not_a_certificate() {
        for file in ["", "<html>", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            assert!(Certificate::read(file.as_bytes(), "amazonaws.com").is_err(), "{file}");
        }
    }
}
