//! Bodies of requests and of answers: read within bounds of size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Bytes of all requests' bodies that are in memory at once: before it is known who sends them,
/// anybody may send some over many connections.
static MEMORY: Semaphore = Semaphore::const_new(64 << 20);

/// Why a request's body was not read. The words are for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    Slow,
    #[error("the body ended early or could not be read")]
    Broken,
    /// Too much is in memory already.
    #[error("too many requests are under way; send it again")]
    Crowded,
}

impl BodyError {
    /// What it is in HTTP.
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

/// A part of the memory for bodies, given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<SemaphorePermit<'static>>);

impl Share {
    /// Takes so many bytes more.
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

/// What was read of a body.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub bytes: Bytes,
    /// Nothing comes after it.
    pub is_whole: bool,
}

/// The whole body of a request, of at most so many bytes. What is left of one that is refused
/// was not read.
pub(crate) async fn read(
    body: &mut Body,
    limit: usize,
    patience: Duration,
) -> Result<(Bytes, Share), BodyError> {
    // What the client says of the length is only good for refusing.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    let mut share = Share::default();
    let collected = collect(body, limit, |bytes| share.grow(bytes));
    let read = timeout(patience, collected).await.map_err(|_| BodyError::Slow)??;
    if read.is_whole { Ok((read.bytes, share)) } else { Err(BodyError::TooLarge(limit)) }
}

/// The first so many bytes of a body from a sender that need not be limited further.
pub(crate) async fn beginning<B>(body: &mut B, limit: usize) -> Result<Beginning, B::Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    collect(body, limit, |_| Ok(())).await
}

/// Reads up to the limit; `admit` can refuse each part before it is kept.
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
        // One part is all there is to most bodies; it is not copied.
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
                // Else trailers, which say nothing here.
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
    async fn what_would_take_too_much_memory_is_refused_until_there_is_room() {
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
    async fn what_is_longer_is_cut_at_the_limit_and_says_so() {
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
