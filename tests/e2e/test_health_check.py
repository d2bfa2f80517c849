"""The daily health check in the installed stack, with the rule's own event."""

import base64
import json

from harness.cloud import Cloud
from harness.install import Stack


def check(cloud: Cloud, stack: Stack) -> dict:
    """Invokes the rule's target like EventBridge. Returns the log line with the result."""
    events = cloud.client("events")
    rule = stack.resource("HealthCheckRule")
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    answer = cloud.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=target["Input"], LogType="Tail"
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    (report,) = [json.loads(line) for line in lines if '"HealthCheckFailed":' in line]
    return report


def test_passes_and_fails_where_it_is_denied(cloud: Cloud, stack: Stack) -> None:
    asked = len(cloud.calls("sns", "GetSubscriptionAttributes"))
    passed = check(cloud, stack)
    assert (passed["HealthCheckFailed"], passed["stack"]) == (0, stack.name), passed
    assert len(cloud.calls("sns", "GetSubscriptionAttributes")) == asked + 1

    with stack.denied("DeliverRole", "sns:GetSubscriptionAttributes", "*"):
        denied = check(cloud, stack)
    assert denied["HealthCheckFailed"] == 1
    assert f"access denied: allow sns:GetSubscriptionAttributes on {stack.topic}" in denied["why"]
    assert check(cloud, stack)["HealthCheckFailed"] == 0
