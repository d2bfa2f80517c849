//! A proxy for HTTPS.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A proxy that connects everybody to one address, and tells what it was asked for.
pub(crate) async fn tunnel(to: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut lines = Vec::new();
                while lines.last().is_none_or(|line: &String| !line.is_empty()) {
                    let mut line = String::new();
                    client.read_line(&mut line).await.unwrap();
                    lines.push(line.trim_end().to_owned());
                }
                let _ = tell.send(lines.swap_remove(0));
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, asked)
}
