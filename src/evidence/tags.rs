//! An alarm's tags: those in its notification, else those from CloudWatch.

use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::time::Instant;

use super::calls::Calls;
use super::notes::{Asked, explain};
use super::ports::{AlarmSource, LookupError};
use crate::alarm::Alarm;
use crate::alarm::tags::{LOG_GROUP, Tags};

/// The alarm's tags; CloudWatch is asked if the notification has none.
///
/// # Errors
/// If CloudWatch does not return them before the deadline.
pub async fn look_up(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    deadline: Instant,
) -> Result<Tags, LookupError> {
    read(alarm, alarms, &Calls::until(deadline)).await
}

/// Fills in the alarm's tags; returns a note if they could not be read.
pub(super) fn fill(alarm: &mut Alarm, tags: Result<Tags, LookupError>) -> Option<String> {
    match tags {
        Ok(tags) => {
            alarm.tags = tags;
            None
        }
        Err(error) => {
            let arn = alarm.arn.as_deref().unwrap_or_default();
            Some(explain("the alarm's tags could not be read", &error, &Asked::tags(arn)))
        }
    }
}

/// The tags, and what is asked at the same time but not needed if the tags name a log group: then it
/// is not waited for.
pub(super) async fn beside<T>(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
    other: impl Future<Output = Option<T>>,
) -> (Result<Tags, LookupError>, Option<T>) {
    let reading = pin!(read(alarm, alarms, calls));
    let other = pin!(other);
    match select(reading, other).await {
        Either::Left((Ok(tags), _)) if tags.contains_key(LOG_GROUP) => (Ok(tags), None),
        Either::Left((tags, other)) => (tags, other.await),
        Either::Right((found, reading)) => (reading.await, found),
    }
}

/// The tags in the alarm's notification, else those that CloudWatch has.
pub(super) async fn read(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> Result<Tags, LookupError> {
    let Some(arn) = alarm.arn.as_deref().filter(|_| alarm.tags.is_empty()) else {
        return Ok(alarm.tags.clone());
    };
    match calls.make_briefly(|| alarms.tags(arn)).await {
        // A deleted alarm has no tags.
        Err(LookupError::NotFound) => Ok(Tags::new()),
        tags => tags,
    }
}
