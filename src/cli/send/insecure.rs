//! A TLS configuration that accepts any certificate, for `PDSEND_SKIP_CERT_VERIFY` alone:
//! PDaltagent's server makes its own certificate, and its `pd-send` is set to accept it.
//! reqwest's own switch for this has no effect on a configuration that is handed to it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::http::tls;

/// Encrypts, but does not check who is at the other end.
pub(super) fn config() -> ClientConfig {
    let builder = tls::builder();
    let schemes = builder.crypto_provider().signature_verification_algorithms.supported_schemes();
    builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAny { schemes }))
        .with_no_client_auth()
}

#[derive(Debug)]
struct TakesAny {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for TakesAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature by a certificate that anybody can make proves nothing, and checking it
    // would refuse the X.509 version 1 certificates of old self-signing scripts.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
