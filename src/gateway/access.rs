//! Access: clients on this machine, known routing keys, the bearer token.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Version, header};

use super::token::Token;
use crate::aws::SecretError;
use crate::http::url::is_own_address;

/// Who can do what.
#[derive(Debug)]
pub struct Access {
    /// The ports that the server listens on. A client on this machine names one of them as its host.
    pub ports: Vec<u16>,
    /// What clients on this machine can do. Behind a reverse proxy on this machine every client
    /// looks local, unless the proxy adds a header that says otherwise (`X-Forwarded-For`,
    /// `Forwarded`, `Via`), or uses HTTP/1.0, as nginx did until 1.29.7. If you are not sure of
    /// either, treat local clients like others.
    pub local: LocalClients,
    /// Gives other clients access to `POST /`, the status page and the metrics. Without a token
    /// they have none.
    pub token: Token,
    pub unknown_keys: UnknownKeys,
}

/// What clients on this machine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalClients {
    /// Post with any well-formed key, post without a key, and read the status, all without a token.
    Trusted,
    LikeOthers,
}

/// What happens to an event of a trusted client if its routing key is in no pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKeys {
    /// The queue holds the key until the event is delivered.
    Held,
    /// The queue must not hold keys, so the event is refused.
    Refused,
}

impl Access {
    /// Whether the request comes from a trusted client on this machine.
    pub(super) fn trusts(&self, head: &Parts) -> bool {
        self.local == LocalClients::Trusted && is_local(head, &self.ports)
    }

    /// Whether the client can post without a key and read the status.
    ///
    /// # Errors
    /// When the token is needed and cannot be read.
    pub(super) async fn admits(&self, head: &Parts) -> Result<bool, SecretError> {
        match bearer(&head.headers) {
            _ if self.trusts(head) => Ok(true),
            Some(given) => self.token.is(given).await,
            None => Ok(false),
        }
    }
}

/// The client's address, if it is known.
pub(super) fn peer(head: &Parts) -> Option<SocketAddr> {
    head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// The bearer token in the request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, given) = only(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| given.trim())
}

/// Whether a program on this machine sent the request itself. The connection alone does not prove
/// that.
fn is_local(head: &Parts, ports: &[u16]) -> bool {
    // An IPv6 socket shows IPv4 clients as ::ffff:127.0.0.1.
    peer(head).is_some_and(|peer| is_own_address(peer.ip()))
        && !is_forwarded(head)
        && is_for_this_server(head, ports)
        && !is_from_another_site(head)
}

/// Behind a reverse proxy on this machine every connection is local. By default nginx before 1.29.7
/// adds no header and uses its own address as host, but it speaks HTTP/1.0, which no client that
/// posts events does.
fn is_forwarded(head: &Parts) -> bool {
    const NAMES: [&str; 9] = [
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-envoy-external-address",
        "true-client-ip",
        "cf-connecting-ip",
    ];
    head.version < Version::HTTP_11
        || head.headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("x-forwarded") || NAMES.contains(&name)
        })
}

/// A browser on this machine can reach this server under another site's name, if that name resolves
/// to 127.0.0.1 (DNS rebinding). The site's page could then read the answers. The host header shows
/// the name. Its port is that of this server: another one is that of a proxy or a tunnel, whose clients
/// can be anywhere.
fn is_for_this_server(head: &Parts, ports: &[u16]) -> bool {
    let is_own = |host: &str| is_loopback_at(host, ports);
    // The target in the request line takes precedence over the header (RFC 9112, section 3.2.2).
    let target = head.uri.authority().is_none_or(|authority| is_own(authority.as_str()));
    target && only(&head.headers, &header::HOST).is_some_and(is_own)
}

fn is_loopback_at(host: &str, ports: &[u16]) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let split = host.rsplit_once(':').filter(|(_, port)| is_port(port));
    let (name, port) = split.map_or((host, None), |(name, port)| (name, port.parse().ok()));
    let is_here = match (split, port) {
        // Without a port it is that of the protocol.
        (None, _) => ports.contains(&80) || ports.contains(&443),
        (Some(_), port) => port.is_some_and(|port: u16| ports.contains(&port)),
    };
    if !is_here {
        return false;
    }
    let address = name.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(is_own_address)
}

/// A page of any site can make the browser post here; a form can do it even without a script. The
/// browser then sends the site (`Origin`; `Sec-Fetch-Site`, where another port of this machine is
/// `same-site`). A link to the status page is harmless: the site with the link cannot read the
/// answer.
fn is_from_another_site(head: &Parts) -> bool {
    let value = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = value("host").unwrap_or_default();
    let is_here = |origin: &str| {
        origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host))
    };
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    let follows_link = reads && value("sec-fetch-mode") == Some("navigate");
    value("origin").is_some_and(|origin| !is_here(origin))
        || (value("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"))
            && !follows_link)
}

/// The value of a header that must occur only once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
