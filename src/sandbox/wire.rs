//! Connections that can break: faults below HTTP need access to the socket.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::lock::lock;

const NOT_HTTP: &[u8] = b"\x15\x03\x03\x00\x02\x02\x50 not HTTP at all\r\n\r\n";

/// How a connection breaks when the next answer is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    Reset,
    Half,
    Garbage,
}

/// Lets a request handler break its own connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<Mutex<Option<Break>>>);

impl Breaker {
    pub(super) fn set(&self, how: Break) {
        *lock(&self.0) = Some(how);
    }

    fn get(&self) -> Option<Break> {
        *lock(&self.0)
    }
}

impl Connected<IncomingStream<'_, Listener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().breaker.clone()
    }
}

/// A listener whose connections carry a [`Breaker`].
pub(super) struct Listener(TcpListener);

impl Listener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl axum::serve::Listener for Listener {
    type Io = Wire;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        (Wire { stream, breaker: Breaker::default(), broken: false }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

pub(super) struct Wire {
    stream: TcpStream,
    breaker: Breaker,
    broken: bool,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(how) = self.breaker.get() else {
            return Pin::new(&mut self.stream).poll_write(context, buffer);
        };
        if !self.broken {
            match how {
                // Closing without lingering sends RST instead of FIN.
                Break::Reset => self.stream.set_zero_linger()?,
                // hyper writes a small answer, head and body, as one buffer.
                Break::Half => {
                    let half = &buffer[..buffer.len() / 2];
                    ready!(Pin::new(&mut self.stream).poll_write(context, half))?;
                }
                Break::Garbage => {
                    ready!(Pin::new(&mut self.stream).poll_write(context, NOT_HTTP))?;
                }
            }
            self.broken = true;
        }
        // hyper then drops the connection, which closes the socket.
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
