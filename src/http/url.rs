//! Checks of addresses: which are safe to send to, and which are on this machine.

use std::net::IpAddr;

use url::{Host, Url};

/// https, or plain http that stays on this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the address is on this machine, including IPv4 in IPv6 form.
pub(crate) fn is_own_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
