//! The order in which the messages of a batch are delivered, and the key to try next.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::pagerduty::routing_key::RoutingKey;
use crate::pagerduty::{Action, Severity};

/// Splits a batch into its groups. Each keeps its order; the most severe group comes first,
/// because turns are given in the order in which the groups start. A message without a group is
/// a group by itself.
#[must_use]
pub fn groups<T>(
    batch: Vec<T>,
    group_of: impl Fn(&T) -> Option<String>,
    severity: impl Fn(&T) -> Option<Severity>,
) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for message in batch {
        let group = group_of(&message).unwrap_or_else(|| format!("message {}", groups.len()));
        let at = *known.entry(group).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    groups.sort_by_cached_key(|group| Reverse(group.iter().filter_map(&severity).max()));
    groups
}

/// Delivers the messages of one group in their order until one must come back. The messages
/// after it are not tried. Returns that message with all after it, and the reason.
pub async fn in_order<T, Why>(
    group: &[T],
    hand_over: impl AsyncFn(&T) -> Result<(), Why>,
) -> Option<(&[T], Why)> {
    for (at, message) in group.iter().enumerate() {
        if let Err(why) = hand_over(message).await {
            return Some((&group[at..], why));
        }
    }
    None
}

/// The key to try next, if any. `moved`: a key of the pool was refused before, so the alert can
/// be open under a key that is not its first. The event that closes it is then sent with all keys.
/// If the alert is not open under a key, nothing happens.
#[must_use]
pub fn next_key(
    usable: Vec<RoutingKey>,
    tried: &[RoutingKey],
    delivered: bool,
    moved: bool,
    action: Action,
) -> Option<RoutingKey> {
    let everywhere = moved && action != Action::Trigger;
    let next = usable.into_iter().find(|key| !tried.contains(key));
    next.filter(|_| !delivered || everywhere)
}
