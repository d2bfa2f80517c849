"""A running sandbox, a server that delivers to it, and the system's Chromium."""

import json
import os
import pathlib
import shutil
import sys
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import harness.sandbox
from harness.server import Server

BINARY = pathlib.Path(os.environ.get("PAGETRAIL_BIN", ROOT / "target/debug/pagetrail"))
KEY = "0123456789abcdef0123456789abcdef"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Sandbox(harness.sandbox.Sandbox):
    """A `pagetrail sandbox` for one test."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(BINARY, folder, "--rate", "0")

    def post(self, path: str, event: dict) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(event).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202

    def send(self, action: str, dedup_key: str, **event: object) -> None:
        event |= {"routing_key": KEY, "event_action": action, "dedup_key": dedup_key}
        self.post("/v2/enqueue", event)

    def change(self, summary: str, source: str = "deploys", links: list | None = None) -> None:
        payload = {"summary": summary, "source": source}
        self.post("/v2/change/enqueue", {"routing_key": KEY, "payload": payload, "links": links or []})

    def trigger(self, dedup_key: str, summary: str, details: dict | None = None, **event: object) -> None:
        payload = {
            "summary": summary,
            "source": "api-errors",
            "severity": event.pop("severity", "error"),
            "component": "orders-api",
            "custom_details": details or {},
        }
        self.send("trigger", dedup_key, payload=payload, **event)


@pytest.fixture
def sandbox(tmp_path: pathlib.Path):
    sandbox = Sandbox(tmp_path)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def server(tmp_path: pathlib.Path, sandbox: Sandbox):
    server = Server(BINARY, tmp_path / "server", sandbox.url)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("no Chromium found: install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens pages, and fails the test if they log an error."""
    contexts, errors = [], []

    def open_page(url: str, **options: object):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.on("dialog", lambda dialog: (errors.append("a script ran"), dialog.dismiss()))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
