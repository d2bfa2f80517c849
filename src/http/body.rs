//! A request's body: read within bounds of size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Bytes of all bodies that are in memory at once: before it is known who sends them, anybody
/// may send some over many connections.
static MEMORY: Semaphore = Semaphore::const_new(64 << 20);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    Slow,
    /// The connection ended in the midst of it.
    Broken,
    /// Too much is in memory already.
    Crowded,
}

/// A part of the memory for bodies, given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<SemaphorePermit<'static>>);

impl Share {
    /// Takes so many bytes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let bytes = u32::try_from(bytes).map_err(|_| BodyError::TooLarge)?;
        let more = MEMORY.try_acquire_many(bytes).map_err(|_| BodyError::Crowded)?;
        match &mut self.0 {
            Some(permit) => permit.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}

/// The whole body, of at most so many bytes. What is left of one that is refused was not read.
pub(crate) async fn read(
    body: &mut Body,
    limit: usize,
    patience: Duration,
) -> Result<(Bytes, Share), BodyError> {
    // What the client says of the length is only good for refusing.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    timeout(patience, collect(body, limit)).await.map_err(|_| BodyError::Slow)?
}

async fn collect(body: &mut Body, limit: usize) -> Result<(Bytes, Share), BodyError> {
    let mut share = Share::default();
    let mut whole = match next(body).await {
        None => return Ok((Bytes::new(), share)),
        Some(part) => {
            let part = part?;
            share.grow(part.len())?;
            // One part is all there is to most bodies; it is not copied.
            if body.is_end_stream() && part.len() <= limit {
                return Ok((part, share));
            }
            Vec::from(part)
        }
    };
    while whole.len() <= limit {
        match next(body).await {
            None => return Ok((whole.into(), share)),
            Some(part) => {
                let part = part?;
                share.grow(part.len())?;
                whole.extend_from_slice(&part);
            }
        }
    }
    Err(BodyError::TooLarge)
}

/// The next part of a body.
pub(crate) async fn next(body: &mut Body) -> Option<Result<Bytes, BodyError>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => {
                // Else trailers, which say nothing here.
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(_) => return Some(Err(BodyError::Broken)),
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
}
