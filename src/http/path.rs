//! Paths as clients write them: a base URL that ends in `/` doubles a slash, and some clients end
//! every path with one. PagerDuty takes both.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

/// The same routes, for paths with doubled slashes and with slashes at the end too.
pub(crate) fn lenient(routes: Router) -> Router {
    // A router chooses the route before its layers run, so the routes are one level further in.
    Router::new().fallback_service(routes).layer(from_fn(normalised))
}

async fn normalised(mut request: Request, next: Next) -> Response {
    if let Some(uri) = normal(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// The address without needless slashes; `None` if it has none.
fn normal(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("//") && (path == "/" || !path.ends_with('/')) {
        return None;
    }
    let mut normal = String::with_capacity(uri.path().len() + 16);
    for part in path.split('/').filter(|part| !part.is_empty()) {
        normal.push('/');
        normal.push_str(part);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    if let Some(query) = uri.query() {
        normal.push('?');
        normal.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(normal).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needless_slashes_go_and_nothing_else() {
        for (given, expected) in [
            ("/v2/enqueue/", Some("/v2/enqueue")),
            ("//v2//enqueue", Some("/v2/enqueue")),
            ("/v2/enqueue//?a=//b", Some("/v2/enqueue?a=//b")),
            ("//", Some("/")),
            ("http://host//x/", Some("http://host/x")),
            ("/", None),
            ("/v2/enqueue?a=b/", None),
            ("/%2F/", Some("/%2F")),
        ] {
            let uri = normal(&given.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{given}");
        }
    }
}
