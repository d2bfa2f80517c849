//! Messages that have waited too long: put aside with the reason, never dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};

use super::database::{Change, now};
use super::schedule::{GroupKey, MessageId};
use super::writer::Writer;
use crate::queue::{Queued, Rejection};
use crate::telemetry::Signal;

/// Looked at in one go, so that nobody waits long for the writer.
const MOST: usize = 500;
/// Messages of one group in one go.
const OF_GROUP: usize = 10;

/// Puts aside what is older than the bound and not under way. Returns whether there is more.
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
        if groups.into_iter().filter(|group| of_group(writer, *group, &ids)).count() > 0 {
            return true;
        }
        // All of these are under way; what follows may not be.
        match heads.last() {
            Some(last) if heads.len() == MOST && old.len() == MOST => after = last.id,
            _ => return false,
        }
    }
}

/// Puts aside the old messages of a group, if nobody has taken it.
fn of_group(writer: &mut Writer, group: GroupKey, old: &BTreeSet<MessageId>) -> bool {
    let now = writer.shared.now();
    let taken = writer.shared.schedule().take_group(now, group, OF_GROUP);
    let Some(taken) = taken else { return false };
    let reason = format!("waited longer than {}", period(writer.longest));
    let mut any = false;
    for id in taken.ids.iter().copied().take_while(|id| old.contains(id)) {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let rejection = Rejection { status: None, reason: reason.clone(), at };
        let body = writer.database.body(id).ok().flatten().unwrap_or_default();
        if let Err(error) = writer.database.write(&[&Change::Reject { group, id, rejection }]) {
            writer.note(&error);
            break;
        }
        let outline = serde_json::from_str::<Queued>(&body).map(|queued| queued.outline());
        let dedup_key = outline.map(|outline| outline.dedup_key).unwrap_or_default();
        Signal::Rejected { dedup_key: &dedup_key, why: &reason }.tell();
        writer.shared.schedule().remove(now, group, id);
        any = true;
    }
    writer.shared.schedule().give_back(now, &taken);
    writer.shared.changed.notify_waiters();
    any
}

fn period(longest: Duration) -> String {
    match longest.as_secs() {
        seconds if seconds >= 86_400 && seconds.is_multiple_of(86_400) => {
            format!("{} days", seconds / 86_400)
        }
        seconds => format!("{seconds} seconds"),
    }
}
