"""One emulator, sandbox and shell for all documents."""

import sys
import warnings
from pathlib import Path

import pytest
from blocks import ROOT

sys.path.insert(0, str(ROOT / "tests/e2e"))

from fence import keep_off_the_network
from harness.cloud import Cloud
from harness.install import build
from harness.sandbox import Sandbox
from scene import ACCOUNT, REGION, Scene
from shell import Shell


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="session")
def fence() -> None:
    if not keep_off_the_network():
        warnings.warn("no network of our own: a proxy that answers nobody must do", stacklevel=1)


@pytest.fixture(scope="session")
def scene(fence: None, folder: Path):
    command = build()
    cloud = Cloud(folder, ACCOUNT, REGION)
    try:
        sandbox = Sandbox(command, folder)
        try:
            yield Scene(command, folder, cloud, sandbox)
        finally:
            sandbox.stop()
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def shell(scene: Scene):
    shell = Shell(scene.folder / "shell", scene.clone, scene.environment())
    yield shell
    shell.stop()
