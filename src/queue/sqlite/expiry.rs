//! Messages that have waited too long: rejected with the reason, never dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use super::database::{Change, now};
use super::schedule::{GroupKey, MessageId, Received};
use super::writer::Writer;
use crate::queue::{Queued, Rejection};
use crate::telemetry::Signal;

/// Messages checked in one batch, so that nobody waits long for the writer.
const MOST: usize = 500;
/// Messages of one group in one batch.
const OF_GROUP: usize = 10;

/// Rejects messages that are older than the bound and not being delivered. Returns whether there
/// are more.
pub(super) fn expire(writer: &mut Writer) -> bool {
    let longest = i64::try_from(writer.longest.as_millis()).unwrap_or(i64::MAX);
    let before = now().saturating_sub(longest);
    let mut after: MessageId = 0;
    loop {
        let heads = match writer.database.oldest(after, MOST) {
            Ok(heads) => heads,
            Err(error) => {
                writer.note(&error);
                return false;
            }
        };
        let old: Vec<_> = heads.iter().filter(|head| head.accepted_at < before).collect();
        let groups: BTreeSet<GroupKey> = old.iter().map(|head| GroupKey::of(&head.group)).collect();
        let ids: BTreeSet<MessageId> = old.iter().map(|head| head.id).collect();
        let now = writer.shared.now();
        let mut schedule = writer.shared.schedule();
        let take = |group| schedule.take_group(now, group, OF_GROUP);
        let taken: Vec<Received> = groups.into_iter().filter_map(take).collect();
        drop(schedule);
        if reject_old(writer, &taken, &ids) {
            return true;
        }
        // All of these are being delivered; the next ones may not be.
        match heads.last() {
            Some(last) if heads.len() == MOST && old.len() == MOST => after = last.id,
            _ => return false,
        }
    }
}

/// Rejects the old ones of the received messages, in one transaction.
fn reject_old(writer: &mut Writer, taken: &[Received], old: &BTreeSet<MessageId>) -> bool {
    let reason = format!("waited longer than {}", period(writer.longest));
    let (mut changes, mut dedup_keys) = (Vec::new(), Vec::new());
    for taken in taken {
        for id in taken.ids.iter().copied().take_while(|id| old.contains(id)) {
            let rejection = Rejection::now(None, reason.clone());
            changes.push(Change::Reject { group: taken.group, id, rejection });
            let body = writer.database.body(id).ok().flatten().unwrap_or_default();
            let outline = serde_json::from_str::<Queued>(&body).map(|queued| queued.outline());
            dedup_keys.push(outline.map(|outline| outline.dedup_key).unwrap_or_default());
        }
    }
    // An empty transaction writes nothing, but would look like a successful write.
    let written = changes.is_empty() || {
        let written = writer.database.write(&changes.iter().collect::<Vec<_>>());
        written.inspect_err(|error| writer.note(error)).is_ok()
    };
    let now = writer.shared.now();
    let mut schedule = writer.shared.schedule();
    for (change, dedup_key) in changes.iter().zip(&dedup_keys).filter(|_| written) {
        if let Change::Reject { group, id, .. } = change {
            Signal::Rejected { dedup_key, why: &reason }.tell();
            schedule.remove(now, *group, *id);
        }
    }
    for taken in taken {
        schedule.give_back(now, taken);
    }
    drop(schedule);
    writer.shared.changed.notify_waiters();
    written && !changes.is_empty()
}

fn period(longest: Duration) -> String {
    match longest.as_secs() {
        seconds if seconds >= 86_400 && seconds.is_multiple_of(86_400) => {
            format!("{} days", seconds / 86_400)
        }
        seconds => format!("{seconds} seconds"),
    }
}
