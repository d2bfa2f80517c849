//! A value that is stored elsewhere: read at first use, and read again from time to time.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::lock;

/// The longest age of a value. A key or token that was removed still works for this long.
pub const LONGEST_AGE: Duration = Duration::from_mins(5);
/// The shortest time between two reads for an unknown key or token. Nobody changes a secret faster
/// than this, and a sender of wrong keys must not cause a read for each one.
const SHORTEST_GAP: Duration = Duration::from_secs(10);
/// Callers that waited for a read that failed share its failure. If each read again, one after the
/// other, the function would time out.
const SHARED_FAILURE: Duration = Duration::from_secs(1);

/// The value from the last successful read. It stays in use if reading it again fails.
///
/// Each method takes the read as a future, and awaits it only if the value must be read.
#[derive(Debug)]
pub struct Fresh<T, E> {
    // The standard library's lock: nothing awaits while it is held.
    known: RwLock<Option<Arc<T>>>,
    // Tokio's lock: held while the value is read, so that it is read once.
    reads: tokio::sync::Mutex<Reads<E>>,
}

#[derive(Debug)]
struct Reads<E> {
    /// When a read was last tried.
    tried: Option<Instant>,
    /// When the last read ended, and its result.
    ended: Option<(Instant, Result<(), E>)>,
    /// When the value was last read because the known value did not help.
    again: Option<Instant>,
}

impl<T, E> Default for Fresh<T, E> {
    /// Nothing has been read yet.
    fn default() -> Self {
        let reads = Reads { tried: None, ended: None, again: None };
        Self { known: RwLock::default(), reads: tokio::sync::Mutex::new(reads) }
    }
}

impl<T, E: Clone> Fresh<T, E> {
    /// The known value, if it was ever read.
    pub fn known(&self) -> Option<Arc<T>> {
        lock::read(&self.known).clone()
    }

    /// The value from memory, if it was read before.
    ///
    /// # Errors
    /// When it was never read and cannot be read now.
    pub async fn get(&self, read: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        if let Some(value) = self.known() {
            return Ok(value);
        }
        let mut reads = self.reads.lock().await;
        // Another caller may have read it while this one waited.
        if let Some(value) = self.known() {
            return Ok(value);
        }
        reads.share_failure()?;
        self.read(&mut reads, read).await
    }

    /// Reads the known value again if it has reached its longest age. If nothing is known yet,
    /// reads nothing.
    ///
    /// # Errors
    /// When it cannot be read. The next try comes after the same time again.
    pub async fn renew(&self, read: impl Future<Output = Result<T, E>>) -> Result<(), E> {
        let mut reads = self.reads.lock().await;
        let is_old = reads.tried.is_none_or(|at| at.elapsed() >= LONGEST_AGE);
        if !is_old || self.known().is_none() {
            return Ok(());
        }
        // Set before the read too: a caller with a deadline can drop a read that hangs, and the
        // next callers must not wait as long.
        reads.tried = Some(Instant::now());
        self.read(&mut reads, read).await.map(drop)
    }

    /// Reads the value again because the known one did not help: a missing key may have been added.
    /// Soon after such a read, the last read's result is the answer.
    ///
    /// # Errors
    /// When it cannot be read, or could not be read a moment ago.
    pub async fn again(&self, read: impl Future<Output = Result<T, E>>) -> Result<(), E> {
        let mut reads = self.reads.lock().await;
        if reads.again.is_some_and(|at| at.elapsed() < SHORTEST_GAP)
            && let Some((_, ended)) = &reads.ended
        {
            return ended.clone();
        }
        reads.share_failure()?;
        let read = self.read(&mut reads, read).await;
        // Set after the read, whatever its result: waiting callers must not repeat a slow failure.
        reads.again = Some(Instant::now());
        read.map(drop)
    }

    /// Reads the value now, even if it was read a moment ago.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn now(&self, read: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        let mut reads = self.reads.lock().await;
        self.read(&mut reads, read).await
    }

    async fn read(
        &self,
        reads: &mut Reads<E>,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let read = read.await;
        let now = Instant::now();
        reads.tried = Some(now);
        reads.ended = Some((now, read.as_ref().map(|_| ()).map_err(E::clone)));
        let value = Arc::new(read?);
        let mut known = lock::write(&self.known);
        *known = Some(Arc::clone(&value));
        Ok(value)
    }
}

impl<E: Clone> Reads<E> {
    fn share_failure(&self) -> Result<(), E> {
        match &self.ended {
            Some((at, failure)) if at.elapsed() < SHARED_FAILURE => failure.clone(),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    /// How long a read takes.
    const READ: Duration = Duration::from_secs(4);

    /// Its value is the number of its reads; a read can be made to fail.
    #[derive(Default)]
    struct Source {
        reads: AtomicU32,
        fails: bool,
        fresh: Fresh<u32, &'static str>,
    }

    impl Source {
        async fn read(&self) -> Result<u32, &'static str> {
            let number = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
            sleep(READ).await;
            if self.fails { Err("denied") } else { Ok(number) }
        }

        async fn get(&self) -> Result<u32, &'static str> {
            self.fresh.get(self.read()).await.map(|value| *value)
        }

        async fn renew(&self) -> Result<(), &'static str> {
            self.fresh.renew(self.read()).await
        }

        async fn again(&self) -> Result<(), &'static str> {
            self.fresh.again(self.read()).await
        }

        async fn now(&self) -> Result<u32, &'static str> {
            self.fresh.now(self.read()).await.map(|value| *value)
        }

        fn reads(&self) -> u32 {
            self.reads.load(Ordering::Relaxed)
        }
    }

    /// A source that was read once.
    async fn known() -> Source {
        let source = Source::default();
        assert_eq!(source.get().await, Ok(1));
        source
    }

    #[tokio::test(start_paused = true)]
    async fn simultaneous_callers_share_one_read() {
        let source = Source::default();
        assert_eq!(source.fresh.known(), None);
        assert_eq!(join_all((0..9).map(|_| source.get())).await, [Ok(1); 9]);
        assert_eq!(source.get().await, Ok(1));
        assert_eq!((source.reads(), source.fresh.known()), (1, Some(Arc::new(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_first_read_is_shared_by_waiting_callers_and_then_repeated() {
        let mut source = Source { fails: true, ..Source::default() };
        assert_eq!(join_all((0..9).map(|_| source.get())).await, [Err("denied"); 9]);
        assert_eq!(source.get().await, Err("denied"));
        assert_eq!(source.reads(), 1);
        source.fails = false;
        advance(SHARED_FAILURE).await;
        assert_eq!(source.get().await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_does_not_help_is_read_again_once_per_gap() {
        let source = known().await;
        assert_eq!(join_all((0..9).map(|_| source.again())).await, [Ok(()); 9]);
        assert_eq!((source.reads(), source.get().await), (2, Ok(2)));
        advance(SHORTEST_GAP.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!((source.again().await, source.reads()), (Ok(()), 2));
        advance(Duration::from_millis(1)).await;
        assert_eq!((source.again().await, source.reads()), (Ok(()), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_gap_begins_when_a_read_ends() {
        let source = known().await;
        let begun = Instant::now();
        source.again().await.unwrap();
        advance(SHORTEST_GAP.checked_sub(READ).unwrap()).await;
        assert_eq!(begun.elapsed(), SHORTEST_GAP);
        assert_eq!((source.again().await, source.reads()), (Ok(()), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_second_read_is_shared_for_the_gap_and_the_known_value_stays() {
        let mut source = known().await;
        source.fails = true;
        assert_eq!(join_all((0..9).map(|_| source.again())).await, [Err("denied"); 9]);
        advance(SHORTEST_GAP.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!((source.again().await, source.reads()), (Err("denied"), 2));
        assert_eq!(source.get().await, Ok(1));
        source.fails = false;
        advance(Duration::from_millis(1)).await;
        assert_eq!((source.again().await, source.get().await), (Ok(()), Ok(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn another_read_within_the_gap_gives_the_answer() {
        let mut source = known().await;
        source.fails = true;
        assert_eq!(source.again().await, Err("denied"));
        source.fails = false;
        assert_eq!(source.now().await, Ok(3));
        assert_eq!((source.again().await, source.reads()), (Ok(()), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_only_when_it_is_old() {
        let source = known().await;
        advance(LONGEST_AGE.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!((source.renew().await, source.reads()), (Ok(()), 1));
        advance(Duration::from_millis(1)).await;
        assert_eq!(join_all((0..9).map(|_| source.renew())).await, [Ok(()); 9]);
        assert_eq!((source.reads(), source.get().await), (2, Ok(2)));
        source.again().await.unwrap();
        advance(LONGEST_AGE.checked_sub(READ).unwrap()).await;
        assert_eq!((source.renew().await, source.reads()), (Ok(()), 3), "any read renews it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_keeps_the_known_value_and_is_not_repeated_soon() {
        let mut source = known().await;
        source.fails = true;
        advance(LONGEST_AGE).await;
        assert_eq!(source.renew().await, Err("denied"));
        assert_eq!((source.renew().await, source.reads()), (Ok(()), 2));
        assert_eq!(source.again().await, Err("denied"));
        assert_eq!((source.get().await, source.reads()), (Ok(1), 2));
        advance(LONGEST_AGE).await;
        source.fails = false;
        assert_eq!((source.renew().await, source.get().await), (Ok(()), Ok(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_renewal_is_not_started_by_each_caller() {
        let source = known().await;
        advance(LONGEST_AGE).await;
        timeout(READ / 2, source.renew()).await.unwrap_err();
        assert_eq!((source.renew().await, source.reads()), (Ok(()), 2));
        assert_eq!(source.get().await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_first_read_is_made_by_the_next_caller() {
        let source = Source::default();
        timeout(READ / 2, source.get()).await.unwrap_err();
        assert_eq!((source.renew().await, source.reads()), (Ok(()), 1), "nothing to renew yet");
        assert_eq!(source.get().await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn now_always_reads() {
        let mut source = Source { fails: true, ..Source::default() };
        assert_eq!((source.now().await, source.now().await), (Err("denied"), Err("denied")));
        source.fails = false;
        source.again().await.unwrap_err();
        assert_eq!((source.now().await, source.now().await), (Ok(3), Ok(4)));
    }
}
