//! The write-ahead log as SQLite writes it: whether a part of it is damaged that SQLite would leave out
//! without a word, and the log without that part.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong, since what follows is usually what a
//! crash left behind. If a byte in the middle is wrong or the end is gone, everything behind it was
//! confirmed and would be lost in silence. Format: SQLite's file format, 4.1, and the head of the index beside
//! the log, 2.1 of its description of WAL mode.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use super::lock::beside;

const HEADER: usize = 32;
const FRAME: usize = 24;
/// Whether the checksums read their words with the most significant byte first is the last bit.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// A log, in memory: it is some mebibytes long.
struct Log {
    bytes: Vec<u8>,
    page: usize,
    big_endian: bool,
    header_is_intact: bool,
}

/// A frame: a page, and whether a transaction ends with it.
struct Frame<'a> {
    salts: &'a [u8],
    ends_transaction: bool,
    sums: Sums,
    /// What the checksums cover: the first 8 bytes of the head, and the page.
    head: &'a [u8],
    page: &'a [u8],
}

type Sums = (u32, u32);

/// What is wrong with the log beside a database; `None` if SQLite reads all that was confirmed.
pub(super) fn damage(database: &Path) -> io::Result<Option<String>> {
    let gone = |pages: usize| format!("{pages} confirmed pages of the log are gone");
    let Some(log) = Log::read(database)? else {
        let confirmed = confirmed(database, None)?.filter(|confirmed| *confirmed > 0);
        return Ok(confirmed.map(gone));
    };
    let salts = log.salts();
    let (mut sums, mut intact) = (log.header_sums(), 0);
    for frame in log.frames().take_while(|frame| log.header_is_intact && salts == frame.salts) {
        if log.sums(sums, &frame) != frame.sums {
            break;
        }
        sums = frame.sums;
        intact += 1;
    }
    // A crash can tear the transaction that was being written, one at most: it was not confirmed.
    let behind = log.frames().skip(intact).filter(|frame| salts == frame.salts);
    let transactions = behind.filter(|frame| frame.ends_transaction).count();
    if transactions > 1 {
        let words = format!("{transactions} transactions behind a damaged place of the log");
        return Ok(Some(words));
    }
    let confirmed = confirmed(database, Some(&salts))?.unwrap_or(0);
    Ok((confirmed > intact).then(|| gone(confirmed - intact)))
}

/// The log with all frames that are whole, whatever is between them. `None` if there is none.
pub(super) fn without_damage(database: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(log) = Log::read(database)? else { return Ok(None) };
    let salts = log.salts();
    let mut whole = log.bytes[..HEADER].to_vec();
    whole[..4].copy_from_slice(&(MAGIC | u32::from(log.big_endian)).to_be_bytes());
    whole[4..8].copy_from_slice(&VERSION.to_be_bytes());
    let page = u32::try_from(log.page).unwrap_or_default();
    whole[8..12].copy_from_slice(&page.to_be_bytes());
    whole[16..24].copy_from_slice(&salts);
    let header_sums = log.sums_of((0, 0), &whole[..24]);
    write_sums(&mut whole[24..32], header_sums);
    let (mut before, mut sums) = (log.header_sums(), header_sums);
    for frame in log.frames().filter(|frame| salts == frame.salts) {
        // Its own sum continues that of the frame before, as it is written there.
        let is_whole = log.sums(before, &frame) == frame.sums;
        before = frame.sums;
        if is_whole {
            sums = log.sums(sums, &frame);
            whole.extend_from_slice(frame.head);
            whole.extend_from_slice(&salts);
            whole.extend([0; 8]);
            let at = whole.len() - 8;
            write_sums(&mut whole[at..], sums);
            whole.extend_from_slice(frame.page);
        }
    }
    Ok(Some(whole))
}

impl Log {
    fn read(database: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(beside(database, "-wal")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        if bytes.len() < HEADER {
            return Ok(None);
        }
        let magic = number(&bytes, 0);
        let page = usize::try_from(number(&bytes, 8)).unwrap_or(0);
        let known = magic | 1 == MAGIC | 1 && number(&bytes, 4) == VERSION;
        // Our own files have the usual size; this is for a damaged head.
        let page = if known && (512..=65_536).contains(&page) { page } else { super::store::PAGE };
        let mut log = Self { bytes, page, big_endian: magic == MAGIC | 1, header_is_intact: known };
        let sums = log.sums_of((0, 0), &log.bytes[..24]);
        log.header_is_intact &= sums == log.header_sums();
        Ok(Some(log))
    }

    /// The mark of the frames that count; if the head is damaged, that of most frames.
    fn salts(&self) -> Vec<u8> {
        if self.header_is_intact {
            return self.bytes[16..24].to_vec();
        }
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        for frame in self.frames() {
            *counts.entry(frame.salts).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map_or(&self.bytes[16..24], |(salts, _)| salts).to_vec()
    }

    fn header_sums(&self) -> Sums {
        (number(&self.bytes, 24), number(&self.bytes, 28))
    }

    fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.bytes[HEADER..].chunks_exact(FRAME + self.page).map(|frame| Frame {
            head: &frame[..8],
            ends_transaction: number(frame, 4) > 0,
            salts: &frame[8..16],
            sums: (number(frame, 16), number(frame, 20)),
            page: &frame[FRAME..],
        })
    }

    fn sums(&self, before: Sums, frame: &Frame<'_>) -> Sums {
        self.sums_of(self.sums_of(before, frame.head), frame.page)
    }

    fn sums_of(&self, (mut first, mut second): Sums, bytes: &[u8]) -> Sums {
        let word = |bytes: [u8; 4]| {
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        for [a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
            first = first.wrapping_add(word([*a, *b, *c, *d])).wrapping_add(second);
            second = second.wrapping_add(word([*e, *f, *g, *h])).wrapping_add(first);
        }
        (first, second)
    }
}

/// How many frames were confirmed and are not in the database itself, by the index that a process left behind
/// that was killed. `None` if there is none for this log.
fn confirmed(database: &Path, salts: Option<&[u8]>) -> io::Result<Option<usize>> {
    let index = match fs::read(beside(database, "-shm")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        index => index?,
    };
    // The head is there twice; while it is written, the two differ.
    let (Some(head), Some(copy)) = (index.get(..48), index.get(48..96)) else { return Ok(None) };
    let own = |at: usize| {
        let bytes = index.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let (frames, copied) = (own(16), own(96));
    let is_for_this =
        own(0) == VERSION && head == copy && salts.is_none_or(|salts| &head[32..40] == salts);
    let is_needed = is_for_this && copied < frames;
    Ok(is_needed.then(|| usize::try_from(frames).unwrap_or(usize::MAX)))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn write_sums(to: &mut [u8], (first, second): Sums) {
    to[..4].copy_from_slice(&first.to_be_bytes());
    to[4..8].copy_from_slice(&second.to_be_bytes());
}
