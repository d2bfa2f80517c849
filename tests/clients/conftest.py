"""A sandbox, and a server that delivers to it, for each test. The clients are other people's."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness.sandbox import Sandbox
from harness.server import Server

BINARY = ROOT / "target/debug/pagetrail"


@pytest.fixture
def sandbox(tmp_path: Path):
    sandbox = Sandbox(BINARY, tmp_path, "--rate", "0")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def https_server(tmp_path: Path, sandbox: Sandbox):
    settings = {"listen": "none", "listen_https": "127.0.0.1:0"}
    server = Server(BINARY, tmp_path / "server", sandbox.url, **settings)
    yield server
    server.stop()


@pytest.fixture
def server(tmp_path: Path, sandbox: Sandbox):
    server = Server(BINARY, tmp_path / "server", sandbox.url)
    yield server
    server.stop()
