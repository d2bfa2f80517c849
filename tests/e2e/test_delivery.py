"""What happens to an event on its way to PagerDuty: retried, collapsed, refused; and by whom."""

import json

from harness.alarms import Alarm
from harness.cloud import ACCOUNT, Cloud
from harness.install import ROUTING_KEY, Stack
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.workload import Minute, orders


def answers(sandbox: Sandbox, alarm: Alarm) -> list[int]:
    """What the sandbox answered to this alarm's events, oldest first."""
    requests = reversed(sandbox.get("/api/requests"))
    return [r["status"] for r in requests if r.get("dedup_key") == alarm.dedup_key]


def test_too_many_requests_three_times(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("limited", stack.topic, Minute())
    sandbox.fail(kind="status", status=429, count=3)
    alarm.notify(cloud, "ALARM")
    sandbox.incident(alarm.dedup_key, "triggered", seconds=90)
    statuses = [r["status"] for r in reversed(sandbox.get("/api/requests"))]
    assert statuses[-4:] == [429, 429, 429, 202]
    assert not rejected(cloud, stack, alarm)


def test_the_same_notification_twice(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    orders(cloud, "twice", minute)
    alarm = Alarm("twice", stack.topic, minute)
    alarm.notify(cloud, "ALARM")
    alarm.notify(cloud, "ALARM")

    sent = wait_until(lambda: at_least(2, queued(cloud, alarm)))
    assert len({(s["MessageGroupId"], s["MessageDeduplicationId"]) for s in sent}) == 1
    sandbox.incident(alarm.dedup_key, "triggered")
    # The resolve is behind the triggers in the same group: once it is through, they are.
    alarm.notify(cloud, "OK")
    resolved = sandbox.incident(alarm.dedup_key, "resolved")
    assert [entry["action"] for entry in resolved["timeline"]] == ["trigger", "resolve"]
    assert answers(sandbox, alarm) == [202, 202]


def test_refused_for_good(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("unwanted", stack.topic, Minute())
    said = "Event object is invalid"
    body = {"status": "invalid event", "message": said, "errors": ["'summary' is unwelcome"]}
    sandbox.fail(kind="status", status=400, body=body, count=5)
    alarm.notify(cloud, "ALARM")

    message = wait_until(lambda: rejected(cloud, stack, alarm))[0]
    sandbox.forget_faults()
    assert message["status"] == "400"
    assert said in message["reason"] or "unwelcome" in message["reason"]
    assert message["rejected_at"].startswith("20")
    assert ROUTING_KEY not in json.dumps(message)
    assert not sandbox.incidents(alarm.dedup_key)

    # What was refused does not stand in the way of what comes after it.
    alarm.notify(cloud, "OK")
    wait_until(lambda: 202 in answers(sandbox, alarm))


def test_each_stage_does_only_its_own(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    orders(cloud, "apart", minute)
    alarm = Alarm("apart", stack.topic, minute)
    alarm.notify(cloud, "ALARM")
    sandbox.incident(alarm.dedup_key, "triggered")

    readers = {call["caller"] for call in cloud.calls("logs", "FilterLogEvents")}
    holders = {call["caller"] for call in cloud.calls("secretsmanager", "GetSecretValue")}
    assert readers and holders and not readers & holders
    for event in queued(cloud, alarm):
        assert ROUTING_KEY not in json.dumps(event)


def test_what_enrich_may_do(cloud: Cloud, stack: Stack) -> None:
    role = stack.resource("EnrichRole")
    policy = cloud.client("iam").get_role_policy(RoleName=role, PolicyName="enrich")
    statements = {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}
    allowed = {
        sid: {actions} if isinstance(actions := s["Action"], str) else set(actions)
        for sid, s in statements.items()
    }
    assert allowed == {
        "WriteOwnLogs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "ReadEvidence": {
            "logs:DescribeLogGroups",
            "logs:DescribeMetricFilters",
            "logs:FilterLogEvents",
        },
        "ReadAlarmTags": {"cloudwatch:ListTagsForResource"},
        "ReadAlarms": {"cloudwatch:DescribeAlarms"},
        "ReadFunctionsLogGroup": {"lambda:GetFunctionConfiguration"},
        "ReadRulesTargets": {"events:ListTargetsByRule"},
        "QueueEvents": {"sqs:SendMessage"},
    }
    # Other accounts only when asked for, and all resources only where AWS takes nothing less.
    assert [sid for sid, s in statements.items() if s["Resource"] == "*"] == ["ReadAlarms"]
    assert f":{ACCOUNT}:log-group:*" in statements["ReadEvidence"]["Resource"]


def queued(cloud: Cloud, alarm: Alarm) -> list[dict]:
    """What was sent to any queue for this alarm."""
    sent = [call["request"] for call in cloud.calls("sqs", "SendMessage")]
    sent += [
        entry
        for call in cloud.calls("sqs", "SendMessageBatch")
        for entry in call["request"]["Entries"]
    ]
    return [request for request in sent if alarm.dedup_key in request["MessageBody"]]


def rejected(cloud: Cloud, stack: Stack, alarm: Alarm) -> list[dict]:
    """This alarm's messages in the rejected queue: the event and why."""
    found = cloud.client("sqs").receive_message(
        QueueUrl=stack.outputs["RejectedQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        VisibilityTimeout=0,
    )
    return [
        {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        | json.loads(message["Body"])
        for message in found.get("Messages", [])
        if alarm.dedup_key in message["Body"]
    ]


def at_least(count: int, found: list) -> list:
    return found if len(found) >= count else []
