//! The TLS client configurations: one stack, rustls with ring, for all that connects.

use std::sync::Arc;

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// Trusts Mozilla's root certificates, which are in the binary: nothing is read at start.
#[must_use]
pub fn bundled_config() -> ClientConfig {
    builder().with_root_certificates(mozilla()).with_no_client_auth()
}

/// Trusts the system's store as well, where an organisation's own authorities are.
///
/// Reads the store, which takes some milliseconds. What in it cannot be read is left out.
#[must_use]
pub fn system_config() -> ClientConfig {
    let mut roots = mozilla();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    builder().with_root_certificates(roots).with_no_client_auth()
}

/// The beginning of every configuration: the provider and the protocol versions.
pub(crate) fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .unwrap_or_else(|_| unreachable!("ring supports the default protocol versions"))
}

fn mozilla() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}
