//! The listeners for HTTP and HTTPS, with an orderly shutdown.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

/// A client that has not sent a request's head within this time is disconnected, even between
/// requests and if it never sent a byte.
const HEAD: Duration = Duration::from_mins(1);

/// Binds an address early, so that an error shows before anything else starts.
///
/// # Errors
/// When it cannot listen on the address; the text names the address and the fix.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| {
        let fix = match error.kind() {
            ErrorKind::AddrInUse => {
                "; stop the program that uses it, or choose another address with listen"
            }
            ErrorKind::AddrNotAvailable => "; this machine has no such address",
            ErrorKind::PermissionDenied => "; ports below 1024 need a special permission",
            _ => "",
        };
        format!("cannot listen on {address}: {error}{fix}")
    })
}

/// Ports of a web server on which another program of this machine listens. Only Linux tells.
pub(super) fn web_servers(own: &[SocketAddr]) -> Vec<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let listened: Vec<u16> = tables.iter().flat_map(|table| listened_on(table)).collect();
    let is_own = |port: u16| own.iter().any(|address| address.port() == port);
    [80, 443].into_iter().filter(|port| listened.contains(port) && !is_own(*port)).collect()
}

/// The ports of a table's sockets that listen.
fn listened_on(table: &str) -> impl Iterator<Item = u16> {
    const LISTEN: &str = "0A";
    table.lines().filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, _, state) = (columns.next()?, columns.next()?, columns.next()?);
        let port = local.rsplit_once(':').filter(|_| state == LISTEN)?.1;
        u16::from_str_radix(port, 16).ok()
    })
}

/// Answers HTTP, or HTTPS if there is a certificate, until the handle is shut down.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    answer_within(listener, router, tls, handle, HEAD).await
}

async fn answer_within(
    listener: TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    head: Duration,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener)?.handle(handle).acceptor(NoDelayAcceptor);
    let http1 = &mut server.http_builder().http1();
    // A client that has closed its sending side still gets its answer.
    http1.timer(TokioTimer::new()).header_read_timeout(head).half_close(true);
    // PagerDuty's clients use only HTTP/1.1, and detecting the version of a silent client would
    // wait forever.
    let server = server.http1_only();
    match tls {
        Some(tls) => server.map(|tcp| RustlsAcceptor::new(tls).acceptor(tcp)).serve(service).await,
        None => server.serve(service).await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn ports_that_are_listened_on() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000\n   \
            1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000\n   \
            2: 0100007F:01BB 0100007F:9C40 01 00000000:00000000 00:00000000\n";
        assert_eq!(listened_on(table).collect::<Vec<_>>(), [8_080, 80]);
    }

    #[tokio::test]
    async fn a_client_that_sends_no_complete_head_is_disconnected() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let head = Duration::from_millis(300);
        tokio::spawn(answer_within(listener, Router::new(), None, Handle::new(), head));
        for sent in ["", "P", "PRI * HTTP/2.0\r\n", "POST /v2/enqueue HTTP/1.1\r\nHost: h\r\n"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let ended = timeout(Duration::from_secs(20), client.read_to_end(&mut answer)).await;
            assert!(ended.is_ok(), "{sent:?} is still connected");
        }
    }

    #[tokio::test]
    async fn a_client_that_closed_its_sending_side_is_answered() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let slow =
            axum::routing::get(async || tokio::time::sleep(Duration::from_millis(200)).await);
        let router = Router::new().route("/", slow);
        tokio::spawn(answer(listener, router, None, Handle::new()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
