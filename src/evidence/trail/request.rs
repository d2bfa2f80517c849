//! Lines that begin or end a request: where a line's own request may begin, and where another's
//! does.

/// A line that a server writes at the beginning or at the end of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The path without its query, if the line names it.
    pub(super) path: Option<String>,
    pub(super) end: Option<End>,
}

/// The end of a request, and the status that was answered if the line says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: Option<u16>,
}

/// How much of a message is searched for a quoted request.
const LONGEST: usize = 400;
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Messages of frameworks.
const BEGINS: [&str; 8] = [
    "incoming request",
    "request received",
    "received request",
    "request started",
    "request starting",
    "starting request",
    "started processing request",
    "handling request",
];
const ENDS: [&str; 6] = [
    "request completed",
    "request finished",
    "request ended",
    "request errored",
    "finished processing request",
    "response sent",
];
/// Paths that a load balancer asks for all the time.
const PROBES: [&str; 8] =
    ["health", "ping", "ready", "live", "status", "metrics", "heartbeat", "up"];

impl Request {
    /// `headline` is a line's message, without its head.
    pub(super) fn of(headline: &str) -> Option<Self> {
        let words: Vec<&str> = headline.split_whitespace().take(8).collect();
        let bare = |at: usize| {
            words.get(at).map(|word| word.trim_matches(['"', '\'', '`', ','])).unwrap_or_default()
        };
        let path = |at: usize| {
            METHODS.contains(&bare(at)).then(|| bare(at + 1)).filter(|path| path.starts_with('/'))
        };
        let said = |path: &str, end| {
            let path = path.split(['?', '#']).next().unwrap_or(path).to_owned();
            Some(Self { path: Some(path), end })
        };
        // `500 POST /orders`, as access lines are quoted.
        if let (Some(status), Some(path)) = (status(bare(0)), path(1)) {
            return said(path, Some(End { status: Some(status) }));
        }
        if let Some(path) = path(0) {
            let status = (2..5).find_map(|at| status(bare(at)));
            return said(path, status.map(|status| End { status: Some(status) }));
        }
        match bare(0) {
            // Koa.
            "<--" | "Started" => return said(path(1)?, None),
            "-->" => return said(path(1)?, Some(End { status: status(bare(3)) })),
            // Rails and Phoenix.
            "Completed" | "Sent" if status(bare(1)).is_some() => {
                return Some(Self { path: None, end: Some(End { status: status(bare(1)) }) });
            }
            _ => {}
        }
        // `192.0.2.7 - "GET /carts" 200`.
        let mut quoted = headline[..headline.floor_char_boundary(LONGEST)].splitn(3, '"').skip(1);
        if let (Some(inside), Some(behind)) = (quoted.next(), quoted.next())
            && let Some((method, path)) = inside.split_once(" /")
            && METHODS.contains(&method)
        {
            let path = path.split(' ').next().unwrap_or(path);
            let status = behind.split_whitespace().next().and_then(self::status);
            return said(&format!("/{path}"), status.map(|status| End { status: Some(status) }));
        }
        let start = &headline[..headline.floor_char_boundary(40)].to_ascii_lowercase();
        let begins = |known: &[&str]| known.iter().any(|known| start.starts_with(known));
        let end = if begins(&ENDS) {
            Some(End { status: (2..8).find_map(|at| status(bare(at))) })
        } else if begins(&BEGINS) {
            None
        } else {
            return None;
        };
        Some(Self { path: None, end })
    }

    /// Whether a load balancer asks for it all the time.
    pub(super) fn is_probe(&self) -> bool {
        self.path.as_deref().is_some_and(|path| {
            let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let last = last.trim_start_matches('_').to_ascii_lowercase();
            PROBES
                .iter()
                .any(|probe| last == *probe || (probe.len() > 3 && last.starts_with(probe)))
        })
    }
}

fn status(word: &str) -> Option<u16> {
    let number = word.trim_matches(['(', ')', '[', ']', ',']);
    if number.len() != 3 {
        return None;
    }
    number.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_and_ends() {
        for (headline, path, ended) in [
            ("GET /carts/7?x=1", Some("/carts/7"), None),
            ("GET /carts/7 500 12 ms", Some("/carts/7"), Some(Some(500))),
            ("503 POST /carts: no answer", Some("/carts:"), Some(Some(503))),
            ("Started POST \"/carts\" for 192.0.2.1", Some("/carts"), None),
            ("Completed 500 Internal Server Error in 3ms", None, Some(Some(500))),
            ("192.0.2.7 -  time \"GET /carts\" 200", Some("/carts"), Some(Some(200))),
            ("<-- GET /carts", Some("/carts"), None),
            ("--> GET /carts 404 3ms", Some("/carts"), Some(Some(404))),
            ("Request starting HTTP/1.1 GET http://shop/carts - -", None, None),
            ("Request finished HTTP/1.1 GET http://shop/carts - 500 - 3ms", None, Some(Some(500))),
            ("incoming request", None, None),
            ("request completed", None, Some(None)),
        ] {
            let request = Request::of(headline).unwrap();
            let path = path.map(|it| it.trim_end_matches(':').to_owned());
            let read = request.path.map(|it| it.trim_end_matches(':').to_owned());
            assert_eq!((read, request.end.map(|end| end.status)), (path, ended), "{headline}");
        }
        for headline in ["", "GET it", "POST", "500", "the request was refused", "Started server"] {
            assert_eq!(Request::of(headline), None, "{headline}");
        }
    }

    #[test]
    fn what_a_load_balancer_asks_for() {
        let is_probe = |headline: &str| Request::of(headline).unwrap().is_probe();
        assert!(is_probe("GET /healthz") && is_probe("GET /api/_health") && is_probe("GET /up"));
        assert!(!is_probe("GET /upload") && !is_probe("GET /orders"));
    }
}
