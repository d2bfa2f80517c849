"""An alarm becomes a page, through the installed stack: what the page contains."""

import json

import pytest
from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.incident import notes, trail_faults
from harness.install import Stack
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.workload import Minute, Request, metric_filter, orders, stream_name, write


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_failing_request_s_trail(
    cloud: Cloud, stack: Stack, sandbox: Sandbox, language: str
) -> None:
    minute = Minute()
    bad = orders(cloud, f"powertools-{language}", minute, language)
    alarm = Alarm(f"powertools-{language}", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert trail_faults(incident, bad) == []
    broken = {"python": "PaymentDeclined", "typescript": "TypeError: Cannot read properties"}
    assert incident["title"].startswith(broken[language])
    assert alarm.name in incident["title"]

    alarm.notify(cloud, "OK")
    resolved = sandbox.incident(alarm.dedup_key, "resolved")
    assert resolved["id"] == incident["id"]
    assert [entry["action"] for entry in resolved["timeline"]] == ["trigger", "resolve"]


def test_lines_that_become_searchable_late(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    group, stream = "/aws/lambda/late", stream_name()
    write(cloud, group, {stream: [(minute.at(1), "INIT_START Runtime Version: python:3.13")]})
    metric_filter(cloud, group, "late-errors")
    alarm = Alarm("late", stack.topic, minute)
    before = len(cloud.calls("logs", "FilterLogEvents"))

    alarm.notify(cloud, "ALARM")
    searches = wait_until(lambda: cloud.calls("logs", "FilterLogEvents")[before:])
    assert searches[0]["request"]["filterPattern"] == "ERROR"
    request = Request("late", minute.at(20))
    request.log("ERROR", "payment failed")
    cloud.client("logs").put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[
            {"timestamp": int(at.timestamp() * 1000), "message": text} for at, text in request.lines
        ],
    )

    incident = sandbox.incident(alarm.dedup_key, "triggered")
    assert "payment failed" in incident["title"]


def test_no_metric_filter(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    alarm = Alarm("unfiltered", stack.topic, Minute())
    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")
    assert "metric filter" in notes(incident)
    assert f"{alarm.metric} 1 ≥ 1" in incident["title"]
    assert incident["details"]["5 alarm"]["metric"] == "Shop/unfiltered-errors"


def test_logs_that_may_not_be_read(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    orders(cloud, "refused", minute)
    group = "/aws/lambda/refused-orders"
    stack.deny("EnrichRole", "logs:FilterLogEvents", f"*:log-group:{group}*")
    alarm = Alarm("refused", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert cloud.calls("logs", "FilterLogEvents")[-1]["status"] == 400
    assert "logs:FilterLogEvents" in notes(incident)
    assert group in notes(incident)
    assert f"{alarm.metric} 1 ≥ 1" in incident["title"]


def test_text_published_by_hand(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    cloud.client("sns").publish(
        TopicArn=stack.topic, Subject="Pagetrail test", Message="Hello from pagetrail"
    )
    incident = wait_until(
        lambda: [i for i in sandbox.get("/api/incidents") if "Pagetrail test" in i["title"]]
    )[0]
    assert "Hello from pagetrail" in json.dumps(incident["details"])
