//! CloudWatch, Lambda and EventBridge as the source of information about an alarm.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_lambda::Client as Lambda;

use super::described::alarms;
use super::lookup_error;
use crate::alarm::Alarm;
use crate::alarm::tags::Tags;
use crate::aws::Arn;
use crate::aws::signed::Signed;
use crate::evidence::ports::{AlarmSource, LookupError};

/// `DescribeAlarms` takes at most 100 names (API reference).
const MOST_NAMES: usize = 100;

/// The alarms of one Region, the functions and rules they watch, and what changed these.
#[derive(Clone)]
pub struct RegionalAlarms {
    cloudwatch: CloudWatch,
    lambda: Lambda,
    events: EventBridge,
    signed: Signed,
}

impl RegionalAlarms {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            cloudwatch: CloudWatch::new(config),
            lambda: Lambda::new(config),
            events: EventBridge::new(config),
            signed: Signed::new(config),
        }
    }

    /// All alarms of the Region, of all types, each with the ARNs it notifies.
    ///
    /// # Errors
    /// If a page of them cannot be read.
    pub async fn all(&self) -> Result<Vec<(Alarm, Vec<String>)>, LookupError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut page = self.describe(|call| call.set_next_token(token.clone())).await?;
            token = page.next_token.take();
            found.extend(alarms(page));
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The client for what is asked beside the logs.
    pub(crate) fn cloudwatch(&self) -> &CloudWatch {
        &self.cloudwatch
    }

    /// The client for what is asked beside the logs.
    pub(crate) fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// For services that are asked only if the user wants it.
    pub(crate) fn signed(&self) -> &Signed {
        &self.signed
    }

    /// The first alarms of the Region in a state, and whether these are all.
    pub(crate) async fn in_state(
        &self,
        state: StateValue,
        most: i32,
    ) -> Result<(Vec<Alarm>, bool), LookupError> {
        let page = self.describe(|call| call.state_value(state.clone()).max_records(most)).await?;
        let complete = page.next_token.is_none();
        Ok((alarms(page).map(|(alarm, _)| alarm).collect(), complete))
    }

    /// All types of alarm: if they are not named, CloudWatch returns only metric alarms.
    async fn describe(
        &self,
        ask: impl Fn(DescribeAlarmsFluentBuilder) -> DescribeAlarmsFluentBuilder,
    ) -> Result<DescribeAlarmsOutput, LookupError> {
        let answer = async |types: &[AlarmType]| {
            let call = self.cloudwatch.describe_alarms().set_alarm_types(Some(types.to_vec()));
            ask(call).send().await.map_err(|error| lookup_error(&error))
        };
        let types = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];
        match answer(&types).await {
            // Log alarms are new in 2026: a Region without them refuses this type.
            Err(LookupError::Refused(_)) => answer(&types[..2]).await,
            answer => answer,
        }
    }
}

impl AlarmSource for RegionalAlarms {
    async fn tags(&self, arn: &str) -> Result<Tags, LookupError> {
        let answer = self
            .cloudwatch
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, LookupError> {
        let names = names[..names.len().min(MOST_NAMES)].to_vec();
        let page = self.describe(|call| {
            // By default, a page has 50.
            call.set_alarm_names(Some(names.clone())).max_records(100)
        });
        Ok(alarms(page.await?).map(|(alarm, _)| alarm).collect())
    }

    async fn function_log_group(&self, function: &str) -> Result<String, LookupError> {
        let answer = self
            .lambda
            .get_function_configuration()
            .function_name(function)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let named = answer.logging_config.and_then(|logging| logging.log_group);
        Ok(named.unwrap_or_else(|| format!("/aws/lambda/{function}")))
    }

    async fn rule_functions(&self, rule: &str) -> Result<Vec<String>, LookupError> {
        let answer = self
            .events
            .list_targets_by_rule()
            .rule(rule)
            .send()
            .await
            .map_err(|error| lookup_error(&error))?;
        let targets = answer.targets.unwrap_or_default().into_iter();
        Ok(targets
            .filter_map(|target| {
                let name = Arn::parse(&target.arn)?.resource.strip_prefix("function:")?;
                Some(name.split(':').next().unwrap_or(name).to_owned())
            })
            .collect())
    }
}
