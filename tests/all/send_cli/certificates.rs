//! HTTPS: whose certificates are taken.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use pagetrail::sandbox::{Sandbox, Settings, router};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;

use super::{Ended, Run, TRIGGER};

/// The sandbox behind a certificate that only it has signed.
pub(super) struct SelfSigned {
    pub(super) address: SocketAddr,
    pub(super) certificate: NamedTempFile,
}

impl SelfSigned {
    pub(super) fn start(name: &str) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        let mut certificate = NamedTempFile::new().unwrap();
        certificate.write_all(cert.pem().as_bytes()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let config = RustlsConfig::from_config(Arc::new(config));
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        let router = router(Sandbox::new(Settings::default()));
        tokio::spawn(server.serve(router.into_make_service()));
        Self { address, certificate }
    }

    async fn send(&self, variable: &str, value: &str) -> Ended {
        let url = format!("https://localhost:{}", self.address.port());
        let variables = [("PDSEND_EVENTS_BASE_URL", &*url), (variable, value)];
        Run::with(&variables).send(&TRIGGER).await
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = SelfSigned::start("localhost");
    for value in ["", "false", "False", "0", "no"] {
        let ended = server.send("PDSEND_SKIP_CERT_VERIFY", value).await;
        ended.failed(1, "pagetrail: not sent: no connection to https://localhost:");
        assert!(ended.err.contains("certificate: UnknownIssuer"), "{}", ended.err);
        assert!(ended.err.contains("PDSEND_SKIP_CERT_VERIFY=true accepts any"), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[tokio::test]
async fn any_certificate_is_taken_where_asked() {
    for name in ["localhost", "somebody.else.example"] {
        let server = SelfSigned::start(name);
        let ended = server.send("PDSEND_SKIP_CERT_VERIFY", "true").await;
        assert_eq!((ended.code, &*ended.err), (0, ""));
        assert!(ended.out.contains("success"), "{}", ended.out);
    }
}

#[tokio::test]
async fn the_systems_certificates_are_trusted_for_their_own_names() {
    let server = SelfSigned::start("localhost");
    let file = server.certificate.path().to_str().unwrap();
    let ended = server.send("SSL_CERT_FILE", file).await;
    assert_eq!((ended.code, &*ended.err), (0, ""));

    let server = SelfSigned::start("somebody.else.example");
    let file = server.certificate.path().to_str().unwrap();
    let ended = server.send("SSL_CERT_FILE", file).await;
    ended.failed(1, "pagetrail: not sent: no connection to https://localhost:");
    assert!(ended.err.contains("certificate not valid for name"), "{}", ended.err);
}
