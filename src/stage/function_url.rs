//! A function URL's request and response (payload format 2.0). No request of a client can make the
//! function fail: an error of the function raises an alarm.
//!
//! That is why this does not use the crate `lambda_http`, which does the same for more event types:
//! it panics if a URI cannot be parsed, for example with the query `?q=<script>`. The client would
//! get a 502, and anyone who knows the URL could raise the alarm.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lambda_runtime::Error;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Characters that cannot be in a path unencoded. A `%` can: encoded text stays encoded.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request to the function URL. Its query is not read, because the gateway uses none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    raw_path: String,
    /// Several values of one name are joined by commas.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

impl Event {
    /// The HTTP request that the client sent.
    ///
    /// # Errors
    /// When it cannot have come from a function URL.
    pub(super) fn into_request(self) -> Result<Request, Error> {
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            Body::from(BASE64_STANDARD.decode(body)?)
        } else {
            Body::from(body)
        };
        let path = utf8_percent_encode(&self.raw_path, NOT_IN_PATH).to_string();
        let Http { method, source_ip } = self.request_context.http;
        let mut request = Request::builder().method(method.as_str()).uri(path).body(body)?;
        for (name, value) in self.headers {
            // A header that HTTP does not allow is one that nothing here needs.
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()))
            {
                request.headers_mut().insert(name, value);
            }
        }
        if let Some(Ok(address)) = source_ip.map(|text| text.parse::<IpAddr>()) {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
        }
        Ok(request)
    }
}

/// The function's response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UrlResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl UrlResponse {
    /// Reads the whole response.
    ///
    /// # Errors
    /// When its body breaks off.
    pub(super) async fn of(response: Response) -> Result<Self, Error> {
        let (head, body) = response.into_parts();
        let mut headers = BTreeMap::new();
        for (name, value) in &head.headers {
            // The function URL sets the length itself, from the body; for HEAD that would be 0.
            if name != header::CONTENT_LENGTH
                && let Ok(value) = value.to_str()
            {
                headers.insert(name.to_string(), value.to_owned());
            }
        }
        let body = to_bytes(body, usize::MAX).await?;
        let (body, is_base64_encoded) = match std::str::from_utf8(&body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (BASE64_STANDARD.encode(&body), true),
        };
        Ok(Self { status_code: head.status.as_u16(), headers, body, is_base64_encoded })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use serde_json::{Value, json};

    use super::*;

    fn event(path: &str, more: &Value) -> Event {
        let mut event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "a=<b>", "headers": {},
            "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "203.0.113.7"}},
            "isBase64Encoded": false,
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_what_the_client_sent() {
        let more = json!({"headers": {"content-encoding": "gzip"}, "body": "H4sI", "isBase64Encoded": true});
        let request = event("/v2/enqueue", &more).into_request().unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string()),
            ("POST", "/v2/enqueue".into())
        );
        assert_eq!(request.headers()["content-encoding"], "gzip");
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap().0;
        assert_eq!(peer.ip().to_string(), "203.0.113.7");
        assert_eq!(to_bytes(request.into_body(), 9).await.unwrap().as_ref(), b"\x1f\x8b\x08");
        let request = event("/", &json!({})).into_request().unwrap();
        assert!(to_bytes(request.into_body(), 9).await.unwrap().is_empty());
    }

    #[test]
    fn no_request_of_a_client_fails() {
        for path in
            ["/", "/a b", "/<script>", "/%zz%", "/ä\u{0}\u{7f}", "//x", "/?#[]", "/{\"|\\^`}"]
        {
            let request = event(path, &json!({})).into_request();
            assert!(request.unwrap().uri().path().starts_with('/'), "{path}");
        }
        let headers = json!({"x-own": "Zürich", "x-broken": "a\nb", "sp ace": "1", "": "2"});
        let request = event("/", &json!({"headers": headers})).into_request().unwrap();
        assert_eq!(request.headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-own"]);
        let context = json!({"http": {"method": "PURGE", "sourceIp": "nowhere"}});
        assert!(event("/", &json!({"requestContext": context})).into_request().is_ok());
    }

    #[tokio::test]
    async fn an_answer_that_is_no_text_is_base64() {
        let answer =
            UrlResponse::of((StatusCode::ACCEPTED, "Zürich ✓").into_response()).await.unwrap();
        assert_eq!((answer.status_code, answer.body.as_str()), (202, "Zürich ✓"));
        assert!(!answer.is_base64_encoded && !answer.headers.contains_key("content-length"));
        let answer = UrlResponse::of(vec![0xff_u8, 0].into_response()).await.unwrap();
        assert_eq!((answer.body.as_str(), answer.is_base64_encoded), ("/wA=", true));
    }
}
