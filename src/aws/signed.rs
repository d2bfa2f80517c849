//! Calls of services whose clients in the SDK would make the program too large: half a megabyte each. The SDK
//! finds the credentials and signs; what is asked is a name and some parameters.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Client;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Partition;
use crate::http::{client, tls};

/// How long a call can take.
const LONGEST: Duration = Duration::from_secs(10);
/// The most of an answer that is read, in bytes: a hundred events of a stack are about a tenth of it.
const ANSWER_LIMIT: usize = 2 * 1024 * 1024;

/// Why there is no answer to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The service's own refusal.
    #[error("HTTP {status} {code} {message}")]
    Refused { status: u16, code: String, message: String },
    #[error("{0}")]
    NoAnswer(&'static str),
}

/// Calls services of one Region, over one HTTP client, which is made at the first call.
#[derive(Clone)]
pub(crate) struct Signed {
    config: SdkConfig,
    client: Arc<OnceLock<Option<Client>>>,
}

impl Signed {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { config: config.clone(), client: Arc::default() }
    }

    /// Calls an operation in the protocol JSON 1.1. `target` is the value of `X-Amz-Target`.
    pub(crate) async fn json(
        &self,
        service: &str,
        target: &str,
        parameters: &Value,
    ) -> Result<Value, CallError> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let (status, answer) = self.send(service, &headers, parameters.to_string()).await?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        if status == 200 {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        // `com.amazonaws.ecs#ClusterNotFoundException`, or without the beginning.
        let code = text("__type").map(|code| code.rsplit('#').next().unwrap_or(code));
        let message = text("message").or_else(|| text("Message"));
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Err(CallError::Refused { status, code: owned(code), message: owned(message) })
    }

    /// Calls an operation in the query protocol; the answer is XML.
    pub(crate) async fn query(
        &self,
        service: &str,
        (operation, version): (&str, &str),
        parameters: &[(&str, &str)],
    ) -> Result<String, CallError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation)
            .append_pair("Version", version)
            .extend_pairs(parameters)
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, answer) = self.send(service, &headers, form).await?;
        if status == 200 {
            return Ok(answer);
        }
        let between = |tag: &str| {
            let (_, rest) = answer.split_once(&format!("<{tag}>"))?;
            Some(rest.split_once("</")?.0.to_owned())
        };
        let (code, message) = (between("Code").unwrap_or_default(), between("Message"));
        Err(CallError::Refused { status, code, message: message.unwrap_or_default() })
    }

    /// Status and text of the answer.
    async fn send(
        &self,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<(u16, String), CallError> {
        let url = self.url(service).ok_or(CallError::NoAnswer("no Region is known"))?;
        let signature = self.signature(service, url.as_str(), headers, body.as_bytes()).await?;
        // All services of a configuration are at AWS, or all at its one endpoint.
        let build =
            || client::builder_for(&url, tls::bundled_config()).timeout(LONGEST).build().ok();
        let client = self.client.get_or_init(build).as_ref();
        let client = client.ok_or(CallError::NoAnswer("the HTTP client cannot be built"))?;
        let mut request = client.post(url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in signature {
            request = request.header(name, value);
        }
        let no_answer = |error: &reqwest::Error| {
            let late = error.is_timeout();
            CallError::NoAnswer(if late { "no answer in time" } else { "no connection" })
        };
        let response = request.send().await.map_err(|error| no_answer(&error))?;
        let status = response.status().as_u16();
        let read = client::read(response, ANSWER_LIMIT).await.map_err(|error| no_answer(&error))?;
        Ok((status, String::from_utf8_lossy(&read.bytes).into_owned()))
    }

    fn url(&self, service: &str) -> Option<Url> {
        if let Some(url) = self.config.endpoint_url() {
            return Url::parse(url).ok();
        }
        let region = self.config.region()?.as_ref();
        let suffix = Partition::of_region(region).dns_suffix();
        Url::parse(&format!("https://{service}.{region}.{suffix}/")).ok()
    }

    /// The headers that sign a request.
    async fn signature(
        &self,
        service: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, CallError> {
        let unsigned = CallError::NoAnswer("the request could not be signed");
        let provider = self.config.credentials_provider().ok_or_else(|| unsigned.clone())?;
        let credentials = provider.provide_credentials().await.map_err(|_| unsigned.clone())?;
        let identity = credentials.into();
        let region = self.config.region().ok_or_else(|| unsigned.clone())?.as_ref();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unsigned.clone())?
            .into();
        let headers = headers.iter().copied();
        let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body));
        let signed = request.and_then(|request| sign(request, &parameters));
        let (instructions, _) = signed.map_err(|_| unsigned)?.into_parts();
        let (headers, _) = instructions.into_parts();
        let headers = headers.iter().map(|it| (it.name().to_owned(), it.value().to_owned()));
        Ok(headers.collect())
    }
}
