//! A kind's fingerprint: what is the same for all its lines, in any process and at any time.

use sha2::{Digest as _, Sha256};

use super::token::Token;
use super::word::Class;

/// Words that count; further ones rarely tell one kind from another.
const WORDS: usize = 24;

/// The fingerprint of a kind: a hash of its words in their order, as 16 hex digits.
///
/// Numbers, ids, addresses, values of keys and what redaction masks are left out, so it does not
/// depend on which line of the kind came first, on the other lines, or on redaction. Where plain
/// words take the place of a value (`user alice`, `user bob`), the kind has the same fingerprint
/// wherever enough of them were seen to know it.
pub(super) fn of(tokens: &[Token], message: &str) -> String {
    let mut hasher = Sha256::new();
    let said = tokens.iter().filter(|token| matches!(token.class, Class::Word | Class::Fixed));
    let words: Vec<u64> = said.take(WORDS).map(|token| token.hash).collect();
    for word in &words {
        hasher.update(word.to_be_bytes());
    }
    if words.is_empty() {
        // Nothing but values, or punctuation.
        hasher.update(super::template::of(tokens, message));
    }
    let hash = hasher.finalize();
    let (first, _) = hash.split_at(8);
    format!("{:016x}", first.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)))
}
