"""The next questions, through the installed stack: what the page says beside the logs."""

import re
import time
from datetime import datetime, timedelta, timezone

from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.install import Stack
from harness.sandbox import Sandbox
from harness.workload import Minute, function, metric_filter, stream_name, write


def test_a_second_alarm_of_the_same_kind_is_known(
    cloud: Cloud, stack: Stack, sandbox: Sandbox
) -> None:
    minute = Minute()
    earlier = Minute(minute.start - timedelta(minutes=5))
    group = "/shop/returns"
    said = [(it.at(20), "ERROR return refused: no receipt") for it in (earlier, minute)]
    write(cloud, group, {"i-1": said})
    for name in ("first", "second"):
        metric_filter(cloud, group, f"returns-{name}")

    first = Alarm("returns-first", stack.topic, earlier, metric="returns-first")
    first.notify(cloud, "ALARM")
    incident = sandbox.incident(first.dedup_key, "triggered")
    assert incident["details"]["1 errors"][0].endswith(" · new: none in the 24 h before")

    # Questions wait until turns for calls to CloudWatch Logs are left over, and the page waits for none.
    time.sleep(2)
    second = Alarm("returns-second", stack.topic, minute, metric="returns-second")
    second.notify(cloud, "ALARM")
    incident = sandbox.incident(second.dedup_key, "triggered")
    error = incident["details"]["1 errors"][0]
    assert re.search(r" · known, last \d+ min ago$", error), error
    assert any(it.startswith("known: return refused: no receipt") for it in incident["details"]["2 context"])


def test_a_function_that_was_updated_between_two_errors_is_named(
    cloud: Cloud, stack: Stack, sandbox: Sandbox
) -> None:
    group = "/aws/lambda/refunds"
    function(cloud, stack.resource("EnrichRole"), "refunds", group)
    minute = Minute(datetime.now(timezone.utc) - timedelta(seconds=30))
    cloud.client("lambda").update_function_configuration(
        FunctionName="refunds", Description="a new release"
    )
    # The time of the last change has whole seconds.
    time.sleep(1.1)
    write(cloud, group, {stream_name(): [(datetime.now(timezone.utc), "ERROR refund refused")]})
    metric_filter(cloud, group, "refunds-errors")
    alarm = Alarm("refunds", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    changed = [it for it in incident["details"]["2 context"] if it.startswith("function refunds changed at ")]
    assert len(changed) == 1 and "before the first of these lines" in changed[0], incident["details"]
