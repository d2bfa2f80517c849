"""The gateway's routes, in both places: with a function URL in the emulator, and in `pagetrail serve`. They
differ only in what a client can do, which the client knows.
"""

import gzip
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.cloud import Cloud
from harness.endpoints import ALERTS, CHANGE, V1, V2, Endpoint, v2
from harness.gateway_client import Client, by_function_url, from_elsewhere, from_itself, zipped
from harness.install import ROUTING_KEY, Stack
from harness.sandbox import Sandbox
from harness.server import Server
from harness.wait import wait_until

UNKNOWN_KEY = "f" * 32
BODY_LIMIT = 512_000
LAST_FOUR = f"…{ROUTING_KEY[-4:]}"


@pytest.fixture(scope="module")
def sandbox(command: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox without limits: this suite sends more than 120 events per minute."""
    sandbox = Sandbox(command, tmp_path_factory.mktemp("sandbox"), "--rate", "0")
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module")
def installed(cloud: Cloud, sandbox: Sandbox, template_url: str) -> Iterator[Stack]:
    stack = Stack(
        cloud,
        template_url,
        f"{sandbox.url}/v2/enqueue",
        "gateway",
        gateway="true",
        ratePerMinute="60000",
    )
    yield stack
    stack.remove()


@pytest.fixture(scope="module")
def server(command: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox):
    server = Server(command, tmp_path_factory.mktemp("server"), sandbox.url)
    yield server
    server.stop()


CLIENTS = {
    "function URL": lambda ask: by_function_url(ask("cloud"), ask("installed")),
    "server, from elsewhere": lambda ask: from_elsewhere(ask("server")),
    "server, from itself": lambda ask: from_itself(ask("server")),
}


@pytest.fixture(scope="module", params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param](request.getfixturevalue)


of_each = pytest.mark.parametrize("endpoint", ALERTS, ids=lambda endpoint: endpoint.name)


def new_key() -> str:
    return f"gateway/{uuid.uuid4()}"


def arrived(sandbox: Sandbox, dedup_key: str) -> list[dict]:
    """This alert's events as the sandbox received them, oldest first."""
    seen = reversed(sandbox.get("/api/requests"))
    return [request for request in seen if request.get("dedup_key") == dedup_key]


@of_each
def test_an_alert_arrives_at_the_same_kind_of_endpoint_in_order(
    client: Client, sandbox: Sandbox, endpoint: Endpoint
) -> None:
    key = new_key()
    path, with_key = endpoint.with_key(ROUTING_KEY)
    for action in ("trigger", "acknowledge", "resolve"):
        answer = client.post(path, endpoint.event(action, key) | with_key)
        assert (answer.status, answer.json) == (endpoint.status, endpoint.answer(key)), answer

    incident = sandbox.incident(key, "resolved")
    assert [entry["action"] for entry in incident["timeline"]] == [
        "trigger",
        "acknowledge",
        "resolve",
    ]
    assert f"{key} is full" in incident["title"]
    for request in arrived(sandbox, key):
        assert (request["endpoint"], request["status"]) == (endpoint.name, endpoint.status)
        assert request["routing_key"] == LAST_FOUR


def test_a_change_arrives_as_one(client: Client, sandbox: Sandbox) -> None:
    summary = f"{new_key()} was deployed"
    payload = {"summary": summary, "source": "ci", "custom_details": {"build": "7"}}
    links = [{"href": "https://ci.example/7", "text": "Build 7"}]
    event = {"routing_key": ROUTING_KEY, "payload": payload, "links": links}
    answer = client.post(CHANGE, event)
    assert answer.status == 202, answer
    assert answer.json == {"status": "success", "message": "Change event processed"}

    (change,) = wait_until(
        lambda: [c for c in sandbox.get("/api/changes") if c["summary"] == summary]
    )
    assert (change["payload"], change["links"]) == (payload, links)
    assert change["routing_key"] == LAST_FOUR


@pytest.mark.parametrize("endpoint", [V2, V1], ids=lambda endpoint: endpoint.name)
def test_a_missing_dedup_key_is_made_and_told(
    client: Client, sandbox: Sandbox, endpoint: Endpoint
) -> None:
    event = endpoint.event("trigger", "") | {"x_own": ["kept"]}
    path, with_key = endpoint.with_key(ROUTING_KEY)
    made = []
    for _ in range(2):
        answer = client.post(path, event | with_key)
        assert answer.status == endpoint.status, answer
        made += [value for name, value in answer.json.items() if name.endswith("_key")]
    assert len(set(made)) == 2 and all(re.fullmatch("[0-9a-f]{32}", key) for key in made)
    for key in made:
        sandbox.incident(key, "triggered")


def test_an_event_without_a_routing_key_needs_the_token(client: Client, sandbox: Sandbox) -> None:
    key = new_key()
    event = v2("trigger", key)
    for headers in ({}, client.bearer("wrong"), {"Authorization": f"Basic {client.token}"}):
        answer = client.post("/", event, **headers)
        assert answer.status == (202 if client.trusted else 401), answer
        assert ("WWW-Authenticate" in answer.headers) is not client.trusted
    answer = client.post("/", event, **client.bearer())
    assert (answer.status, answer.json) == (202, V2.answer(key)), answer
    sandbox.incident(key, "triggered")
    # The resolve comes after all other accepted events of this alert.
    assert client.post("/", v2("resolve", key), **client.bearer()).status == 202
    sandbox.incident(key, "resolved")
    requests = arrived(sandbox, key)
    assert len(requests) == (5 if client.trusted else 2)
    assert {(r["endpoint"], r["routing_key"]) for r in requests} == {("v2", LAST_FOUR)}
    # A key that the sender adds is ignored.
    answer = client.post("/", v2("resolve", key) | {"routing_key": "?"}, **client.bearer())
    assert answer.status == 202, answer


@of_each
def test_a_key_that_nobody_knows(client: Client, sandbox: Sandbox, endpoint: Endpoint) -> None:
    key = new_key()
    path, with_key = endpoint.with_key(UNKNOWN_KEY)
    answer = client.post(path, endpoint.event("trigger", key) | with_key)
    if client.trusted:
        # Clients on the server's own machine can use any key.
        assert answer.status == endpoint.status, answer
        sandbox.incident(key, "triggered")
        assert [r["routing_key"] for r in arrived(sandbox, key)] == [f"…{UNKNOWN_KEY[-4:]}"]
    else:
        assert (answer.status, answer.json) == (400, refusal(endpoint.unknown)), answer
    assert UNKNOWN_KEY not in answer.body.decode()


def refusal(*errors: str) -> dict:
    return {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": list(errors),
    }


@pytest.mark.parametrize(
    ("path", "event", "errors"),
    [
        ("/v2/enqueue", {}, ["'routing_key' cannot be blank"]),
        (
            "/v2/enqueue",
            {"routing_key": ROUTING_KEY, "event_action": "resolve"},
            ["'dedup_key' is missing or blank"],
        ),
        (CHANGE, {"routing_key": ROUTING_KEY}, ["'payload' is missing or blank"]),
        (
            V1.path,
            {"service_key": "short", "event_type": "resolve"},
            [
                "Service key is the wrong length (should be 32 characters)",
                "Incident key can't be blank",
            ],
        ),
        (
            "/integration/short/enqueue",
            {},
            ["Length of 'routing_key' is incorrect (should be 32 characters)"],
        ),
        (
            "/x-ere/%22%3Cscript%3E",
            {},
            ["Length of 'routing_key' is incorrect (should be 32 characters)"],
        ),
    ],
)
def test_what_pagerduty_would_refuse_is_refused_in_its_words(
    client: Client, path: str, event: dict, errors: list[str]
) -> None:
    answer = client.post(path, event)
    assert answer.status == 400, answer
    assert answer.json["status"] == "invalid event"
    assert answer.json["errors"][: len(errors)] == errors


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a":\xff}'], ids=repr)
@pytest.mark.parametrize("endpoint", ["/v2/enqueue", CHANGE, V1.path, "/"])
def test_what_is_no_json_object(client: Client, endpoint: str, body: bytes) -> None:
    answer = client.ask("POST", endpoint, body, **client.bearer())
    assert answer.status == 400, answer
    assert answer.json["status"].lower() == "unrecognized object"
    assert answer.json["errors"] == ["JSON parse error"]


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "application/json; charset=utf-8",
        "application/vnd.pagerduty+json;version=2",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "nonsense",
    ],
)
def test_json_whatever_the_content_type(client: Client, sandbox: Sandbox, kind: str | None) -> None:
    key = new_key()
    event = V2.event("trigger", key) | {"routing_key": ROUTING_KEY, "client": "Zürich ✓"}
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.ask(
        "POST", "/v2/enqueue", json.dumps(event, ensure_ascii=False).encode(), **headers
    )
    assert (answer.status, answer.json) == (202, V2.answer(key)), answer
    assert sandbox.incident(key, "triggered")["client"] == "Zürich ✓"


def test_gzip(client: Client, sandbox: Sandbox) -> None:
    # Not application/json: the emulator turns such a body into text, even if it is gzip.
    kind = {"Content-Type": "application/octet-stream"}
    key = new_key()
    event = V2.event("trigger", key) | {"routing_key": ROUTING_KEY}
    for coding in ("gzip", "x-gzip"):
        answer = client.ask("POST", "/v2/enqueue", zipped(event), Content_Encoding=coding, **kind)
        assert (answer.status, answer.json) == (202, V2.answer(key)), answer
    sandbox.incident(key, "triggered")

    answer = client.ask("POST", "/v2/enqueue", b"no gzip", Content_Encoding="gzip", **kind)
    assert answer.status == 400 and "gzip" in answer.json["errors"][0], answer
    answer = client.ask("POST", "/v2/enqueue", b"{}", Content_Encoding="br", **kind)
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "gzip"), answer
    bomb = gzip.compress(bytes(BODY_LIMIT * 20))
    answer = client.ask("POST", "/v2/enqueue", bomb, Content_Encoding="gzip", **kind)
    assert answer.status == 413, answer


def test_half_a_megabyte_is_taken_whole_and_no_more(client: Client, sandbox: Sandbox) -> None:
    key = new_key()
    event = V2.event("trigger", key) | {"routing_key": ROUTING_KEY}
    event["payload"]["custom_details"] = {"log": ""}
    room = BODY_LIMIT - len(json.dumps(event, separators=(",", ":")))
    event["payload"]["custom_details"]["log"] = "x" * room
    body = json.dumps(event, separators=(",", ":")).encode()
    assert len(body) == BODY_LIMIT
    answer = client.ask("POST", "/v2/enqueue", body)
    assert (answer.status, answer.json) == (202, V2.answer(key)), answer
    assert sandbox.incident(key, "triggered")["details"] == {"log": "x" * room}

    answer = client.ask("POST", "/v2/enqueue", body + b" ")
    assert (answer.status, answer.json) == (
        413,
        refusal("Event is too large (maximum is 512000 bytes)"),
    ), answer


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v2/enqueue", {"POST"}),
        ("PUT", CHANGE, {"POST"}),
        ("DELETE", V1.path, {"POST"}),
        ("PATCH", f"/x-ere/{ROUTING_KEY}", {"POST"}),
        ("PUT", "/", {"GET", "HEAD", "POST"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET", "HEAD"}),
    ],
)
def test_wrong_methods(client: Client, method: str, path: str, allowed: set[str]) -> None:
    answer = client.ask(method, path)
    assert answer.status == 405, answer
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == allowed
    assert ROUTING_KEY not in answer.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/enqueue/x",
        "/api/incidents",
        "/index.html",
        f"/integration/{ROUTING_KEY}x",
        "/..%2f..%2fetc/passwd",
        "/%00",
        "/%zz",
        "/?%3Cscript%3E",
    ],
)
def test_paths_that_are_none(client: Client, path: str) -> None:
    answer = client.post(path, {})
    # The last one is a valid path with a query.
    assert answer.status == (404 if "?" not in path else 400 if client.trusted else 401), answer
    assert ROUTING_KEY not in answer.body.decode()


def test_health_is_for_everybody(client: Client) -> None:
    answer = client.ask("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ready"}), answer


@pytest.mark.parametrize("path", ["/", "/metrics"])
def test_who_may_look(client: Client, path: str) -> None:
    answer = client.ask("GET", path)
    assert answer.status == (200 if client.trusted else 401), answer
    answer = client.ask("GET", path, **client.bearer("wrong"))
    assert answer.status == (200 if client.trusted else 401), answer
    answer = client.ask("GET", path, **client.bearer())
    assert answer.status == 200, answer
    text = answer.body.decode()
    assert "<html" in text if path == "/" else "# TYPE pagetrail_" in text
    assert ROUTING_KEY not in text and client.token not in text
    # A browser must not run, send or frame anything for the page.
    if path == "/":
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_s_assets_come_from_the_gateway(client: Client) -> None:
    page = client.ask("GET", "/", **client.bearer()).body.decode()
    assets = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page))
    assert assets and not re.search(r'(href|src)="(https?:)?//', page)
    for path in assets:
        answer = client.ask("GET", path)
        assert answer.status == 200 and answer.body, path


def test_what_cannot_be_queued_is_not_taken(
    cloud: Cloud, installed: Stack, sandbox: Sandbox
) -> None:
    client = by_function_url(cloud, installed)
    key = new_key()
    event = V2.event("trigger", key) | {"routing_key": ROUTING_KEY}
    with installed.denied("GatewayRole", "sqs:SendMessage", "*"):
        answer = client.post("/v2/enqueue", event)
        assert answer.status == 503, answer
        assert int(answer.headers["Retry-After"]) > 0
        assert "dedup_key" not in answer.json
        assert client.post("/", event, **client.bearer()).status == 503
    answer = client.post("/v2/enqueue", event)
    assert (answer.status, answer.json) == (202, V2.answer(key)), answer
    sandbox.incident(key, "triggered")
    assert len(arrived(sandbox, key)) == 1

    with installed.denied("GatewayRole", "sqs:GetQueueAttributes", "*"):
        answer = client.ask("GET", "/health")
        assert (answer.status, answer.json) == (503, {"status": "not ready"}), answer
    assert client.ask("GET", "/health").status == 200


def test_the_stack_s_own_test_command(installed: Stack) -> None:
    command = installed.outputs["GatewayTest"]
    assert installed.outputs["GatewayUrl"] in command
    assert installed.outputs["GatewayTokenArn"] in command
    event = json.loads(re.search(r"-d '(.*)'$", command)[1])
    assert event["payload"]["summary"] == "Hello from the gateway of gateway"


def test_neither_key_nor_token_nor_event_is_in_the_log(
    cloud: Cloud, installed: Stack, sandbox: Sandbox
) -> None:
    client = by_function_url(cloud, installed)
    key = new_key()
    event = V2.event("trigger", key) | {"routing_key": ROUTING_KEY, "client": "not-for-the-log"}
    assert client.post("/v2/enqueue", event, **client.bearer()).status == 202
    assert client.post(f"/integration/{UNKNOWN_KEY}/enqueue", {}, **client.bearer()).status == 400
    group = "/aws/lambda/gateway-gateway"

    def log() -> str:
        events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        return "\n".join(event["message"] for event in events)

    wait_until(lambda: key in log() and '"status":400' in log().replace(" ", ""))
    said = log()
    for secret in (ROUTING_KEY, UNKNOWN_KEY, client.token, "not-for-the-log", "is full"):
        assert secret not in said, secret
