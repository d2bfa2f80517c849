//! An event's body: reads and decompresses it, or discards the rest of it.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use tokio::time::timeout;

use super::refused::Refused;
use crate::http::body;
use crate::http::body::{Sender, Share};
use crate::pagerduty::BODY_LIMIT;

/// A body that takes longer to arrive is refused.
const ARRIVAL: Duration = Duration::from_secs(30);
/// The rest of a refused body is read up to this size and time, so that the client gets the answer
/// and not a broken connection.
const DISCARDED: usize = 8 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(5);

/// The whole body, decompressed if needed, of at most [`BODY_LIMIT`] bytes before and after.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Body,
    sender: &Sender<'_>,
) -> Result<(Bytes, Share), Refused> {
    let coding = Coding::of(headers)?;
    let (raw, share) = body::read(body, BODY_LIMIT, ARRIVAL, sender).await?;
    match coding {
        Coding::Identity => Ok((raw, share)),
        Coding::Gzip => inflate(&raw, share, sender),
    }
}

/// Reads the rest of a refused body.
pub(super) async fn discard(body: &mut Body) {
    let reading = async {
        let mut length = 0;
        while let Some(Ok(part)) = body::next(body).await {
            length += part.len();
            if length > DISCARDED {
                break;
            }
        }
    };
    // Slow or endless bodies break the connection.
    let _ = timeout(DISCARDING, reading).await;
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

fn inflate(raw: &[u8], mut share: Share, sender: &Sender<'_>) -> Result<(Bytes, Share), Refused> {
    let mut inflated = Vec::new();
    // One byte more than allowed, to see that it is too large: a few kilobytes can expand to
    // gigabytes.
    let mut limited = MultiGzDecoder::new(raw).take(BODY_LIMIT as u64 + 1);
    limited.read_to_end(&mut inflated).map_err(|_| Refused::BrokenGzip)?;
    share.grow(inflated.len(), &inflated, sender)?;
    if inflated.len() > BODY_LIMIT { Err(Refused::TooLarge) } else { Ok((inflated.into(), share)) }
}
