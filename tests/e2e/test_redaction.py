"""Redacted data is never in the queue, in PagerDuty or in Pagetrail's own logs."""

import json

from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.install import Stack
from harness.sandbox import Sandbox
from harness.workload import Minute, metric_filter, write

EMAIL = "jane.doe@customer.example"
TOKEN = "sk_live_4f9a8b7c6d5e4f3a2b1c"
BEARER = "dGhpcy1pcy1hLXNlY3JldC10b2tlbg"
PASSWORD = "hunter2-and-more"
SECRETS = [EMAIL, TOKEN, BEARER, PASSWORD]


def test_secrets_in_lines_and_descriptions(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    group = "/shop/payments"
    lines = [
        f"INFO  POST /pay?email={EMAIL}&api_key={TOKEN}",
        f"INFO  Authorization: Bearer {BEARER}",
        f"ERROR payment of {EMAIL} failed, token={TOKEN}",
        json.dumps({"level": "error", "msg": "ERROR retry failed", "user": {"email": EMAIL}}),
        f"INFO  connecting to postgres://shop:{PASSWORD}@db.internal:5432/shop",
    ]
    write(cloud, group, {"i-1": [(minute.at(5 + n), text) for n, text in enumerate(lines)]})
    metric_filter(cloud, group, "secret-errors")
    alarm = Alarm("secret", stack.topic, minute)
    alarm.description = f"Ask {EMAIL}, password={PASSWORD}"

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")
    cloud.client("sns").publish(
        TopicArn=stack.topic, Subject="By hand", Message=f"from {EMAIL}: password={PASSWORD}"
    )
    alarm.notify(cloud, "OK")
    sandbox.incident(alarm.dedup_key, "resolved")

    shown = json.dumps(incident, ensure_ascii=False)
    assert "[redacted: email]" in incident["details"]["1 errors"][0] + incident["title"]
    assert "payment of [redacted: email] failed" in shown
    assert "/shop/payments" in shown
    queued = cloud.calls("sqs", "SendMessage")
    assert any(alarm.dedup_key in call["request"]["MessageBody"] for call in queued)
    places = {
        "the queue": json.dumps(queued + cloud.calls("sqs", "SendMessageBatch")),
        "PagerDuty": json.dumps([sandbox.get("/api/incidents"), sandbox.get("/api/requests")]),
    }
    for stage in ("enrich", "deliver"):
        events = cloud.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{stack.name}-{stage}"
        )["events"]
        assert events
        places[f"the log of {stage}"] = json.dumps(events)
    for place, text in places.items():
        assert [secret for secret in SECRETS if secret in text] == [], place
