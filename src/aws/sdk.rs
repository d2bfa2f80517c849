//! The AWS SDK's configuration, in Lambda and on a person's machine.

use std::error::Error;
use std::iter::successors;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::text::{cut, one_line};

/// The SDK's configuration inside Lambda: credentials and Region from the environment, where Lambda
/// puts them, and Mozilla's root certificates. These are in the binary, so no file is read at
/// start.
pub async fn lambda_config() -> SdkConfig {
    loader()
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .http_client(LazyHttp::default())
        .load()
        .await
}

/// The SDK's configuration on a person's machine or a server: credentials and Region as the AWS
/// CLI finds them, and the system's root certificates.
pub async fn user_config(region: Option<String>) -> SdkConfig {
    let loader = loader().http_client(user_http());
    match region {
        Some(region) => loader.region(Region::new(region)).load().await,
        None => loader.load().await,
    }
}

pub(super) fn loader() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
}

/// Trusts the system's root certificates.
pub(super) fn user_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// The SDK's error with its causes, on one line.
pub(crate) fn reason(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |cause| (*cause).source());
    let mut words: Vec<String> = causes.map(|cause| one_line(&cause.to_string())).collect();
    words.dedup();
    cut(&words.join(": "), 300)
}

/// Builds the SDK's HTTP client at the first call. Reading the root certificates takes longer than
/// everything else at start, and the SDK would read them when a client is built.
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

/// Why a call got no answer from the service, in a few words.
pub(crate) fn no_answer<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "an answer that could not be read",
        _ => "the request could not be made",
    }
}
