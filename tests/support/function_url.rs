//! What a function URL hands to its function (payload format 2.0), and what it makes of the
//! answer, as far as AWS's documentation tells.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// A request as a client sends it.
pub struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &'static str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A post of JSON.
    pub fn post(path: &str, event: &Value) -> Self {
        Self::new("POST", path)
            .header("content-type", "application/json")
            .body(event.to_string().as_bytes())
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// The event. What is no text, by its type or because it is compressed, comes as base64.
    pub fn event(&self) -> Value {
        let host = "0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p.lambda-url.ap-northeast-1.on.aws";
        let kind = self.headers.get("content-type").map_or("", String::as_str);
        let is_text = kind.starts_with("text/") || kind.starts_with("application/json");
        let base64 = !is_text || self.headers.contains_key("content-encoding");
        let mut headers = self.headers.clone();
        for (name, value) in [
            ("host", host),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
        ] {
            headers.insert(name.to_owned(), value.to_owned());
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p",
                "domainName": host,
                "domainPrefix": "0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "curl/8.14.1",
                },
                "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
                "routeKey": "$default",
                "stage": "$default",
                "time": "21/Nov/2026:10:22:11 +0000",
                "timeEpoch": 1_795_256_531_000_u64,
            },
            "isBase64Encoded": base64,
        });
        // Without a body the field is not there.
        if !self.body.is_empty() {
            event["body"] = if base64 {
                BASE64_STANDARD.encode(&self.body).into()
            } else {
                String::from_utf8_lossy(&self.body).into()
            };
        }
        event
    }
}

/// What the client gets.
#[derive(Debug)]
pub struct Response {
    pub status: i64,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Response {
    /// Reads the function's answer.
    pub fn of(answer: &Value) -> Self {
        let body = answer["body"].as_str().expect("a body");
        let body = if answer["isBase64Encoded"].as_bool().expect("whether it is base64") {
            String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap()
        } else {
            body.to_owned()
        };
        Self {
            status: answer["statusCode"].as_i64().expect("a status"),
            headers: serde_json::from_value(answer["headers"].clone()).expect("headers"),
            body,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }
}
