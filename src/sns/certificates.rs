//! The certificates that were fetched, and the fetches that failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use url::Url;

use super::certificate::Certificate;
use super::fetch::{Fetch, FetchError};
use crate::lock::lock;
use crate::telemetry::Signal;

/// Each Region's SNS has few certificates, and changes them about once a year.
const MOST_KNOWN: usize = 16;
/// How long a fetch that failed is not repeated.
const PAUSE: Duration = Duration::from_secs(10);
/// Failures within one pause after which nothing is fetched: whoever knows a topic's ARN
/// can make up addresses, and each would be one more request to SNS. While somebody does,
/// a new certificate waits too; a known one does not.
const MOST_FAILURES: usize = 16;

/// Certificates by their addresses.
#[derive(Default)]
pub(super) struct Certificates {
    // The standard library's lock: nothing awaits while it is held.
    known: Mutex<HashMap<Url, Arc<Certificate>>>,
    // The async lock: one fetches, and the others wait for what it brings.
    failures: tokio::sync::Mutex<Vec<(Url, Instant)>>,
}

/// Why there is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unavailable {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Unusable(&'static str),
    #[error("it has ended or not begun yet, or this machine's clock is wrong")]
    NotValid,
    #[error("fetching failed a moment ago")]
    Paused,
}

impl Certificates {
    /// The certificate at an address of SNS's own.
    ///
    /// # Errors
    /// When it cannot be had now.
    pub(super) async fn get(
        &self,
        url: &Url,
        domain: &str,
        fetch: &impl Fetch,
        now: DateTime<Utc>,
    ) -> Result<Arc<Certificate>, Unavailable> {
        if let Some(certificate) = self.known_at(url, now) {
            return Ok(certificate);
        }
        let mut failures = self.failures.lock().await;
        if let Some(certificate) = self.known_at(url, now) {
            return Ok(certificate);
        }
        failures.retain(|(_, at)| at.elapsed() < PAUSE);
        if failures.len() >= MOST_FAILURES || failures.iter().any(|(failed, _)| failed == url) {
            return Err(Unavailable::Paused);
        }
        match fetched(url, domain, fetch, now).await {
            Ok(certificate) => {
                let certificate = Arc::new(certificate);
                self.keep(url, &certificate, now);
                Ok(certificate)
            }
            Err(why) => {
                failures.push((url.clone(), Instant::now()));
                let what = format!("SNS's messages cannot be verified: {url}: {why}");
                Signal::TopicFault { what: &what }.tell();
                Err(why)
            }
        }
    }

    fn known_at(&self, url: &Url, now: DateTime<Utc>) -> Option<Arc<Certificate>> {
        self.known().get(url).filter(|certificate| certificate.is_valid(now)).cloned()
    }

    fn keep(&self, url: &Url, certificate: &Arc<Certificate>, now: DateTime<Utc>) {
        let mut known = self.known();
        known.retain(|_, certificate| certificate.is_valid(now));
        if known.len() >= MOST_KNOWN {
            let first = known.iter().min_by_key(|(_, certificate)| certificate.until());
            if let Some(url) = first.map(|(url, _)| url.clone()) {
                known.remove(&url);
            }
        }
        known.insert(url.clone(), Arc::clone(certificate));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Url, Arc<Certificate>>> {
        lock(&self.known)
    }
}

async fn fetched(
    url: &Url,
    domain: &str,
    fetch: &impl Fetch,
    now: DateTime<Utc>,
) -> Result<Certificate, Unavailable> {
    let file = fetch.get(url).await?;
    let certificate = Certificate::read(&file, domain).map_err(Unavailable::Unusable)?;
    if certificate.is_valid(now) { Ok(certificate) } else { Err(Unavailable::NotValid) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::TimeDelta;
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

    use super::*;

    const KEY: &str = include_str!("../../tests/fixtures/sns/test-only-key.pem");
    const DOMAIN: &str = "amazonaws.com";

    /// Certificates from an hour ago until the hour that their address's port tells.
    #[derive(Default)]
    struct Host(AtomicUsize);

    impl Fetch for Host {
        async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap();
            let hour = |hours: i64| {
                std::time::SystemTime::from(Utc::now() + TimeDelta::hours(hours)).into()
            };
            params.not_before = hour(-1);
            params.not_after = hour(url.port().unwrap().into());
            let key = KeyPair::from_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256).unwrap();
            Ok(params.self_signed(&key).unwrap().pem().into_bytes())
        }
    }

    fn until_hour(hour: usize) -> Url {
        format!("https://sns.amazonaws.com:{hour}/").parse().unwrap()
    }

    #[tokio::test]
    async fn a_certificate_that_ended_is_not_used_and_not_kept() {
        let (certificates, host) = (Certificates::default(), Host::default());
        let at = |hours| Utc::now() + TimeDelta::hours(hours);
        for now in [at(0), at(1)] {
            certificates.get(&until_hour(2), DOMAIN, &host, now).await.unwrap();
        }
        assert_eq!(host.0.load(Ordering::Relaxed), 1);
        let ended = certificates.get(&until_hour(2), DOMAIN, &host, at(3)).await;
        assert_eq!(ended, Err(Unavailable::NotValid));
        certificates.get(&until_hour(9), DOMAIN, &host, at(3)).await.unwrap();
        assert_eq!(certificates.known().len(), 1);
    }

    #[tokio::test]
    async fn only_some_are_kept_and_those_that_end_first_go() {
        let (certificates, host) = (Certificates::default(), Host::default());
        for hour in 1..=MOST_KNOWN + 2 {
            certificates.get(&until_hour(hour), DOMAIN, &host, Utc::now()).await.unwrap();
        }
        assert_eq!(certificates.known().len(), MOST_KNOWN);
        assert!(certificates.known_at(&until_hour(2), Utc::now()).is_none());
        assert!(certificates.known_at(&until_hour(3), Utc::now()).is_some());
    }
}
