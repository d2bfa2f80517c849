//! An alarm's tags: those in its notification, else those CloudWatch knows.

use tokio::time::Instant;

use super::calls::Calls;
use super::notes::{Asked, explain};
use super::ports::{AlarmSource, LookupError};
use crate::alarm::Alarm;
use crate::alarm::tags::Tags;

/// The alarm's tags, asked for where the notification holds none.
///
/// # Errors
/// When CloudWatch does not answer with them before the deadline.
pub async fn look_up(
    alarm: &Alarm,
    alarms: &impl AlarmSource,
    deadline: Instant,
) -> Result<Tags, LookupError> {
    tags(alarm, alarms, &Calls::until(deadline)).await
}

/// Gives the alarm its tags; a note says so where they could not be read.
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
        // An alarm that was deleted meanwhile has none.
        Err(LookupError::NotFound) => Ok(Tags::new()),
        tags => tags,
    }
}
