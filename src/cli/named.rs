//! Finds the alarm that `--alarm` names, by its name or its ARN; suggests similar names if there
//! is none.

use std::str::FromStr;
use std::time::Duration;

use tokio::time::timeout;

use super::CommandError;
use crate::alarm::Alarm;
use crate::aws::{Origin, alarm_name};
use crate::evidence::aws::RegionalAlarms;
use crate::evidence::ports::{AlarmSource as _, LookupError};
use crate::text::{alike, did_you_mean};

/// Time to search for names similar to an unknown one: an account can have thousands of alarms.
const SUGGESTION: Duration = Duration::from_secs(10);

/// An alarm as an argument gives it.
#[derive(Debug, Clone)]
pub(super) struct AlarmName {
    name: String,
    /// Set if the argument is an ARN.
    origin: Option<Origin>,
}

impl FromStr for AlarmName {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        if !given.starts_with("arn:") {
            return Ok(Self { name: given.to_owned(), origin: None });
        }
        match alarm_name(given).zip(Origin::from_arn(given)) {
            Some((name, origin)) => Ok(Self { name: name.to_owned(), origin: Some(origin) }),
            None => Err("an alarm's ARN looks like arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME"),
        }
    }
}

impl AlarmName {
    /// The Region of an ARN.
    pub(super) fn region(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.region.as_str())
    }

    /// The alarm as it is now.
    pub(super) async fn find(
        &self,
        alarms: &RegionalAlarms,
        region: &str,
    ) -> Result<Alarm, CommandError> {
        let name = &self.name;
        let found = alarms.alarms(std::slice::from_ref(name)).await.map_err(no_alarms)?;
        if let Some(alarm) = found.into_iter().next() {
            return match self.other_account(&alarm) {
                Some(error) => Err(error),
                None => Ok(alarm),
            };
        }
        // Only for the message, which is shorter without them.
        let all = timeout(SUGGESTION, alarms.all()).await;
        let all = all.ok().and_then(Result::ok).unwrap_or_default();
        if let Some(error) = all.first().and_then(|(alarm, _)| self.other_account(alarm)) {
            return Err(error);
        }
        let meant = did_you_mean(&alike(name, all.iter().map(|(alarm, _)| alarm.name.as_str()), 3));
        let account = match &self.origin {
            Some(origin) if all.is_empty() => {
                format!("; are these the credentials of account {}?", origin.account)
            }
            _ => String::new(),
        };
        Err(format!("no alarm is named {name:?} in Region {region}{meant}{account}").into())
    }

    /// The error if the ARN's account is not the account of this alarm.
    fn other_account(&self, alarm: &Alarm) -> Option<CommandError> {
        let asked = &self.origin.as_ref()?.account;
        let own = &alarm.origin.account;
        (asked != own).then(|| {
            format!(
                "the alarm is in account {asked}, but the AWS credentials are for account {own}: \
                 choose others with --profile"
            )
            .into()
        })
    }
}

/// Why the alarms could not be read.
pub(super) fn no_alarms(error: LookupError) -> CommandError {
    match error {
        LookupError::AccessDenied => {
            "access denied: you need cloudwatch:DescribeAlarms for this".into()
        }
        error => format!("cloudwatch:DescribeAlarms failed: {error}").into(),
    }
}
