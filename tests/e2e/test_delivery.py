"""Delivery to PagerDuty: retries, duplicates, rejected events, keys."""

import json
import subprocess
import time
import uuid
from pathlib import Path

from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.install import ROUTING_KEY, Stack
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.workload import Minute, orders

REFUSED = {
    "status": "invalid event",
    "message": "Event object is invalid",
    "errors": ["'summary' is unwelcome"],
}


def answers(sandbox: Sandbox, alarm: Alarm) -> list[int]:
    """The sandbox's answers to this alarm's events, oldest first."""
    return [request["status"] for request in requests(sandbox, alarm)]


def requests(sandbox: Sandbox, alarm: Alarm) -> list[dict]:
    """This alarm's events as the sandbox received them, oldest first."""
    seen = reversed(sandbox.get("/api/requests"))
    return [request for request in seen if request.get("dedup_key") == alarm.dedup_key]


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
    # The resolve comes after the triggers of its group. When it is delivered, they are too.
    alarm.notify(cloud, "OK")
    resolved = sandbox.incident(alarm.dedup_key, "resolved")
    assert [entry["action"] for entry in resolved["timeline"]] == ["trigger", "resolve"]
    assert answers(sandbox, alarm) == [202, 202]


def test_pagerduty_is_down_for_a_minute(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    sandbox.fail(kind="status", status=503, count=1000)
    back = time.monotonic() + 60
    alarms: list[Alarm] = []
    while time.monotonic() < back:
        alarm = Alarm(f"down-{len(alarms)}", stack.topic, Minute())
        alarms.append(alarm)
        alarm.notify(cloud, "ALARM")
        wait_until(lambda alarm=alarm: answers(sandbox, alarm))
        alarm.notify(cloud, "OK")
        wait_until(lambda alarm=alarm: at_least(2, queued(cloud, alarm)))
        time.sleep(5)
    assert len(alarms) >= 6
    assert all(set(answers(sandbox, alarm)) == {503} for alarm in alarms)

    sandbox.forget_faults()
    for alarm in alarms:
        # A wait is at most twice the longest one so far.
        incident = sandbox.incident(alarm.dedup_key, "resolved", seconds=150)
        assert [entry["action"] for entry in incident["timeline"]] == ["trigger", "resolve"]
        # While the trigger waited, its resolve was not sent.
        assert "resolve" not in [r["action"] for r in requests(sandbox, alarm)[:-1]]
        assert answers(sandbox, alarm)[-2:] == [202, 202]
        assert answers(sandbox, alarm).count(202) == 2
        assert not rejected(cloud, stack, alarm)


def test_enrich_fails_three_times(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("failing", stack.topic, Minute())
    with stack.denied("EnrichRole", "sqs:SendMessage", "*"):
        # Like CloudWatch. The emulator retries for no other caller.
        cloud.client("lambda").invoke(
            FunctionName=stack.outputs["EnrichFunctionArn"],
            InvocationType="Event",
            Payload=json.dumps(alarm.action("ALARM")),
        )
        incident = sandbox.incident(alarm.dedup_key, "triggered")
    assert "enrich function failed 3 times" in json.dumps(incident)
    assert alarm.name in incident["title"]


def test_lambda_s_own_record_of_a_crash(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("bare", stack.topic, Minute())
    request_id = str(uuid.uuid4())
    # Added by hand: the emulator writes no such record for SNS, and its others have no request id.
    cloud.client("sqs").send_message(
        QueueUrl=stack.resource("UnenrichedQueue"),
        MessageBody=json.dumps(on_failure(stack, alarm, request_id)),
    )

    incident = sandbox.incident(alarm.dedup_key, "triggered")
    details = json.dumps(incident)
    assert "enrich function failed 3 times (Runtime.ExitError)" in details
    assert request_id in details
    assert alarm.name in incident["title"]
    # It went through the same queue as all others, so its resolve comes after it.
    (bare,) = queued(cloud, alarm, stack.outputs["EventsQueueUrl"])
    alarm.notify(cloud, "OK")
    sandbox.incident(alarm.dedup_key, "resolved")
    assert len({s["MessageGroupId"] for s in [bare, *queued(cloud, alarm, bare["QueueUrl"])]}) == 1
    assert not rejected(cloud, stack, alarm)


def test_refused_but_for_its_plainer_form(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("unwanted", stack.topic, Minute())
    sandbox.fail(kind="status", status=400, body=REFUSED, count=1)
    alarm.notify(cloud, "ALARM")

    incident = sandbox.incident(alarm.dedup_key, "triggered")
    assert alarm.name in incident["title"]
    assert "PagerDuty refused the full event" in json.dumps(incident)
    message = wait_until(lambda: rejected(cloud, stack, alarm))[0]
    assert message["status"] == "400"
    assert REFUSED["message"] in message["reason"] or REFUSED["errors"][0] in message["reason"]
    assert message["rejected_at"].startswith("20")
    assert ROUTING_KEY not in json.dumps(message)
    assert answers(sandbox, alarm) == [400, 202]

    # A rejected event does not block the events after it.
    alarm.notify(cloud, "OK")
    sandbox.incident(alarm.dedup_key, "resolved")


def test_refused_for_good_and_sent_again(
    cloud: Cloud, stack: Stack, sandbox: Sandbox, command: Path
) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [command, "rejected", "--queue", stack.outputs["RejectedQueueUrl"], *arguments],
            env=cloud.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    alarm = Alarm("poison", stack.topic, Minute())
    sandbox.fail(kind="status", status=400, body=REFUSED, count=2)
    alarm.notify(cloud, "ALARM")
    wait_until(lambda: rejected(cloud, stack, alarm))
    assert answers(sandbox, alarm) == [400, 400]
    assert not sandbox.incidents(alarm.dedup_key)
    (told,) = wait_until(lambda: counted(cloud, stack, alarm, "Rejected"))
    assert told["stack"] == stack.name and told["level"] == "ERROR"

    (line,) = [line for line in run("list").splitlines() if alarm.name in line]
    assert " 400 " in line and "unwelcome" in line
    shown = run("show", line.split()[0])
    assert alarm.dedup_key in shown and "unwelcome" in shown and ROUTING_KEY not in shown

    events = stack.outputs["EventsQueueUrl"]
    assert "sent again" in run("retry", line.split()[0], "--events-queue", events)
    sandbox.incident(alarm.dedup_key, "triggered")
    assert answers(sandbox, alarm) == [400, 400, 202]
    assert alarm.name not in run("list")


def test_a_secret_of_several_keys(cloud: Cloud, sandbox: Sandbox, template_url: str) -> None:
    keys = [ROUTING_KEY[:-1] + last for last in "123"]
    secret = cloud.client("secretsmanager").create_secret(
        Name="pagerduty-pools", SecretString=json.dumps({"default": keys})
    )
    stack = Stack(
        cloud,
        template_url,
        f"{sandbox.url}/v2/enqueue",
        "pools",
        pagerDutyIntegrationKey="",
        pagerDutySecretArn=secret["ARN"],
    )
    alarms = [Alarm(f"pool-{number}", stack.topic, Minute()) for number in range(8)]
    for state, status in (("ALARM", "triggered"), ("OK", "resolved")):
        for alarm in alarms:
            alarm.notify(cloud, state)
        for alarm in alarms:
            sandbox.incident(alarm.dedup_key, status)
    used = [{r["routing_key"] for r in requests(sandbox, alarm)} for alarm in alarms]
    stack.remove()
    # Each alarm's resolve used the key of its trigger, and the alarms used more than one key.
    assert all(len(of_alarm) == 1 for of_alarm in used)
    assert len(set.union(*used)) > 1


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


def on_failure(stack: Stack, alarm: Alarm, request_id: str) -> dict:
    """Lambda's record of an invocation by SNS after its last failure (Lambda developer guide,
    "Capturing records of Lambda asynchronous invocations").
    """
    function = stack.outputs["EnrichFunctionArn"]
    notification = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": stack.topic,
        "Subject": f'ALARM: "{alarm.name}" in US East (N. Virginia)',
        "Message": alarm.message("ALARM"),
        "Timestamp": "2026-11-14T03:06:36.000Z",
        "MessageAttributes": {},
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{stack.topic}:{uuid.uuid4()}",
        "Sns": notification,
    }
    return {
        "version": "1.0",
        "timestamp": "2026-11-14T03:10:00.000Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"Records": [record]},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: signal: killed",
        },
    }


def queued(cloud: Cloud, alarm: Alarm, queue: str = "") -> list[dict]:
    """The calls that sent this alarm, to one queue or to any."""
    sent = [call["request"] for call in cloud.calls("sqs", "SendMessage")]
    sent += [
        entry
        for call in cloud.calls("sqs", "SendMessageBatch")
        for entry in call["request"]["Entries"]
    ]
    return [
        request
        for request in sent
        if alarm.dedup_key in request["MessageBody"] and queue in ("", request.get("QueueUrl"))
    ]


def rejected(cloud: Cloud, stack: Stack, alarm: Alarm) -> list[dict]:
    """This alarm's messages in the rejected queue: the event and the reason."""
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


def counted(cloud: Cloud, stack: Stack, alarm: Alarm, metric: str) -> list[dict]:
    """The lines of deliver's log with metrics of this alarm."""
    found = cloud.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{stack.name}-deliver", filterPattern='"_aws"'
    )
    lines = [json.loads(event["message"]) for event in found["events"]]
    return [
        line for line in lines if line.get("dedup_key") == alarm.dedup_key and line.get(metric) == 1
    ]


def at_least(count: int, found: list) -> list:
    return found if len(found) >= count else []
