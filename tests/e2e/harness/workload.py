"""Services that log and fail."""

import json
import uuid
from datetime import datetime, timedelta, timezone

from .cloud import ACCOUNT, REGION, Cloud
from .zips import empty_zip

NAMESPACE = "Shop"
# Lines per call. CloudWatch accepts 10 000, or 1 MB.
BATCH = 1000


class Minute:
    """The minute that breached. It is over, and is evaluated some seconds later, as CloudWatch does."""

    def __init__(self, start: datetime | None = None) -> None:
        now = datetime.now(timezone.utc)
        self.start = start or now.replace(second=0, microsecond=0) - timedelta(minutes=2)
        self.changed = self.start + timedelta(seconds=95, milliseconds=472)

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)


class Request:
    """The lines of one Lambda invocation, as Powertools and Lambda write them."""

    def __init__(self, function: str, at: datetime, language: str = "python") -> None:
        self.id = str(uuid.uuid4())
        self.trace = f"1-{int(at.timestamp()):08x}-{uuid.uuid4().hex[:24]}"
        self.function = function
        self.language = language
        self.at = at
        self.lines: list[tuple[datetime, str]] = []
        self.add(f"START RequestId: {self.id} Version: $LATEST")

    def add(self, text: str, milliseconds: int = 7) -> None:
        self.at += timedelta(milliseconds=milliseconds)
        self.lines.append((self.at, text))

    def log(self, level: str, message: str, **more: object) -> None:
        common = {
            "service": "orders",
            "cold_start": False,
            "function_name": self.function,
            "function_memory_size": "256",
            "function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}",
            "function_request_id": self.id,
            "xray_trace_id": self.trace,
        }
        at = self.at + timedelta(milliseconds=40)
        if self.language == "python":
            stamp = at.strftime("%Y-%m-%d %H:%M:%S,") + f"{at.microsecond // 1000:03d}+0000"
            line = {"level": level, "location": "lambda_handler:42", "message": message}
            line |= {"timestamp": stamp} | common | more
        else:
            stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
            line = common | {"level": level, "message": message, "sampling_rate": 0}
            line |= {"timestamp": stamp} | more
        self.add(json.dumps(line, separators=(",", ":")), 40)

    def end(self) -> None:
        self.add(f"END RequestId: {self.id}")
        self.add(
            f"REPORT RequestId: {self.id}\tDuration: 183.42 ms\tBilled Duration: 184 ms\t"
            "Memory Size: 256 MB\tMax Memory Used: 88 MB",
            1,
        )

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]


def good(function: str, at: datetime, order: int, language: str = "python") -> Request:
    request = Request(function, at, language)
    request.log("INFO", "order received", order_id=order)
    request.log("INFO", "order stored", order_id=order, rows=1)
    request.end()
    return request


def failing(function: str, at: datetime, order: int, language: str = "python") -> Request:
    request = Request(function, at, language)
    request.log("INFO", "order received", order_id=order)
    request.log(
        "WARNING" if language == "python" else "WARN", "customer has no address", order_id=order
    )
    if language == "python":
        request.log(
            "ERROR",
            "payment failed",
            order_id=order,
            exception_name="PaymentDeclined",
            exception=(
                "Traceback (most recent call last):\n"
                '  File "/var/task/app.py", line 42, in lambda_handler\n'
                "    charge(order)\n"
                '  File "/var/task/payments.py", line 17, in charge\n'
                "    raise PaymentDeclined(order.id)\n"
                f"payments.PaymentDeclined: order {order}"
            ),
        )
    else:
        request.log(
            "ERROR",
            "payment failed",
            order_id=order,
            error={
                "name": "TypeError",
                "location": "/var/task/index.js:42",
                "message": "Cannot read properties of undefined (reading 'id')",
                "stack": "TypeError: Cannot read properties of undefined (reading 'id')\n"
                "    at charge (/var/task/index.js:42:18)",
            },
        )
    request.end()
    return request


def write(cloud: Cloud, group: str, streams: dict[str, list[tuple[datetime, str]]]) -> None:
    """Writes the lines of each stream in time order, into a new log group."""
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=group)
    for stream, lines in streams.items():
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [
            {"timestamp": int(at.timestamp() * 1000), "message": text}
            for at, text in sorted(lines, key=lambda line: line[0])
        ]
        for first in range(0, len(events), BATCH):
            logs.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=events[first : first + BATCH],
            )


def stream_name() -> str:
    return f"{datetime.now(timezone.utc):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"


def metric_filter(cloud: Cloud, group: str, metric: str, pattern: str = "ERROR") -> None:
    # A term, not a JSON pattern: in the emulator every line matches those.
    cloud.client("logs").put_metric_filter(
        logGroupName=group,
        filterName=f"{metric}-filter",
        filterPattern=pattern,
        metricTransformations=[
            {"metricName": metric, "metricNamespace": NAMESPACE, "metricValue": "1"}
        ],
    )


def function(cloud: Cloud, role: str, name: str, group: str) -> None:
    """A function that never runs, with a log group of another name."""
    role = cloud.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role,
        Code={"ZipFile": empty_zip()},
        LoggingConfig={"LogGroup": group},
    )


def orders(cloud: Cloud, name: str, minute: Minute, language: str = "python") -> Request:
    """Logs several requests of one function in two environments. One fails, and is returned."""
    function = f"{name}-orders"
    bad = failing(function, minute.at(20), 1003, language)
    before, after = (good(function, minute.at(s), n, language) for s, n in ((14, 1001), (27, 1005)))
    beside = [
        good(function, minute.at(s), n, language)
        for s, n in ((13, 1000), (20.02, 1002), (26, 1004))
    ]
    group = f"/aws/lambda/{function}"
    write(
        cloud,
        group,
        {
            stream_name(): before.lines + bad.lines + after.lines,
            stream_name(): [line for request in beside for line in request.lines],
        },
    )
    metric_filter(cloud, group, f"{name}-errors")
    return bad


def receipts(cloud: Cloud, name: str, minute: Minute, address: str) -> list[str]:
    """A service logs plain text without an id, and fails. Returns the lines about the failure."""
    said = [
        (18, "INFO  receipt 1002 sent"),
        (26, f"INFO  sending receipt 1003 to {address}"),
        (28, "WARN  mail server is slow to answer (2 s)"),
        (29, f"ERROR could not send receipt 1003 to {address}: mailbox is full"),
        (30, "INFO  receipt 1003 is put back into the queue"),
    ]
    group = f"/{name}/receipts"
    write(cloud, group, {"i-0a1b2c3d4e5f": [(minute.at(second), text) for second, text in said]})
    metric_filter(cloud, group, f"{name}-errors")
    # The receipt before it was sent long before.
    return [text for _, text in said[1:]]
