"""The stack's own alarms and dashboard. The alarms notify people without PagerDuty."""

import re

import pytest
import yaml
from loaded import ROOT, of_type, only_for
from rendered import ACCOUNT, Rendered

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:errors"
OPERATIONS = f"arn:aws:sns:eu-west-1:{ACCOUNT}:operations"
COMPARED = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
}
ALARMS = {
    "WaitingAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "EventsQueue", "> 900"),
    "RejectedAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "RejectedQueue", ">= 1"),
    "UnenrichedAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "UnenrichedQueue", "> 900"),
    "EnrichErrorsAlarm": ("AWS/Lambda", "Errors", "EnrichFunction", ">= 1"),
    "DeliverErrorsAlarm": ("AWS/Lambda", "Errors", "DeliverFunction", ">= 1"),
    "KeyRefusedAlarm": ("Pagetrail", "KeyRefused", "AWS::StackName", ">= 1"),
    "GatewayErrorsAlarm": ("AWS/Lambda", "Url5xxCount", "GatewayFunction", ">= 1"),
    "HealthCheckFailedAlarm": ("Pagetrail", "HealthCheckFailed", "AWS::StackName", ">= 1"),
    "HealthCheckMissingAlarm": ("Pagetrail", "HealthCheckFailed", "AWS::StackName", "< 1"),
}
# Between two health checks the alarm keeps its state, and a missing check is a fault.
MISSING = {"HealthCheckFailedAlarm": "ignore", "HealthCheckMissingAlarm": "breaching"}
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
    assert alarm.get("OKActions", []) == expected
    assert alarm.get("ActionsEnabled", True) is True
    assert alarm["TreatMissingData"] == MISSING.get(name, "notBreaching")


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


def test_a_health_check_that_failed_raises_an_alarm_until_one_passes(template: dict) -> None:
    alarm = template["Resources"]["HealthCheckFailedAlarm"]["Properties"]
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Maximum", 300, 1)


def test_a_health_check_that_did_not_run_is_missed(template: dict) -> None:
    alarm = template["Resources"]["HealthCheckMissingAlarm"]["Properties"]
    # SampleCount counts checks, whatever they found; each period without one is missing.
    assert alarm["Statistic"] == "SampleCount" and "DatapointsToAlarm" not in alarm
    hour = 60 * 60
    watched = alarm["Period"] * alarm["EvaluationPeriods"]
    assert 24 * hour < watched <= 26 * hour, "a check that comes minutes late is not missed"
    assert alarm["Period"] >= hour, "CloudWatch takes more than a day in such periods only"
    warm_up = alarm["WarmUpConfiguration"]["WarmUpPeriodDurationInMinutes"]
    assert watched / 60 <= warm_up <= 2880, "nothing is missed before the first check"


def test_own_metrics_are_named_as_the_program_names_them(template: dict) -> None:
    telemetry = "".join(path.read_text() for path in (ROOT / "src/telemetry").glob("*.rs"))
    assert 'NAMESPACE: &str = "Pagetrail"' in telemetry and '[["stack"]]' in telemetry
    rows = set(re.findall(r"^    (\w+): \w+, (?:CLOUDWATCH|both)", telemetry, re.MULTILINE))
    body = template["Resources"]["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = set(re.findall(r'\["(?:Pagetrail|\.)", "(\w+)", ', body))
    assert len(named) == 11
    alarmed = {metric for namespace, metric, _, _ in ALARMS.values() if namespace == "Pagetrail"}
    assert named | alarmed <= rows


def test_the_dashboard_is_json_and_made_only_when_asked_for(template: dict) -> None:
    assert template["Resources"]["OwnDashboard"]["Condition"] == "Dashboard"
    assert template["Parameters"]["dashboard"]["Default"] == "false"
    body = template["Resources"]["OwnDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = yaml.safe_load(body)["widgets"]
    assert [w["properties"]["region"] for w in widgets] == ["${AWS::Region}"] * 5
