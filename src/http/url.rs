//! Checks of addresses: what may be sent there, and which are this machine's own.

use std::net::IpAddr;

use url::{Host, Url};

/// https, or plain http that does not leave this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// The URL names this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The address is this machine's own, also where IPv4 comes in IPv6's form.
pub(crate) fn is_own_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
