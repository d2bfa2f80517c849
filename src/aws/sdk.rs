//! The AWS SDK's configuration, in Lambda and on a person's machine.

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The SDK's configuration inside Lambda: credentials and Region from the
/// environment, where Lambda puts them, and Mozilla's root certificates, which are
/// in the binary and need no file to be read at start.
pub async fn lambda_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .http_client(LazyHttp::default())
        .load()
        .await
}

/// The SDK's configuration on a person's machine: the AWS CLI's own credentials,
/// profiles and Regions, and the system's root certificates.
pub async fn user_config(region: Option<String>, profile: Option<&str>) -> SdkConfig {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let mut loader =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http.build_https());
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

/// Builds the SDK's HTTP client at the first call: reading the root certificates takes
/// longer than all else at start, and the SDK would do it when a client is built.
#[derive(Debug, Default)]
struct LazyHttp(std::sync::OnceLock<SharedHttpClient>);

impl HttpClient for LazyHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.get_or_init(http_client).http_connector(settings, components)
    }
}

fn http_client() -> SharedHttpClient {
    let trust = TrustStore::empty().with_pem_certificate(root_certificates());
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match tls {
        Ok(tls) => http.tls_context(tls).build_https(),
        Err(_) => http.build_https(),
    }
}

fn root_certificates() -> String {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        BASE64_STANDARD.encode_string(certificate, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    pem
}
