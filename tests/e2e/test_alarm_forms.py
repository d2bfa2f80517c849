"""Each form of alarm, and the log groups that it leads to, through the installed stack."""

import json

from harness.alarms import Alarm, Composite
from harness.cloud import ACCOUNT, REGION, Cloud
from harness.incident import notes, trail_faults, trail_lines
from harness.install import Stack
from harness.sandbox import Sandbox
from harness.workload import Minute, Request, function, metric_filter, orders, stream_name, write


def errors_of(name: str, stack: Stack, minute: Minute) -> Alarm:
    return Alarm(
        f"{name}-alarm", stack.topic, minute, "AWS/Lambda", "Errors", {"FunctionName": name}
    )


def test_lambda_errors_in_a_log_group_of_its_own(
    cloud: Cloud, stack: Stack, sandbox: Sandbox
) -> None:
    minute = Minute()
    group = "/shop/functions"
    function(cloud, stack.resource("EnrichRole"), "invoice", group)
    request = Request("invoice", minute.at(20))
    stamp = f"{request.at:%Y-%m-%dT%H:%M:%S}.000Z"
    request.add(f"{stamp}\t{request.id}\tINFO\tinvoice 41 begun")
    request.add(f"{stamp}\t{request.id}\tERROR\tinvoice 41 has no lines")
    request.end()
    write(cloud, group, {stream_name(): request.lines})
    alarm = errors_of("invoice", stack, minute)
    # The emulator finds nothing for the ?A ?B of Pagetrail's own pattern. The test below checks
    # what is sent without a tag.
    alarm.create(cloud, {"pagetrail:pattern": "ERROR"})

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert incident["title"].startswith("invoice 41 has no lines")
    assert incident["details"]["3 trail 1"][0].startswith(f"request {request.id} in {group}")
    trail = trail_lines(incident, "3 trail 1")
    assert len(trail) == len(request.lines)
    assert "START" in trail[0] and "invoice 41 begun" in trail[1] and "REPORT" in trail[-1]
    assert incident["details"]["6 searched"][0].endswith("ERROR (by the metric)")


def test_what_is_searched_for_lambda_errors(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    write(cloud, "/shop/mailer", {stream_name(): [(minute.at(3), "all is well")]})
    function(cloud, stack.resource("EnrichRole"), "mailer", "/shop/mailer")
    alarm = errors_of("mailer", stack, minute)

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    # Only the pattern can be checked: the emulator does not support ?A ?B.
    sent = [call["request"] for call in cloud.calls("logs", "FilterLogEvents")]
    asked, newest = (request for request in sent if request["logGroupName"] == "/shop/mailer")
    assert "?ERROR" in asked["filterPattern"] and '?"Task timed out"' in asked["filterPattern"]
    assert asked["startTime"] <= minute.start.timestamp() * 1000
    assert asked["endTime"] >= minute.at(60).timestamp() * 1000
    # Where nothing matched, the newest lines are read.
    assert not newest.get("filterPattern")
    assert "nothing in /shop/mailer matched" in notes(incident)
    assert "access denied" not in notes(incident)


def test_composite_alarm(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    minute = Minute()
    failed = [orders(cloud, name, minute) for name in ("web", "batch")]
    children = [Alarm(name, stack.topic, minute) for name in ("web", "batch")]
    quiet = Alarm("quiet", stack.topic, minute)
    alarm = Composite("shop-is-down", stack.topic, [*children, quiet])
    alarm.create(cloud)
    quiet.set_state(cloud, "OK")

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    details = incident["details"]
    kinds = details["1 errors"]
    assert all("PaymentDeclined" in kind for kind in kinds)
    assert {kind.rpartition(" · ")[2] for kind in kinds} == {"web", "batch"}
    trails = {details[key][0].split()[1] for key in ("3 trail 1", "3 trail 2")}
    assert trails == {request.id for request in failed}
    assert "shop-is-down" in incident["title"]
    assert details["5 alarm"]["rule"] == alarm.rule
    del details["5 alarm"]["rule"]
    assert "quiet" not in str(details)

    alarm.notify(cloud, "OK")
    assert sandbox.incident(alarm.dedup_key, "resolved")["id"] == incident["id"]


def test_tags_say_where_to_look_and_how_bad_it_is(
    cloud: Cloud, stack: Stack, sandbox: Sandbox
) -> None:
    minute = Minute()
    for group, text in [("/shop/stock", "FATAL no stock file"), ("/shop/price", "FATAL no price")]:
        write(cloud, group, {"i-1": [(minute.at(5), "INFO  up"), (minute.at(6), text)]})
    alarm = Alarm("tagged", stack.topic, minute, "Custom", "Broken")
    alarm.create(
        cloud,
        {
            "pagetrail:log-group": "/shop/stock /shop/price",
            "pagetrail:pattern": "FATAL",
            "pagetrail:severity": "critical",
            "pagetrail:runbook": "https://runbooks.example.com/stock",
        },
    )

    alarm.notify(cloud, "ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")

    assert incident["severity"] == "critical"
    details = incident["details"]
    found = {kind.split(" · ")[0] for kind in details["1 errors"]}
    assert found == {"no stock file", "no price"}
    assert incident["links"][0]["href"] == "https://runbooks.example.com/stock"
    assert all("(tagged)" in line for line in details["6 searched"])
    assert notes(incident) == ""


def test_an_alarm_that_names_the_function(cloud: Cloud, stack: Stack, sandbox: Sandbox) -> None:
    arn = stack.outputs["EnrichFunctionArn"]
    client = cloud.client("lambda")
    policy = json.loads(client.get_policy(FunctionName=arn)["Policy"])
    (allowed,) = (
        statement
        for statement in policy["Statement"]
        if "lambda.alarms.cloudwatch.amazonaws.com" in json.dumps(statement["Principal"])
    )
    assert f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*" in json.dumps(allowed["Condition"])

    minute = Minute()
    bad = orders(cloud, "direct", minute)
    alarm = Alarm("direct", stack.topic, minute)

    def act(state: str) -> None:
        # Alarms in the emulator do not invoke functions.
        client.invoke(
            FunctionName=arn, InvocationType="Event", Payload=json.dumps(alarm.action(state))
        )

    act("ALARM")
    incident = sandbox.incident(alarm.dedup_key, "triggered")
    assert trail_faults(incident, bad) == []
    assert incident["title"].startswith("PaymentDeclined")
    act("OK")
    assert sandbox.incident(alarm.dedup_key, "resolved")["id"] == incident["id"]


def test_every_alarm_of_the_region_by_event_bus(
    cloud: Cloud, sandbox: Sandbox, template_url: str
) -> None:
    stack = Stack(
        cloud,
        template_url,
        f"{sandbox.url}/v2/enqueue",
        "pagetrail-all",
        allAlarms="true",
        crossAccountLogs="true",
        accountName="shop-prod",
        traceLogGroups="/aws/lambda/shop-* /shop/api",
        redactAlso="ip-addresses",
        redactPatterns='{"customer": "C-[0-9]{6}"}',
    )
    try:
        minute = Minute()
        write(cloud, "/shop/bus", {"i-1": [
            (minute.at(5), "ERROR customer C-123456 at 203.0.113.7 has no basket"),
        ]})  # fmt: skip
        metric_filter(cloud, "/shop/bus", "bus-errors")
        alarm = Alarm("bus", stack.topic, minute)
        own = Alarm(stack.resource("RejectedAlarm"), stack.topic, minute)
        scaling = Alarm("TargetTracking-service/shop-AlarmLow", stack.topic, minute)

        # Only AWS can put its own events onto the bus, in the emulator too. So the test checks the
        # rule's pattern, and then invokes the function as the rule would.
        events = cloud.client("events")
        rule = stack.resource("AllAlarmsRule").rpartition("|")[2]
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        assert target["Arn"] == stack.outputs["EnrichFunctionArn"]
        pattern = events.describe_rule(Name=rule)["EventPattern"]
        taken = [
            events.test_event_pattern(EventPattern=pattern, Event=json.dumps(it.event("ALARM")))
            for it in (alarm, own, scaling)
        ]
        assert [answer["Result"] for answer in taken] == [True, False, False]

        def happen(state: str) -> None:
            cloud.client("lambda").invoke(
                FunctionName=target["Arn"],
                InvocationType="Event",
                Payload=json.dumps(alarm.event(state)),
            )

        happen("ALARM")
        title = sandbox.incident(alarm.dedup_key, "triggered")["title"]
        assert title.startswith("customer [redacted: customer] at [redacted: ip address] has no")
        assert f"(shop-prod, {REGION})" in title
        happen("OK")
        sandbox.incident(alarm.dedup_key, "resolved")
    finally:
        stack.remove()
