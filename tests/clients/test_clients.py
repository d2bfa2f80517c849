"""Other people's clients, each through the server to the sandbox."""

import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pagerduty
import pdpyras
import pytest
from harness.cloud import free_port
from harness.process import Process
from harness.sandbox import Sandbox
from harness.server import ROUTING_KEY, Server


def test_the_pagerduty_package(
    sandbox: Sandbox, https_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It speaks only HTTPS, and is set to trust the server's own certificate."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(https_server.certificate))
    client = pagerduty.EventsApiV2Client(ROUTING_KEY, base_url=https_server.url)
    key = client.trigger(
        "the kettle is dry",
        "kitchen",
        severity="critical",
        custom_details={"litres": 0},
        images=[{"src": "https://example.com/kettle.png"}],
        links=[{"href": "https://example.com/", "text": "the kettle"}],
    )
    opened = sandbox.incident(key, "triggered")
    assert opened["title"] == "the kettle is dry"
    assert opened["details"] == {"litres": 0}
    assert opened["images"] == [{"src": "https://example.com/kettle.png"}]
    client.acknowledge(key)
    sandbox.incident(key, "acknowledged")
    client.resolve(key)
    sandbox.incident(key, "resolved")
    # Version 7.2.0 fails to make this timestamp itself.
    client.submit("kettle 1.2 deployed", "kitchen", timestamp="2026-11-21T10:00:00.123456+00:00Z")
    wait_for(lambda: sandbox.get("/api/changes"))


def test_the_pdpyras_package(sandbox: Sandbox, server: Server) -> None:
    session = pdpyras.EventsAPISession(ROUTING_KEY)
    session.url = server.url
    key = session.trigger("the kettle is dry", "kitchen", dedup_key="kettle-1")
    assert key == "kettle-1"
    sandbox.incident(key, "triggered")
    session.resolve(key)
    sandbox.incident(key, "resolved")
    changes = pdpyras.ChangeEventsAPISession(ROUTING_KEY)
    changes.url = server.url
    changes.submit("kettle 1.2 deployed", source="kitchen")
    wait_for(lambda: sandbox.get("/api/changes"))


def test_curl(sandbox: Sandbox, server: Server) -> None:
    event = {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "payload": {"summary": "the kettle is dry", "source": "kitchen", "severity": "info"},
    }
    # Without -H, curl sends application/x-www-form-urlencoded.
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--data", json.dumps(event), f"{server.url}/v2/enqueue"],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["status"] == "success"
    sandbox.incident(answer["dedup_key"], "triggered")


@pytest.fixture
def alertmanager(tmp_path: Path, server: Server):
    program = shutil.which("prometheus-alertmanager") or pytest.fail(
        "prometheus-alertmanager is missing: scripts/test.sh installs it"
    )
    configuration = tmp_path / "alertmanager.json"
    configuration.write_text(
        json.dumps(
            {
                "global": {"pagerduty_url": f"{server.url}/v2/enqueue", "resolve_timeout": "1m"},
                "route": {
                    "receiver": "pagetrail",
                    "group_by": ["alertname"],
                    "group_wait": "0s",
                    "group_interval": "1s",
                },
                "receivers": [
                    {
                        "name": "pagetrail",
                        "pagerduty_configs": [
                            {"routing_key": ROUTING_KEY, "send_resolved": True, "severity": "warning"}
                        ],
                    }
                ],
            }
        )
    )
    port = free_port()
    process = Process(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        tmp_path / "alertmanager.log",
    )
    process.wait_for(r"Listening on|msg=Listening|listening")
    yield f"http://127.0.0.1:{port}"
    process.stop()


def test_alertmanager(sandbox: Sandbox, server: Server, alertmanager: str) -> None:
    """Its PagerDuty receiver, version 2: trigger, then resolve."""

    def tell(**times: str) -> None:
        alert = {"labels": {"alertname": "KettleDry", "instance": "kitchen"}, **times}
        request = urllib.request.Request(
            f"{alertmanager}/api/v2/alerts",
            json.dumps([alert]).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def now(seconds: float = 0) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

    tell(startsAt=now(-60))
    [incident] = wait_for(lambda: sandbox.get("/api/incidents"))
    assert incident["status"] == "triggered"
    assert "KettleDry" in incident["title"]
    assert incident["severity"] == "warning"
    tell(startsAt=now(-60), endsAt=now(-1))
    sandbox.incident(incident["dedup_key"], "resolved")


def wait_for(ask, seconds: float = 40):
    """Waits for an answer that is not empty."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ask():
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing after {seconds} s")
