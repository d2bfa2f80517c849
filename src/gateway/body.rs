//! A request's body: read within bounds of size and time, and inflated.

use std::future::poll_fn;
use std::io::Read as _;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use tokio::time::timeout;

use super::refused::Refused;
use crate::event::BODY_LIMIT;

/// A body that takes longer to arrive is given up.
const ARRIVAL: Duration = Duration::from_secs(30);
/// So much is read in vain, and for so long, that the client gets to read why it is refused
/// in place of a broken connection.
const DISCARDED: usize = 8 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(5);

/// The whole body, inflated where it is compressed, of at most [`BODY_LIMIT`] bytes before
/// and after.
pub(super) async fn read(headers: &HeaderMap, body: &mut Body) -> Result<Bytes, Refused> {
    let coding = Coding::of(headers)?;
    // What the client says of the length is only good for refusing.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(Refused::TooLarge);
    }
    let raw = timeout(ARRIVAL, collect(body)).await.map_err(|_| Refused::SlowBody)??;
    match coding {
        Coding::Identity => Ok(raw),
        Coding::Gzip => inflate(&raw),
    }
}

/// Reads what is left of a body that is refused.
pub(super) async fn discard(body: &mut Body) {
    let reading = async {
        let mut length = 0;
        while let Some(Ok(part)) = next(body).await {
            length += part.len();
            if length > DISCARDED {
                break;
            }
        }
    };
    // Slow or endless: then the connection breaks.
    let _ = timeout(DISCARDING, reading).await;
}

async fn collect(body: &mut Body) -> Result<Bytes, Refused> {
    let mut whole = match next(body).await {
        None => return Ok(Bytes::new()),
        // One part is all there is to most bodies; it is not copied.
        Some(Ok(part)) if body.is_end_stream() && part.len() <= BODY_LIMIT => return Ok(part),
        Some(part) => Vec::from(part?),
    };
    while whole.len() <= BODY_LIMIT {
        match next(body).await {
            None => return Ok(whole.into()),
            Some(part) => whole.extend_from_slice(&part?),
        }
    }
    Err(Refused::TooLarge)
}

async fn next(body: &mut Body) -> Option<Result<Bytes, Refused>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => {
                // Else trailers, which say nothing here.
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(_) => return Some(Err(Refused::BrokenBody)),
        }
    }
}

#[derive(Clone, Copy)]
enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let mut coding = Self::Identity;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for name in value.to_str().map_err(|_| Refused::Coding)?.split(',').map(str::trim) {
                let is = |known: &str| name.eq_ignore_ascii_case(known);
                match coding {
                    _ if name.is_empty() || is("identity") => {}
                    Self::Identity if is("gzip") || is("x-gzip") => coding = Self::Gzip,
                    _ => return Err(Refused::Coding),
                }
            }
        }
        Ok(coding)
    }
}

fn inflate(raw: &[u8]) -> Result<Bytes, Refused> {
    let mut inflated = Vec::new();
    // One byte more than may be: a few kilobytes can inflate to gigabytes.
    let mut limited = MultiGzDecoder::new(raw).take(BODY_LIMIT as u64 + 1);
    limited.read_to_end(&mut inflated).map_err(|_| Refused::BrokenGzip)?;
    if inflated.len() > BODY_LIMIT { Err(Refused::TooLarge) } else { Ok(inflated.into()) }
}
