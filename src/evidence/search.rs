//! Reads all pages of a query, line by line.

use super::Count;
use super::calls::Calls;
use super::ports::{LogSource, LookupError, Query};
use crate::lines::Line;

/// Counting stops here. Each further page costs one of the five calls per second that the whole
/// account shares, and a more exact number changes no decision.
pub(super) const MOST_COUNTED: usize = 10_000;

/// Reads the pages of a query until its end, the deadline, or about `enough` lines. Passes on
/// each line; returns how many there were, and the error that ended the search early.
pub(super) async fn search(
    query: &Query,
    enough: usize,
    logs: &impl LogSource,
    calls: &Calls,
    mut found: impl FnMut(Line),
) -> (Count, Option<LookupError>) {
    let mut matched = Count::default();
    let mut token: Option<String> = None;
    loop {
        match calls.make(|| logs.events(query, token.as_deref())).await {
            Err(failure) => {
                matched.at_least = true;
                return (matched, Some(failure));
            }
            Ok(page) => {
                matched.seen += page.items.len();
                page.items.into_iter().for_each(&mut found);
                if page.next.is_none() || page.next == token {
                    return (matched, None);
                }
                if matched.seen >= enough {
                    matched.at_least = true;
                    return (matched, None);
                }
                token = page.next;
            }
        }
    }
}
