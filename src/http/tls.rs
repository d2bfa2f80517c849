//! TLS configurations for all listeners and clients: rustls with ring.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

/// Trusts Mozilla's root certificates. They are in the binary, so nothing is read at start.
#[must_use]
pub fn bundled_config() -> ClientConfig {
    builder().with_root_certificates(mozilla()).with_no_client_auth()
}

/// Also trusts the system's store, which holds an organisation's own authorities.
///
/// Reads the store, which takes some milliseconds. Unreadable certificates are skipped.
#[must_use]
pub fn system_config() -> ClientConfig {
    let mut roots = mozilla();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    builder().with_root_certificates(roots).with_no_client_auth()
}

/// The configuration of a listener, from two PEM files: the certificate with its chain, and its
/// key.
///
/// # Errors
/// When a file cannot be read, or the two do not belong together. The text names the file.
pub fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let in_file = |path: &Path, what: &str, error: rustls::pki_types::pem::Error| {
        format!("{}: no {what} can be read: {error}", path.display())
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| in_file(certificate, "certificate", error))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| in_file(key, "private key", error))?;
    let unusable = |error: rustls::Error| {
        let (certificate, key) = (certificate.display(), key.display());
        format!("{certificate} and {key} cannot be used together: {error}")
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The start of every client's configuration: the provider and the protocol versions.
pub(crate) fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .unwrap_or_else(|_| unreachable!("ring supports the default protocol versions"))
}

fn mozilla() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}
