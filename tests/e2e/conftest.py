"""One emulator, sandbox and stack for all tests; each test has its own alarms and log groups."""

from pathlib import Path

import pytest
from harness.cloud import Cloud
from harness.install import Stack, build, publish
from harness.sandbox import Sandbox


@pytest.fixture(scope="session")
def command() -> Path:
    """The built `pagetrail`. The Lambda zip is built at the same time."""
    return build()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pagetrail")


@pytest.fixture(scope="session")
def cloud(folder: Path):
    cloud = Cloud(folder)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def sandbox(command: Path, folder: Path):
    sandbox = Sandbox(command, folder)
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def template_url(cloud: Cloud, command: Path) -> str:
    return publish(cloud, command)


@pytest.fixture(scope="session")
def stack(cloud: Cloud, sandbox: Sandbox, template_url: str) -> Stack:
    return Stack(cloud, template_url, f"{sandbox.url}/v2/enqueue")


@pytest.fixture(autouse=True)
def no_faults_left(request: pytest.FixtureRequest):
    """Clears faults: one from a failed test would fail the next test too."""
    yield
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").forget_faults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Adds the functions' logs to a failure."""
    report = yield
    cloud = item.funcargs.get("cloud")
    if report.when == "call" and report.failed and cloud:
        for stage in ("enrich", "deliver"):
            try:
                events = cloud.client("logs").filter_log_events(
                    logGroupName=f"/aws/lambda/pagetrail-{stage}"
                )["events"]
            except Exception as error:  # noqa: BLE001 - a report must not fail the run
                events = [{"message": str(error)}]
            text = "\n".join(event["message"].rstrip() for event in events[-12:])
            report.sections.append((f"log of {stage}", text))
    return report
