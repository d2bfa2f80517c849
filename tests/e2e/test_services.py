"""What the page shows of services that are not Powertools functions."""

from datetime import timedelta

from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.incident import notes, trail_lines
from harness.install import Stack
from harness.sandbox import Sandbox
from harness.workload import Minute, metric_filter, write


def texts(lines: list[str]) -> list[str]:
    """The lines of a trail without their times."""
    return [line.partition("  ")[2] for line in lines]


def test_plain_text_without_any_id(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    said = [
        (9, "INFO  checkout started cart=71"),
        (10, "INFO  checkout paid cart=71"),
        (11, "ERROR could not reserve stock for cart 71: timed out"),
        (12, "INFO  checkout started cart=72"),
        (29, "INFO  checkout started cart=75"),
        (30, "ERROR could not reserve stock for cart 75: timed out"),
        (30.2, "INFO  cart 75 is kept for an hour"),
        (40, "INFO  checkout started cart=76"),
    ]
    group = "/shop/checkout"
    other = [(minute.at(20), "INFO  another machine")]
    write(cloud, group, {"i-0abc": [(minute.at(s), text) for s, text in said], "i-0def": other})
    metric_filter(cloud, group, "plain-errors")
    alarm = Alarm("plain", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert incident["title"].startswith("could not reserve stock for cart 75: timed out")
    assert "2×" in incident["title"]
    details = incident["details"]
    assert len(details["1 errors"]) == 1 and "2×" in details["1 errors"][0]
    assert details["3 trail 1"][0] == f"the lines around it in {group} · i-0abc"
    assert texts(trail_lines(incident, "3 trail 1")) == [text for _, text in said[4:7]]
    assert notes(incident) == ""


def test_correlation_id_in_logfmt(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()

    def line(second: float, level: str, said: str, order: str) -> tuple:
        return minute.at(second), f'level={level} msg="{said}" correlation_id={order}'

    failed, other = "ord-7f3a9c10", "ord-11112222"
    api = [
        line(10, "info", "order taken", failed),
        line(10.2, "info", "order taken", other),
        line(12, "error", "payment service unavailable", failed),
    ]
    worker = [
        line(11, "info", "charging card", failed),
        line(11.2, "info", "charging card", other),
        line(13, "info", "order put back", failed),
    ]
    group = "/shop/orders-api"
    write(cloud, group, {"api-1": api, "worker-1": worker})
    metric_filter(cloud, group, "logfmt-errors", '"level=error"')
    alarm = Alarm("logfmt", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert incident["title"].startswith("payment service unavailable")
    assert incident["details"]["3 trail 1"][0].startswith(f"correlation_id {failed} in {group}")
    trail = trail_lines(incident, "3 trail 1")
    said = ["order taken", "charging card", "payment service unavailable", "order put back"]
    assert len(trail) == len(said)
    assert all(word in line for word, line in zip(said, trail, strict=True))
    assert other not in str(incident["details"])
    insights = next(link for link in incident["links"] if "Insights" in link["text"])
    assert failed in insights["href"]


def test_five_thousand_lines_of_three_kinds(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    lines = []
    for number in range(5000):
        at = minute.at(59.9 * number / 5000)
        address = f"10.0.{number % 7}.{number % 250}:5432"
        if number % 10 < 6:
            text = f"ERROR connection to {address} timed out after {number % 900} ms"
        elif number % 10 < 9:
            text = f"ERROR order {100000 + number} rejected: card declined"
        else:
            text = f"ERROR queue worker {number:08x} restarted, {number % 3} jobs lost"
        lines.append((at, text))
    group = "/shop/burst"
    half = len(lines) // 2
    write(cloud, group, {"i-1": lines[:half], "i-2": lines[half:]})
    metric_filter(cloud, group, "burst-errors")
    alarm = Alarm("burst", stack.topic, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    details = incident["details"]
    wanted = [("timed out after", 3000), ("card declined", 1500), ("jobs lost", 500)]
    for kind, (words, count) in zip(details["1 errors"], wanted, strict=True):
        assert words in kind and f" · {count}×" in kind
    assert "5000× in" in incident["title"] and "3 kinds" in incident["title"]
    # A trail shows the newest line of its kind, with lines of all kinds around it; one that would show
    # the same lines is left out.
    last = minute.at(59.9) - timedelta(seconds=1)
    assert trail_lines(incident, "3 trail 1")[-1] >= f"{last:%H:%M:%S}"
