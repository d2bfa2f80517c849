"""Who can invoke which function: everything that sends alarms, and nothing else."""

import json
from fnmatch import fnmatchcase

import pytest
from loaded import ROOT, arn, of_type, sub
from rendered import ACCOUNT, Rendered

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:errors"
INVOKE_ENRICH = {"FunctionName": {"Ref": "EnrichFunction"}, "Action": "lambda:InvokeFunction"}
TO_ALL = {"FunctionName": {"Ref": "GatewayFunction"}, "Principal": "*"}
# Every permission: its condition and its content. The principal of AllowOptInTopic
# is tested in test_regions.py.
PERMISSIONS = {
    "AllowTopic": (
        None,
        {"Principal": "sns.amazonaws.com", "SourceArn": {"Ref": "errorTopicArn"}} | INVOKE_ENRICH,
    ),
    "AllowOptInTopic": ("SnsNamesRegion", {"SourceArn": {"Ref": "errorTopicArn"}} | INVOKE_ENRICH),
    "AllowAlarms": (
        None,
        {
            "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": sub(
                "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
            ),
        }
        | INVOKE_ENRICH,
    ),
    "AllowAllAlarmsRule": (
        "AllAlarms",
        {"Principal": "events.amazonaws.com", "SourceArn": arn("AllAlarmsRule")} | INVOKE_ENRICH,
    ),
    "AllowHealthCheck": (
        None,
        {
            "FunctionName": {"Ref": "DeliverFunction"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": arn("HealthCheckRule"),
        },
    ),
    "AllowGatewayUrl": (
        "Gateway",
        TO_ALL | {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    ),
    "AllowGatewayByUrl": (
        "Gateway",
        TO_ALL | {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ),
}


def may_invoke(stack: Rendered, function: str, principal: str, source: str) -> bool:
    """Whether Lambda lets an AWS service invoke the function for this source, an ARN."""
    for permission in stack.resources("AWS::Lambda::Permission").values():
        account = permission.get("SourceAccount")
        if (
            permission["FunctionName"] == f"<{function}>"
            and permission["Action"] == "lambda:InvokeFunction"
            and permission["Principal"] == principal
            and fnmatchcase(source, permission["SourceArn"])
            and account in (None, *source.split(":")[4:5])
        ):
            return True
    return False


def test_the_permissions_are_these(template: dict) -> None:
    found = of_type(template, "AWS::Lambda::Permission")
    assert set(found) == set(PERMISSIONS)
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert "AWS::SNS::TopicPolicy" not in kinds
    assert "AWS::Lambda::LayerVersionPermission" not in kinds


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_permission_says_this_and_no_more(template: dict, name: str) -> None:
    condition, expected = PERMISSIONS[name]
    entry = template["Resources"][name]
    assert entry.get("Condition") == condition
    said = dict(entry["Properties"])
    if name == "AllowOptInTopic":
        del said["Principal"]
    assert said == expected


def test_the_topic_notifies_enrich(template: dict) -> None:
    stack = Rendered(template, errorTopicArn=TOPIC)
    (subscription,) = stack.resources("AWS::SNS::Subscription").values()
    assert subscription == {
        "TopicArn": TOPIC,
        "Region": "eu-west-1",
        "Protocol": "lambda",
        "Endpoint": "<EnrichFunction.Arn>",
    }
    # SNS invokes the function as soon as it is subscribed.
    assert template["Resources"]["AlarmSubscription"]["DependsOn"] == "AllowTopic"
    assert may_invoke(stack, "EnrichFunction", "sns.amazonaws.com", TOPIC)
    assert not may_invoke(stack, "EnrichFunction", "sns.amazonaws.com", f"{TOPIC}-2")
    assert not may_invoke(stack, "DeliverFunction", "sns.amazonaws.com", TOPIC)


def test_an_alarm_s_own_action_is_enrich(template: dict) -> None:
    stack = Rendered(template, errorTopicArn=TOPIC)
    cloudwatch = "lambda.alarms.cloudwatch.amazonaws.com"
    alarm = "arn:aws:cloudwatch:eu-west-1:%s:alarm:shop"
    assert may_invoke(stack, "EnrichFunction", cloudwatch, alarm % ACCOUNT)
    assert not may_invoke(stack, "EnrichFunction", cloudwatch, alarm % "210987654321")
    assert not may_invoke(stack, "DeliverFunction", cloudwatch, alarm % ACCOUNT)


def test_every_alarm_of_the_region_by_event_bridge(template: dict) -> None:
    quiet = Rendered(template, errorTopicArn=TOPIC)
    assert set(quiet.resources("AWS::Events::Rule")) == {"HealthCheckRule"}
    assert not may_invoke(quiet, "EnrichFunction", "events.amazonaws.com", "<AllAlarmsRule.Arn>")

    stack = Rendered(template, errorTopicArn=TOPIC, allAlarms="true")
    rule = stack.resources("AWS::Events::Rule")["AllAlarmsRule"]
    assert rule["Targets"] == [{"Id": "enrich", "Arn": "<EnrichFunction.Arn>"}]
    assert rule["EventPattern"]["source"] == ["aws.cloudwatch"]
    assert rule["EventPattern"]["detail-type"] == [
        "CloudWatch Alarm State Change",
        "CloudWatch Alarm Contributor State Change",
    ]
    assert may_invoke(stack, "EnrichFunction", "events.amazonaws.com", "<AllAlarmsRule.Arn>")
    assert not may_invoke(stack, "EnrichFunction", "events.amazonaws.com", "<HealthCheckRule.Arn>")


def test_the_daily_check_runs_in_deliver(template: dict) -> None:
    stack = Rendered(template, errorTopicArn=TOPIC)
    rule = stack.resources("AWS::Events::Rule")["HealthCheckRule"]
    assert rule["ScheduleExpression"] == "rate(1 day)"
    (target,) = rule["Targets"]
    assert target["Arn"] == "<DeliverFunction.Arn>"
    (key,) = json.loads(target["Input"])
    assert f'HEALTH_CHECK: &str = "{key}"' in (ROOT / "src/stage/deliver.rs").read_text()
    assert may_invoke(stack, "DeliverFunction", "events.amazonaws.com", "<HealthCheckRule.Arn>")


def test_anybody_may_invoke_the_gateway_but_only_by_its_url(template: dict) -> None:
    (url,) = of_type(template, "AWS::Lambda::Url").values()
    assert url == {"TargetFunctionArn": arn("GatewayFunction"), "AuthType": "NONE"}
    permissions = of_type(template, "AWS::Lambda::Permission").values()
    assert [p for p in permissions if p["Principal"] == "*"] == [
        TO_ALL | {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        TO_ALL | {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]
