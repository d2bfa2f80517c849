//! What the pages of the sandbox and of the gateway share: frame, assets, protection.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{DOCTYPE, Markup, html};

const ASSETS: [(&str, &str, &str); 3] = [
    ("style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("refresh.js", "text/javascript; charset=utf-8", include_str!("assets/refresh.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// The frame around the content of every page of one server.
pub(crate) struct Frame {
    pub brand: &'static str,
    /// What the server is, in one sentence.
    pub about: &'static str,
    /// The server's name in the message that it does not answer.
    pub subject: &'static str,
    /// Seconds between two updates.
    pub every: u32,
}

impl Frame {
    /// A whole page. A script keeps it up to date and does not move the reader's scroll position.
    /// Without scripts, the page reloads from time to time.
    pub(crate) fn page(&self, title: &str, main: &Markup) -> Html<String> {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    noscript { meta http-equiv="refresh" content="30"; }
                    title { (title) " · " (self.brand) }
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/assets/style.css";
                    script src="/assets/refresh.js" data-every=(self.every) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    div.bar {
                        header role="banner" {
                            a.brand href="/" {
                                img src="/assets/icon.svg" alt="" width="22" height="22";
                                (self.brand)
                            }
                            p { (self.about) }
                        }
                    }
                    p #stale role="status" hidden { "Not up to date: " (self.subject) " does not answer." }
                    main #main tabindex="-1" { (main) }
                }
            }
        };
        Html(markup.into_string())
    }
}

/// A file that the pages need, by name.
pub(crate) fn asset(name: &str) -> Option<Response> {
    let (_, content_type, body) = ASSETS.iter().find(|(known, ..)| *known == name)?;
    Some(([(header::CONTENT_TYPE, *content_type)], *body).into_response())
}

/// The pages show text from logs, which anyone can write. Even if a tag slipped through the
/// escaping, the browser must not run or load anything from it.
macro_rules! policy {
    (forms: $forms:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; ",
            "connect-src 'self'; base-uri 'none'; form-action ",
            $forms,
            "; frame-ancestors 'none'"
        )
    };
}

/// Protects the reader of a page without forms.
pub(crate) async fn harden(response: Response) -> Response {
    hardened(response, policy!(forms: "'none'"))
}

/// The same for pages with forms of their own.
pub(crate) async fn harden_with_forms(response: Response) -> Response {
    hardened(response, policy!(forms: "'self'"))
}

fn hardened(mut response: Response, policy: &'static str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(crate) fn time(at: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(at.to_rfc3339_opts(SecondsFormat::Millis, true)) {
            (at.format("%-d %b %Y, %H:%M:%S UTC"))
        }
    }
}
