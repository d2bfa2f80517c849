//! Messages that have waited too long: rejected with the reason, never dropped, and never before they were
//! tried since this process began.

use std::time::Duration;

use super::database::{Change, now};
use super::schedule::MessageId;
use super::store::Head;
use super::writer::Writer;
use crate::queue::{Queued, Rejection};
use crate::telemetry::Signal;

/// Messages checked in one batch, so that nobody waits long for the writer.
const MOST: usize = 200;
/// How far back the clock may go from one message to the next: the time service sets it by seconds.
const CLOCK_STEP: i64 = 3_600_000;

/// Which ages of the waiting messages can be believed.
#[derive(Debug, Default)]
pub(super) struct Ages {
    newest: i64,
    stepped_back: bool,
}

impl Ages {
    /// Looks at the messages in the order in which they were accepted.
    pub(super) fn see(&mut self, head: &Head) {
        self.stepped_back |= head.accepted_at < self.newest - CLOCK_STEP;
        self.newest = self.newest.max(head.accepted_at);
    }

    /// The time from which the ages of these messages count, in milliseconds since 1970: now, if the clock
    /// was wrong while they were accepted, or if nothing is younger than the bound. Then the clock was
    /// years behind or is years ahead, or the process was away for as long; in any case they get a new chance.
    pub(super) fn count_from(&self, longest: Duration) -> i64 {
        let now = now();
        let gap = now.saturating_sub(self.newest);
        if self.stepped_back || gap > milliseconds(longest) { now } else { 0 }
    }
}

/// Rejects messages that are older than the bound, were tried and are not being delivered. Returns
/// whether there are more.
pub(super) fn expire(writer: &mut Writer) -> bool {
    let before = now().saturating_sub(milliseconds(writer.longest));
    if writer.count_from > before {
        return false;
    }
    let tried = writer.shared.schedule().tried(MOST);
    let is_old = |id: MessageId, writer: &mut Writer| match writer.database.oldest(id - 1, 1) {
        Ok(heads) => heads.first().is_some_and(|head| head.id == id && head.accepted_at < before),
        Err(error) => {
            writer.note(&error);
            false
        }
    };
    let more = tried.len() == MOST;
    let mut rejected = false;
    for (group, id) in tried {
        if is_old(id, writer) {
            let now = writer.shared.now();
            let taken = writer.shared.schedule().take_group(now, group, 1);
            let taken = taken.filter(|taken| taken.ids == [id] && taken.attempts > 1);
            if let Some(taken) = taken {
                rejected |= reject(writer, id, &taken);
            }
        }
    }
    rejected && more
}

/// Rejects the received message.
fn reject(writer: &mut Writer, id: MessageId, taken: &super::schedule::Received) -> bool {
    let reason = format!("waited longer than {}", period(writer.longest));
    let rejection = Rejection::now(None, reason.clone());
    let change = Change::Reject { group: taken.group, id, rejection };
    let body = writer.database.body(id).ok().flatten().unwrap_or_default();
    let outline = serde_json::from_str::<Queued>(&body).map(|queued| queued.outline());
    let dedup_key = outline.map(|outline| outline.dedup_key).unwrap_or_default();
    let written = writer.database.write(&[&change]);
    let written = written.inspect_err(|error| writer.note(error)).is_ok();
    let now = writer.shared.now();
    let mut schedule = writer.shared.schedule();
    if written {
        Signal::Rejected { dedup_key: &dedup_key, why: &reason }.tell();
        schedule.remove(now, taken.group, id);
    }
    schedule.give_back(now, taken);
    drop(schedule);
    writer.shared.changed.notify_waiters();
    written
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn period(longest: Duration) -> String {
    match longest.as_secs() {
        seconds if seconds >= 86_400 && seconds.is_multiple_of(86_400) => {
            format!("{} days", seconds / 86_400)
        }
        seconds => format!("{seconds} seconds"),
    }
}
