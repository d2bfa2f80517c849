//! Hashes that identify things.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of the parts, in lower-case hex. Each part is hashed with its length, so `["ab",
/// "c"]` and `["a", "bc"]` give different hashes.
#[must_use]
pub fn sha256_hex(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
