//! Access lines of web servers, load balancers and gateways: the status and the request are what a
//! person would quote.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::fields::is_text;
use super::names::{Role, Roles};
use super::severity::Severity;

/// Longest path that is quoted.
const PATH: usize = 120;
const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

/// What an access line says.
pub(super) struct Access {
    pub(super) quote: String,
    pub(super) severity: Option<Severity>,
}

/// Reads nginx's, Apache's, HAProxy's, an ALB's or an application server's access line:
/// `"GET /a HTTP/1.1"` with a status before or behind it.
pub(super) fn of_text(line: &str) -> Option<Access> {
    if let Some(access) = morgan(line).or_else(|| gin(line)).or_else(|| w3c(line)) {
        return Some(access);
    }
    let (begin, end) = quoted_request(line)?;
    let request = request(&line[begin..end])?;
    let before = &line[..begin - 1];
    let behind = line[end..].trim_start_matches('"');
    let words: Vec<&str> = before.split_whitespace().rev().take(16).collect();
    // HAProxy: `frontend backend/server timers status bytes - - SC-- …`.
    let proxied = words.iter().rev().enumerate().find(|(_, word)| is_timers(word));
    if let Some((at, _)) = proxied {
        let words: Vec<&str> = words.iter().rev().copied().collect();
        let code = status(words.get(at + 1)?)?;
        let server = words.get(at.checked_sub(1)?)?;
        let (backend, server) = server.split_once('/')?;
        let state = words.iter().skip(at + 2).find(|it| it.len() == 4 && it.ends_with("--"));
        let state = state.map_or("", |it| it.trim_end_matches('-'));
        let mut quote = format!("{code} {request}");
        if server == "<NOSRV>" {
            quote.push_str(": no server");
        }
        if !state.is_empty() {
            let _ = write!(quote, " ({state})");
        }
        let _ = write!(quote, " in {backend}");
        return Some(Access::of(code, quote));
    }
    if let Some(code) = behind.split_whitespace().next().and_then(status) {
        let detail = upstream(behind);
        return Some(Access::of(code, format!("{code} {request}{detail}")));
    }
    // A load balancer: `… elb_status target_status received sent "request"`.
    let columns = [words.get(3), words.get(2)].map(|word| word.copied().unwrap_or_default());
    let code = status(columns[0])?;
    let detail = match columns[1] {
        "-" => ": no answer from a target".to_owned(),
        same if same == columns[0] => String::new(),
        other => format!(" (target {other})"),
    };
    Some(Access::of(code, format!("{code} {request}{detail}")))
}

/// Express with morgan: `GET /a 500 12.301 ms - 52`.
fn morgan(line: &str) -> Option<Access> {
    let words: Vec<&str> = line.split_whitespace().take(5).collect();
    let [method, path, code, taken, unit] = words[..] else { return None };
    let right = METHODS.contains(&method) && unit == "ms" && taken.parse::<f64>().is_ok();
    let code = status(code).filter(|_| right)?;
    Some(Access::of(code, format!("{code} {method} {}", shorter(path))))
}

/// Gin: `[GIN] TIME | 500 | 12.301ms | 10.0.0.1 | GET "/a"`.
fn gin(line: &str) -> Option<Access> {
    let columns: Vec<&str> = line.split('|').map(str::trim).take(6).collect();
    let [_, code, _, _, asked, ..] = columns[..] else { return None };
    let code = status(code)?;
    let (method, path) = asked.split_once(char::is_whitespace)?;
    METHODS.contains(&method).then_some(())?;
    let path = shorter(path.trim().trim_matches('"'));
    Some(Access::of(code, format!("{code} {method} {path}")))
}

/// IIS: W3C fields, `DATE TIME SERVER METHOD PATH QUERY PORT USER CLIENT AGENT REFERER STATUS …`.
fn w3c(line: &str) -> Option<Access> {
    let words: Vec<&str> = line.split_whitespace().take(20).collect();
    let [date, _, server, method, path, _, port, ..] = words[..] else { return None };
    let right = date.len() == 10
        && METHODS.contains(&method)
        && server.contains(['.', ':'])
        && port.bytes().all(|byte| byte.is_ascii_digit());
    let code = words.iter().skip(8).filter(|_| right).find_map(|word| status(word))?;
    Some(Access::of(code, format!("{code} {method} {}", shorter(path))))
}

impl Access {
    fn of(code: u16, quote: String) -> Self {
        let severity = match code {
            500.. => Some(Severity::Error),
            400.. => Some(Severity::Warning),
            _ => Some(Severity::Info),
        };
        Self { quote, severity }
    }
}

/// Reads a gateway's, a framework's or lograge's object without a message: a status, and a method
/// or a path.
pub(super) fn of_json(map: &Map<String, Value>) -> Option<Access> {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| match value(map, name)? {
            Value::String(text) if !text.is_empty() && text != "-" => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let code = text(&[
        "status",
        "statusCode",
        "status_code",
        "response_code",
        "responseStatus",
        "http.status_code",
        "http.response.status_code",
        "response.status",
        "response.statusCode",
        "res.statusCode",
        "elb_status_code",
        "httpRequest.status",
        "DownstreamStatus",
        "OriginStatus",
        "sc-status",
        "http_status",
    ]);
    let code = status(&code?)?;
    let line = text(&["request", "requestLine"]).and_then(|line| request(&line));
    let method = text(&[
        "method",
        "httpMethod",
        "http_method",
        "request_method",
        "requestMethod",
        "verb",
        "http.method",
        "http.request.method",
        "req.method",
        "httpRequest.requestMethod",
        "RequestMethod",
    ]);
    let path = text(&[
        "path",
        "uri",
        "url",
        "request_uri",
        "requestUri",
        "requestPath",
        "resourcePath",
        "http.path",
        "http.target",
        "url.path",
        "http.route",
        "req.url",
        "route",
        "rawPath",
        "httpRequest.requestUrl",
        "RequestPath",
    ]);
    let key = text(&["routeKey"]).filter(|key| key.contains('/'));
    let asked = line.or_else(|| match (method, path) {
        (Some(method), Some(path)) => Some(format!("{method} {}", shorter(&path))),
        (method, path) => key.or(path.map(|it| shorter(&it))).or(method),
    })?;
    let mut quote = format!("{code} {asked}");
    if let Some(error) = text(&[
        "integrationErrorMessage",
        "integrationError",
        "integration.error",
        "error.message",
        "errorMessage",
        "error",
        "error.messageString",
        "authorizerError",
        "authorizer.error",
        "response.body.message",
        "message",
        "exception",
    ]) {
        quote.push_str(": ");
        quote.push_str(error.trim_matches('"'));
    }
    Some(Access::of(code, quote))
}

/// A member by its name, or by a path of names.
fn value<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        value(map.get(outer)?.as_object()?, inner)
    })
}

/// Whether an object has a message of its own.
pub(super) fn has_message(map: &Map<String, Value>) -> bool {
    let holds = |value: &Value| is_text(value) || value.is_object();
    // The usual name first: it makes most records need no look at the others.
    map.get("message").is_some_and(holds)
        || map.iter().any(|(name, value)| holds(value) && Roles::of(name).has(Role::Message))
}

/// Where `METHOD path HTTP/…` stands between quotes.
fn quoted_request(line: &str) -> Option<(usize, usize)> {
    if !line.contains(" HTTP/") {
        return None;
    }
    line.match_indices('"').take(40).find_map(|(at, _)| {
        let rest = &line[at + 1..];
        let method = rest.split(' ').next()?;
        METHODS.contains(&method).then_some(())?;
        let end = rest.find('"')?;
        rest[..end].contains(" HTTP/").then_some((at + 1, at + 1 + end))
    })
}

/// `POST /orders` from `POST https://shop.example:443/orders?x=1 HTTP/1.1`.
fn request(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let method = words.next().filter(|word| METHODS.contains(word))?;
    Some(format!("{method} {}", shorter(words.next()?)))
}

/// A path without its query, host and ids.
fn shorter(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => path,
    };
    crate::text::cut(path, PATH)
}

fn status(word: &str) -> Option<u16> {
    let code = (word.len() == 3).then(|| word.parse().ok())??;
    (100..600).contains(&code).then_some(code)
}

/// HAProxy's `0/-1/-1/-1/0`.
fn is_timers(word: &str) -> bool {
    word.matches('/').count() == 4
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"/-+".contains(&byte))
}

/// Why a proxy answered so: Envoy's flag and reason (`UH no_healthy_upstream`), or the upstream's
/// status where nginx was told to log it (`us="504"`).
fn upstream(behind: &str) -> String {
    let status = ["upstream_status=", "us="].iter().find_map(|name| {
        let (_, rest) = behind.split_once(name)?;
        status(rest.trim_start_matches('"').get(..3)?)
    });
    if let Some(code) = status {
        return format!(" (upstream {code})");
    }
    let mut words = behind.split_whitespace().skip(1);
    let flag = words.next().filter(|word| {
        (2..=8).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b',')
    });
    let Some(flag) = flag else { return String::new() };
    let reason = words.next().map(|word| word.trim_matches('"').split('{').next().unwrap_or(word));
    match reason.filter(|reason| reason.contains('_')) {
        Some(reason) => format!(": {reason} ({flag})"),
        None => format!(" ({flag})"),
    }
}
