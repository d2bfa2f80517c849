//! An alarm's tags: those in its notification, else those from CloudWatch.

use tokio::time::Instant;

use super::calls::Calls;
use super::notes::{Asked, explain};
use super::ports::{AlarmSource, LookupError};
use crate::alarm::Alarm;
use crate::alarm::tags::Tags;

/// The alarm's tags; CloudWatch is asked if the notification has none.
///
/// # Errors
/// If CloudWatch does not return them before the deadline.
pub async fn look_up(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    deadline: Instant,
) -> Result<Tags, LookupError> {
    tags(alarm, alarms, &Calls::until(deadline)).await
}

/// Fills in the alarm's tags; returns a note if they could not be read.
pub(super) async fn fill(
    alarm: &mut Alarm,
    alarms: &impl AlarmSource,
    calls: &Calls,
) -> Option<String> {
    match tags(alarm, alarms, calls).await {
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

async fn tags(
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
