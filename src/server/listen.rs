//! The listeners: HTTP and HTTPS, with an orderly end.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;

/// A client that has not sent a request's head by then is let go.
const HEAD: Duration = Duration::from_mins(1);

/// Takes an address, so that what goes wrong goes wrong before anything else.
///
/// # Errors
/// When the address cannot be listened on; names it and the fix.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| {
        let fix = match error.kind() {
            ErrorKind::AddrInUse => "; stop what listens there, or choose another with listen",
            ErrorKind::AddrNotAvailable => "; this machine has no such address",
            ErrorKind::PermissionDenied => "; ports below 1024 need a right of their own",
            _ => "",
        };
        format!("cannot listen on {address}: {error}{fix}")
    })
}

/// Answers HTTP, or HTTPS where there is a certificate, until the handle says otherwise.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(NoDelayAcceptor);
    set_limits(server.http_builder());
    match tls {
        Some(tls) => server.map(|tcp| RustlsAcceptor::new(tls).acceptor(tcp)).serve(service).await,
        None => server.serve(service).await,
    }
}

fn set_limits(builder: &mut Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
}
