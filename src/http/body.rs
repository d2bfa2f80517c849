//! Bodies of requests and responses, read with limits on size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Limit, in bytes, for all request bodies in memory at the same time. Anyone can send bodies over
/// many connections, and they are read before the sender is known.
static MEMORY: Semaphore = Semaphore::const_new(64 << 20);

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

/// A share of the memory for bodies; dropping it releases the memory.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<SemaphorePermit<'static>>);

impl Share {
    /// Reserves this many more bytes.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let bytes = u32::try_from(bytes).map_err(|_| BodyError::Crowded)?;
        let more = MEMORY.try_acquire_many(bytes).map_err(|_| BodyError::Crowded)?;
        match &mut self.0 {
            Some(permit) => permit.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
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
) -> Result<(Bytes, Share), BodyError> {
    // The length that the client gives is trusted only for refusing.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    let mut share = Share::default();
    let collected = collect(body, limit, |bytes| share.grow(bytes));
    let read = timeout(patience, collected).await.map_err(|_| BodyError::Slow)??;
    if read.is_whole { Ok((read.bytes, share)) } else { Err(BodyError::TooLarge(limit)) }
}

/// The first `limit` bytes of a body. For senders that need no limit on time or memory.
pub(crate) async fn beginning<B>(body: &mut B, limit: usize) -> Result<Beginning, B::Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    collect(body, limit, |_| Ok(())).await
}

/// Reads up to the limit. `admit` can refuse each part before it is kept.
async fn collect<B, E>(
    body: &mut B,
    limit: usize,
    mut admit: impl FnMut(usize) -> Result<(), E>,
) -> Result<Beginning, E>
where
    B: HttpBody<Data = Bytes> + Unpin,
    E: From<B::Error>,
{
    let mut read = Vec::new();
    while let Some(part) = next(body).await {
        let part = part?;
        admit(part.len())?;
        // Most bodies have only one part; it is not copied.
        if read.is_empty() && body.is_end_stream() && part.len() <= limit {
            return Ok(Beginning { bytes: part, is_whole: true });
        }
        read.extend_from_slice(&part);
        if read.len() > limit {
            read.truncate(limit);
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

    #[tokio::test]
    async fn a_body_is_refused_while_memory_is_full() {
        let whole = MEMORY.available_permits();
        let read_one = || async {
            let mut body = Body::from(vec![b'x'; 1 << 20]);
            read(&mut body, 1 << 20, Duration::from_secs(1)).await
        };
        let mut held = Vec::new();
        let refused = loop {
            match read_one().await {
                Ok(read) => held.push(read),
                Err(error) => break error,
            }
        };
        assert_eq!((held.len(), refused), (64, BodyError::Crowded));
        held.pop();
        assert!(read_one().await.is_ok());
        drop(held);
        assert_eq!(MEMORY.available_permits(), whole);
    }

    #[tokio::test]
    async fn a_longer_body_is_cut_at_the_limit_and_says_so() {
        for (length, limit, is_whole) in [(0, 0, true), (9, 9, true), (9, 10, true), (9, 8, false)]
        {
            let read = beginning(&mut Body::from(vec![b'x'; length]), limit).await.unwrap();
            assert_eq!((read.bytes.len(), read.is_whole), (length.min(limit), is_whole));
            let whole =
                super::read(&mut Body::from(vec![b'x'; length]), limit, Duration::MAX).await;
            assert_eq!(whole.err(), (!is_whole).then_some(BodyError::TooLarge(limit)));
        }
    }
}
