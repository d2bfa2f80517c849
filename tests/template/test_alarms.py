"""The stack's own alarms and dashboard. The alarms notify people without PagerDuty."""

import re

import pytest
import yaml
from loaded import ROOT, of_type, only_for
from rendered import ACCOUNT, Rendered

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:errors"
OPERATIONS = f"arn:aws:sns:eu-west-1:{ACCOUNT}:operations"
COMPARED = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">="}
ALARMS = {
    "WaitingAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "EventsQueue", "> 900"),
    "RejectedAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "RejectedQueue", ">= 1"),
    "UnenrichedAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "UnenrichedQueue", "> 900"),
    "EnrichErrorsAlarm": ("AWS/Lambda", "Errors", "EnrichFunction", ">= 1"),
    "DeliverErrorsAlarm": ("AWS/Lambda", "Errors", "DeliverFunction", ">= 1"),
    "KeyRefusedAlarm": ("Pagetrail", "KeyRefused", "AWS::StackName", ">= 1"),
    "GatewayErrorsAlarm": ("AWS/Lambda", "Url5xxCount", "GatewayFunction", ">= 1"),
    "AmissAlarm": ("Pagetrail", "Amiss", "AWS::StackName", ">= 1"),
}
# The user's choice, and whom the alarms notify then.
NOTIFIED = [
    ({}, []),
    ({"operationsEmail": "operations@example.com"}, ["<OperationsTopic>"]),
    ({"operationsTopicArn": OPERATIONS}, [OPERATIONS]),
]


def test_the_alarms_are_these(template: dict) -> None:
    found = {}
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        (dimension,) = alarm["Dimensions"]
        about = dimension["Value"]
        about = about.get("Ref") or about["Fn::GetAtt"][0]
        limit = f"{COMPARED[alarm['ComparisonOperator']]} {alarm['Threshold']}"
        found[name] = (alarm["Namespace"], alarm["MetricName"], about, limit)
    assert found == ALARMS


@pytest.mark.parametrize(("chosen", "expected"), NOTIFIED)
@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_notifies_whom_the_user_chose(
    template: dict, name: str, chosen: dict[str, str], expected: list[str]
) -> None:
    stack = Rendered(template, errorTopicArn=TOPIC, gateway="true", **chosen)
    alarm = stack.resources("AWS::CloudWatch::Alarm")[name]
    assert alarm.get("AlarmActions", []) == expected
    # The daily check reports nothing in between, so OK does not mean that all is well.
    assert alarm.get("OKActions", []) == ([] if name == "AmissAlarm" else expected)
    assert alarm.get("ActionsEnabled", True) is True
    assert alarm["TreatMissingData"] == "notBreaching"


def test_an_e_mail_address_gets_a_topic_of_its_own(template: dict) -> None:
    topics = [
        Rendered(template, errorTopicArn=TOPIC, **chosen).resources("AWS::SNS::Topic")
        for chosen, _ in NOTIFIED
    ]
    assert [list(found) for found in topics] == [[], ["OperationsTopic"], []]
    (topic,) = topics[1].values()
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": "operations@example.com"}]


@pytest.mark.parametrize("name", ALARMS)
def test_no_alarm_of_the_stack_pages_by_the_rule_for_every_alarm(template: dict, name: str) -> None:
    condition = template["Resources"][name].get("Condition")
    assert condition == ("Gateway" if name == "GatewayErrorsAlarm" else None)
    rule = template["Resources"]["AllAlarmsRule"]["Properties"]
    (pattern,) = rule["EventPattern"]["detail"]["alarmName"]
    first, *others = pattern["anything-but"]["prefix"]
    assert first == "TargetTracking-"
    assert (condition, {"Ref": name}) in [only_for(other) for other in others]


def test_own_metrics_are_named_as_the_program_names_them(template: dict) -> None:
    telemetry = (ROOT / "src/telemetry/mod.rs").read_text()
    assert 'NAMESPACE: &str = "Pagetrail"' in telemetry and '[["stack"]]' in telemetry
    body = template["Resources"]["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = set(re.findall(r'\["(?:Pagetrail|\.)", "(\w+)", ', body))
    assert len(named) == 11
    for metric in named | {"KeyRefused"}:
        assert f'"{metric}"' in telemetry, metric


def test_the_dashboard_is_json_and_made_only_when_asked_for(template: dict) -> None:
    assert template["Resources"]["OwnDashboard"]["Condition"] == "Dashboard"
    assert template["Parameters"]["dashboard"]["Default"] == "false"
    body = template["Resources"]["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = yaml.safe_load(body)["widgets"]
    assert [w["properties"]["region"] for w in widgets] == ["${AWS::Region}"] * 5
