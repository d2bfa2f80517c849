"""Alarms as CloudWatch stores them, and its messages about them: to a topic and to a function."""

import json
import uuid
from datetime import datetime, timedelta

from .cloud import ACCOUNT, REGION, Cloud
from .install import alarm_arn
from .workload import NAMESPACE, Minute


class Alarm:
    """A metric alarm on the log metric of that name, or on an AWS metric."""

    def __init__(
        self,
        name: str,
        topic: str,
        minute: Minute,
        namespace: str = NAMESPACE,
        metric: str | None = None,
        dimensions: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.topic = topic
        self.minute = minute
        self.namespace = namespace
        self.metric = metric or f"{name}-errors"
        self.dimensions = dimensions or {}
        self.arn = self.dedup_key = alarm_arn(name)
        self.description = "Orders that failed"

    def create(self, cloud: Cloud, tags: dict[str, str] | None = None) -> None:
        """Creates the alarm in CloudWatch, in ALARM. A notification alone does not need it."""
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=self.name,
            AlarmDescription=self.description,
            Namespace=self.namespace,
            MetricName=self.metric,
            Dimensions=[{"Name": k, "Value": v} for k, v in self.dimensions.items()],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[self.topic],
            OKActions=[self.topic],
            Tags=[{"Key": k, "Value": v} for k, v in (tags or {}).items()],
        )
        self.set_state(cloud, "ALARM")

    def set_state(self, cloud: Cloud, state: str) -> None:
        """Sets it without a notification: the emulator's lacks many fields of CloudWatch's."""
        client = cloud.client("cloudwatch")
        client.disable_alarm_actions(AlarmNames=[self.name])
        client.set_alarm_state(
            AlarmName=self.name, StateValue=state, StateReason=self.reason(state)
        )
        client.enable_alarm_actions(AlarmNames=[self.name])

    def reason(self, state: str) -> str:
        firing = state == "ALARM"
        period = self.minute.start if firing else self.minute.at(60)
        value, verdict = ("1.0", "was") if firing else ("0.0", "was not")
        return (
            f"Threshold Crossed: 1 datapoint [{value} ({period:%d/%m/%y %H:%M:00})] {verdict} "
            "greater than or equal to the threshold (1.0)."
        )

    def changed(self, state: str) -> str:
        return cloudwatch_time(
            self.minute.changed + timedelta(minutes=0 if state == "ALARM" else 1)
        )

    def message(self, state: str) -> str:
        """The message that CloudWatch publishes."""
        message = head(self.name, state, self.reason(state), self.changed(state))
        message |= {
            "AlarmDescription": self.description,
            "OKActions": [self.topic],
            "AlarmActions": [self.topic],
            "InsufficientDataActions": [],
            "Trigger": {
                "MetricName": self.metric,
                "Namespace": self.namespace,
                "StatisticType": "Statistic",
                "Statistic": "SUM",
                "Unit": None,
                "Dimensions": [{"name": k, "value": v} for k, v in self.dimensions.items()],
                "Period": 60,
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "Threshold": 1.0,
                "TreatMissingData": "notBreaching",
                "EvaluateLowSampleCountPercentile": "",
            },
        }
        return json.dumps(message)

    def notify(self, cloud: Cloud, state: str) -> None:
        publish(cloud, self.topic, self.name, state, self.message(state))

    def action(self, state: str) -> dict:
        """The payload for a function that is the alarm's action."""
        return {
            "source": "aws.cloudwatch",
            "alarmArn": self.arn,
            "accountId": ACCOUNT,
            "time": self.changed(state),
            "region": REGION,
            "alarmData": self.detail(state),
        }

    def event(self, state: str) -> dict:
        """The event that CloudWatch sends to the event bus."""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": ACCOUNT,
            "time": f"{self.minute.changed:%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [self.arn],
            "detail": self.detail(state),
        }

    def detail(self, state: str) -> dict:
        metric = {"namespace": self.namespace, "name": self.metric, "dimensions": self.dimensions}
        reason_data = {
            "version": "1.0",
            "queryDate": self.changed(state),
            "startDate": cloudwatch_time(self.minute.start),
            "statistic": "Sum",
            "period": 60,
            "recentDatapoints": [1.0 if state == "ALARM" else 0.0],
            "threshold": 1.0,
        }
        return {
            "alarmName": self.name,
            "state": {
                "value": state,
                "reason": self.reason(state),
                "reasonData": json.dumps(reason_data),
                "timestamp": self.changed(state),
            },
            "previousState": {"value": "OK" if state == "ALARM" else "ALARM"},
            "configuration": {
                "description": self.description,
                "metrics": [
                    {
                        "id": "m1",
                        "metricStat": {"metric": metric, "period": 60, "stat": "Sum"},
                        "returnData": True,
                    }
                ],
            },
        }


class Composite:
    """A composite alarm. Its message names the children only in its rule."""

    def __init__(self, name: str, topic: str, children: list[Alarm]) -> None:
        self.name = name
        self.topic = topic
        self.children = children
        self.dedup_key = alarm_arn(name)
        self.rule = " OR ".join(f'ALARM("{child.name}")' for child in children)

    def create(self, cloud: Cloud) -> None:
        for child in self.children:
            child.create(cloud)
        # No actions: the emulator's message differs from CloudWatch's.
        cloud.client("cloudwatch").put_composite_alarm(AlarmName=self.name, AlarmRule=self.rule)

    def notify(self, cloud: Cloud, state: str) -> None:
        child = self.children[0]
        reason = (
            f"{child.arn} transitioned to {state} at "
            f"{child.minute.changed:%A %d %B, %Y %H:%M:%S} UTC"
        )
        message = head(self.name, state, reason, child.changed(state))
        message |= {"AlarmDescription": "", "AlarmRule": self.rule, "TriggeringChildren": []}
        publish(cloud, self.topic, self.name, state, json.dumps(message))


def head(name: str, state: str, reason: str, changed: str) -> dict:
    return {
        "AlarmName": name,
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2025-02-02T11:48:52.788+0000",
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": changed,
        "Region": "US East (N. Virginia)",
        "AlarmArn": alarm_arn(name),
        "OldStateValue": "OK" if state == "ALARM" else "ALARM",
    }


def publish(cloud: Cloud, topic: str, name: str, state: str, message: str) -> None:
    subject = f'{state}: "{name}" in US East (N. Virginia)'
    cloud.client("sns").publish(TopicArn=topic, Subject=subject, Message=message)


def cloudwatch_time(at: datetime) -> str:
    """CloudWatch's own format, which is not quite RFC 3339."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
