//! Where `pagetrail send` sends to, and whether the peer must prove who it is.

use url::Url;

use crate::http::url::is_safe;
use crate::pagerduty::Endpoint;

/// The variable that names the server, as PDaltagent's `pd-send` has it.
pub(super) const BASE_URL: &str = "PDSEND_EVENTS_BASE_URL";
/// The variable that turns off the check of certificates.
pub(super) const SKIP_CERT_VERIFY: &str = "PDSEND_SKIP_CERT_VERIFY";
const PAGERDUTY: &str = "https://events.pagerduty.com";

/// An Events API's base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target(Url);

/// How the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certificates {
    Checked,
    /// Any is accepted: PDaltagent's server makes its own.
    Unchecked,
}

impl Target {
    /// The option's URL, else the variable's, else PagerDuty.
    ///
    /// # Errors
    /// What is wrong with it, with the name of the option or variable.
    pub(super) fn choose(option: Option<&str>, variable: Option<&str>) -> Result<Self, String> {
        let (name, given) = match (option, variable) {
            (Some(url), _) => ("--url", url),
            (None, Some(url)) => (BASE_URL, url),
            (None, None) => ("--url", PAGERDUTY),
        };
        let wrong = || {
            format!(
                "{name} must be a URL that begins with https:// (or http://), \
                 such as {PAGERDUTY}"
            )
        };
        let mut url = Url::parse(given.trim()).map_err(|_| wrong())?;
        let http = matches!(url.scheme(), "https" | "http") && url.has_host();
        if !http || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong());
        }
        // The whole address of an endpoint works like its base URL.
        let path = url.path().trim_end_matches('/');
        let base = [Endpoint::V2.route(), Endpoint::Change.route()]
            .iter()
            .find_map(|endpoint| path.strip_suffix(endpoint))
            .unwrap_or(path)
            .trim_end_matches('/')
            .to_owned();
        url.set_path(&base);
        Ok(Self(url))
    }

    /// The address of an endpoint.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// Whether others in the network could read the key.
    pub(super) fn is_readable_by_others(&self) -> bool {
        !is_safe(&self.0)
    }

    /// The server's name, without what can be secret in a URL.
    pub(super) fn name(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl Certificates {
    /// Reads the value of [`SKIP_CERT_VERIFY`].
    ///
    /// # Errors
    /// If it says neither yes nor no.
    pub(super) fn read(skip: Option<&str>) -> Result<Self, String> {
        match skip.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "false" | "0" | "no" | "off" => Ok(Self::Checked),
            "true" | "1" | "yes" | "on" => Ok(Self::Unchecked),
            _ => Err(format!("{SKIP_CERT_VERIFY} must be true or false")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<String, String> {
        Ok(Target::choose(Some(url), None)?.endpoint("/v2/enqueue").into())
    }

    #[test]
    fn a_base_url_becomes_an_endpoint() {
        for (url, expected) in [
            ("https://events.eu.pagerduty.com", "https://events.eu.pagerduty.com/v2/enqueue"),
            ("https://localhost:8443/", "https://localhost:8443/v2/enqueue"),
            ("http://[::1]:8080/a//", "http://[::1]:8080/a/v2/enqueue"),
            ("https://h/a/v2/enqueue", "https://h/a/v2/enqueue"),
            ("https://h/v2/change/enqueue/", "https://h/v2/enqueue"),
        ] {
            assert_eq!(endpoint(url).unwrap(), expected);
        }
        for wrong in ["", "localhost:8443", "10.0.0.1", "ftp://h", "https://", "https://h/?k=1"] {
            assert!(endpoint(wrong).unwrap_err().contains("--url must be"), "{wrong}");
        }
    }

    #[test]
    fn the_option_goes_before_the_variable() {
        let name = |option, variable| Ok::<_, String>(Target::choose(option, variable)?.name());
        assert_eq!(name(Some("http://a"), Some("http://b")).unwrap(), "http://a");
        assert_eq!(name(None, Some("http://u:secret@b")).unwrap(), "http://b");
        assert_eq!(name(None, None).unwrap(), PAGERDUTY);
        assert!(name(None, Some("b")).unwrap_err().contains(BASE_URL));
    }

    #[test]
    fn only_plain_http_to_elsewhere_is_readable_by_others() {
        for (url, readable) in [
            ("https://10.0.0.1", false),
            ("http://127.0.0.1:8080", false),
            ("http://localhost", false),
            ("http://10.0.0.1", true),
            ("http://localhost.example", true),
        ] {
            let target = Target::choose(Some(url), None).unwrap();
            assert_eq!(target.is_readable_by_others(), readable, "{url}");
        }
    }

    #[test]
    fn false_means_false() {
        for no in [None, Some(""), Some("false"), Some("FALSE"), Some("0"), Some("no")] {
            assert_eq!(Certificates::read(no), Ok(Certificates::Checked), "{no:?}");
        }
        for yes in ["true", "True", "1", "yes"] {
            assert_eq!(Certificates::read(Some(yes)), Ok(Certificates::Unchecked), "{yes}");
        }
        assert!(Certificates::read(Some("flase")).unwrap_err().contains(SKIP_CERT_VERIFY));
    }
}
