//! Bodies of requests and responses, read with limits on size, time and memory.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::lock::lock;

/// The first part of every body, in bytes: most events are smaller. It has room of its own, so that large
/// bodies cannot crowd out small ones, and the routing key is nearly always in it.
const FIRST: usize = 64 << 10;
/// Limits, in bytes, for all request bodies in memory at the same time: of the first parts, of what
/// follows from senders who are known by their routing key, and from others. Anyone can send bodies over many
/// connections.
static FIRST_PARTS: Semaphore = Semaphore::const_new(16 << 20);
static OF_KNOWN: Semaphore = Semaphore::const_new(40 << 20);
static OF_OTHERS: Semaphore = Semaphore::const_new(8 << 20);
/// What one address can have in the first and the last of these.
const OF_ONE_ADDRESS: usize = 4 << 20;
/// A body must arrive at this rate, in bytes a second, after this time.
const LEAST_RATE: u64 = 16 << 10;
const GRACE: Duration = Duration::from_secs(5);

/// Why a request's body was not read. The text is for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    Slow,
    #[error("the body ended early or could not be read")]
    Broken,
    /// Too many bodies are in memory already.
    #[error("too many requests at the moment; send it again")]
    Crowded,
}

impl BodyError {
    /// The HTTP status for this error.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<axum::Error> for BodyError {
    fn from(_: axum::Error) -> Self {
        Self::Broken
    }
}

/// Who sends a body.
pub(crate) struct Sender<'a> {
    /// Clients on this machine share one address, and have no limit of their own.
    pub address: Option<IpAddr>,
    /// Whether the sender is known, by the beginning of the body too.
    pub is_known: &'a (dyn Fn(&[u8]) -> bool + Sync),
}

/// A share of the memory for bodies; dropping it releases the memory.
#[derive(Debug)]
pub(crate) struct Share {
    permits: Vec<SemaphorePermit<'static>>,
    reserved: usize,
    address: Option<IpAddr>,
    /// What counts for the address.
    of_address: usize,
    is_known: Option<bool>,
}

/// What each address has, as long as it has anything.
static ADDRESSES: Mutex<Option<HashMap<IpAddr, usize>>> = Mutex::new(None);

impl Share {
    fn new(address: Option<IpAddr>) -> Self {
        let address = address.map(network).filter(|address| !address.is_loopback());
        Self { permits: Vec::new(), reserved: 0, address, of_address: 0, is_known: None }
    }

    /// Reserves this many more bytes for a body that begins with `read`.
    pub(crate) fn grow(
        &mut self,
        bytes: usize,
        read: &[u8],
        sender: &Sender<'_>,
    ) -> Result<(), BodyError> {
        let first = bytes.min(FIRST.saturating_sub(self.reserved));
        self.take(&FIRST_PARTS, first, true)?;
        let more = bytes - first;
        if more > 0 {
            let is_known = *self.is_known.get_or_insert_with(|| (sender.is_known)(read));
            self.take(if is_known { &OF_KNOWN } else { &OF_OTHERS }, more, !is_known)?;
        }
        self.reserved += bytes;
        Ok(())
    }

    fn take(
        &mut self,
        room: &'static Semaphore,
        bytes: usize,
        counts: bool,
    ) -> Result<(), BodyError> {
        if bytes == 0 {
            return Ok(());
        }
        let wanted = u32::try_from(bytes).map_err(|_| BodyError::Crowded)?;
        let permit = room.try_acquire_many(wanted).map_err(|_| BodyError::Crowded)?;
        if let Some(address) = self.address.filter(|_| counts) {
            let mut addresses = lock(&ADDRESSES);
            let used = addresses.get_or_insert_default().entry(address).or_default();
            if *used + bytes > OF_ONE_ADDRESS {
                return Err(BodyError::Crowded);
            }
            *used += bytes;
            self.of_address += bytes;
        }
        self.permits.push(permit);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(address) = self.address
            && let Some(addresses) = lock(&ADDRESSES).as_mut()
            && let Some(used) = addresses.get_mut(&address)
        {
            *used = used.saturating_sub(self.of_address);
            if *used == 0 {
                addresses.remove(&address);
            }
        }
    }
}

/// Whoever has an address of IPv6 has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            // Loopback is no network.
            if address.is_loopback() { address.into() } else { IpAddr::V6(bits.into()) }
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The part of a body that was read.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub bytes: Bytes,
    /// This is the whole body.
    pub is_whole: bool,
}

/// The whole body of a request, of at most `limit` bytes. If the body is refused, the rest of it is
/// not read.
pub(crate) async fn read(
    body: &mut Body,
    limit: usize,
    patience: Duration,
    sender: &Sender<'_>,
) -> Result<(Bytes, Share), BodyError> {
    // The length that the client gives is trusted only for refusing.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    let mut share = Share::new(sender.address);
    let begun = Instant::now();
    let late = |read: usize| {
        let at_rate = GRACE + Duration::from_millis(read as u64 * 1_000 / LEAST_RATE);
        begun + at_rate.min(patience)
    };
    let admit = |bytes: usize, read: &[u8]| share.grow(bytes, read, sender);
    let read = collect(body, limit, admit, late).await?;
    if read.is_whole { Ok((read.bytes, share)) } else { Err(BodyError::TooLarge(limit)) }
}

/// The first `limit` bytes of a body. For senders that need no limit on time or memory.
pub(crate) async fn beginning<B>(body: &mut B, limit: usize) -> Result<Beginning, B::Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let mut read = Vec::new();
    while let Some(part) = next(body).await {
        if add(&mut read, &part?, limit) {
            return Ok(Beginning { bytes: read.into(), is_whole: false });
        }
    }
    Ok(Beginning { bytes: read.into(), is_whole: true })
}

/// Adds a part; whether the limit was reached, where it is cut.
fn add(read: &mut Vec<u8>, part: &[u8], limit: usize) -> bool {
    read.extend_from_slice(part);
    let is_over = read.len() > limit;
    read.truncate(limit);
    is_over
}

/// Reads up to the limit. `admit` can refuse each part before it is kept; `late` says when the next part
/// must be there after so many bytes.
async fn collect(
    body: &mut Body,
    limit: usize,
    mut admit: impl FnMut(usize, &[u8]) -> Result<(), BodyError>,
    late: impl Fn(usize) -> Instant,
) -> Result<Beginning, BodyError> {
    let mut read = Vec::new();
    loop {
        let next = timeout_at(late(read.len()), next(body)).await;
        let next = next.map_err(|_| BodyError::Slow)?;
        let Some(part) = next else { break };
        let part = part?;
        admit(part.len(), if read.is_empty() { &part } else { &read })?;
        // Most bodies have only one part; it is not copied.
        if read.is_empty() && body.is_end_stream() && part.len() <= limit {
            return Ok(Beginning { bytes: part, is_whole: true });
        }
        if add(&mut read, &part, limit) {
            return Ok(Beginning { bytes: read.into(), is_whole: false });
        }
    }
    Ok(Beginning { bytes: read.into(), is_whole: true })
}

/// The next part of a body.
pub(crate) async fn next<B>(body: &mut B) -> Option<Result<Bytes, B::Error>>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => {
                // Otherwise trailers, which are not needed here.
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 20;

    async fn read_one(address: &str, is_known: bool, size: usize) -> Result<Share, BodyError> {
        let mut body = Body::from(vec![b'x'; size]);
        let address = Some(address.parse().unwrap());
        let sender = Sender { address, is_known: &|_| is_known };
        let read = read(&mut body, SIZE, Duration::from_secs(1), &sender).await;
        read.map(|(_, share)| share)
    }

    /// One test, since all share the memory.
    #[tokio::test]
    async fn large_bodies_of_strangers_leave_room_for_small_ones_and_for_known_senders() {
        let mut held = Vec::new();
        for number in 0.. {
            match read_one(&format!("192.0.2.{number}"), false, SIZE).await {
                Ok(share) => held.push(share),
                Err(error) => {
                    assert_eq!(error, BodyError::Crowded);
                    break;
                }
            }
        }
        assert_eq!(held.len(), 8, "what strangers can have");
        let known = read_one("192.0.2.1", true, SIZE).await.unwrap();
        let small = read_one("192.0.2.99", false, 2_000).await.unwrap();
        drop((held, known, small));

        // One address alone gets half of it; those of one network of IPv6 count as one.
        let mut held = Vec::new();
        for number in 0..9 {
            held.extend(read_one(&format!("2001:db8::{number}"), false, SIZE).await);
        }
        assert_eq!(held.len(), 4);
        assert_eq!(read_one("2001:db8::9", false, 2_000).await.unwrap_err(), BodyError::Crowded);
        assert!(read_one("2001:db8:0:1::1", false, SIZE).await.is_ok());
        // Everyone on this machine has the same.
        let mut own = Vec::new();
        for _ in 0..30 {
            own.push(read_one("127.0.0.1", true, SIZE).await.unwrap());
        }
        drop((held, own));
        assert_eq!(lock(&ADDRESSES).as_ref().map(HashMap::len), Some(0));
        assert_eq!(OF_OTHERS.available_permits(), 8 << 20);
        assert_eq!(OF_KNOWN.available_permits(), 40 << 20);
        assert_eq!(FIRST_PARTS.available_permits(), 16 << 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_arrives_too_slowly_is_given_up() {
        let every = |pause: u64| {
            let parts = futures_util::stream::unfold(0, move |number| async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let part = Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 4_096]));
                (number < 100).then_some((part, number + 1))
            });
            Body::from_stream(parts)
        };
        for (pause, expected) in [(100, None), (300, Some(BodyError::Slow))] {
            let sender = Sender { address: None, is_known: &|_| true };
            let begun = Instant::now();
            let read = super::read(&mut every(pause), SIZE, Duration::from_mins(1), &sender).await;
            assert_eq!(read.err(), expected, "{pause}");
            assert!(begun.elapsed() < Duration::from_secs(35));
        }
    }

    #[tokio::test]
    async fn a_longer_body_is_cut_at_the_limit_and_says_so() {
        for (length, limit, is_whole) in [(0, 0, true), (9, 9, true), (9, 10, true), (9, 8, false)]
        {
            let read = beginning(&mut Body::from(vec![b'x'; length]), limit).await.unwrap();
            assert_eq!((read.bytes.len(), read.is_whole), (length.min(limit), is_whole));
            let sender = Sender { address: None, is_known: &|_| true };
            let mut body = Body::from(vec![b'x'; length]);
            let whole = super::read(&mut body, limit, Duration::from_mins(1), &sender).await;
            assert_eq!(whole.err(), (!is_whole).then_some(BodyError::TooLarge(limit)));
        }
    }
}
