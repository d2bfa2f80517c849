"""What the documents suppose: an account with alarms and logs, the programs they call, and PagerDuty.

The account is the emulator's, PagerDuty the sandbox. The commands run in a directory that looks like
a clone, so that what they write there stays out of the real one.
"""

import os
import shlex
import shutil
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from blocks import ROOT
from harness.alarms import Alarm
from harness.cloud import Cloud
from harness.install import dist, target
from harness.keep import script
from harness.sandbox import Sandbox
from harness.wait import wait_until
from harness.workload import Minute, metric_filter, write
from listed import REFUSED, Incident

# As in the documents. The emulator takes such an access key for the root of that account.
ACCOUNT = "123456789012"
REGION = "eu-west-1"

# The AWS CLI of version 1 ignores AWS_ENDPOINT_URL for SQS. And no installed stack may have
# PagerDuty's own address.
AWS = """\
#!/usr/bin/env bash
arguments=()
for argument; do
    arguments+=("$argument")
    [[ "$1 $2" == "cloudformation deploy" && $argument == --parameter-overrides ]] &&
        arguments+=(pagerDutyIntegrationUrl={pagerduty})
done
exec {aws} --endpoint-url "$AWS_ENDPOINT_URL" "${{arguments[@]}}"
"""
# A release build takes minutes; the debug build is there already.
CARGO = """\
#!/usr/bin/env bash
arguments=()
for argument; do [[ $argument == --release ]] || arguments+=("$argument"); done
cd {root} && exec {cargo} "${{arguments[@]}}"
"""
# The emulator has function URLs under a path of its own. An error of HTTP is a failure here.
CURL = """\
#!/usr/bin/env bash
arguments=()
for argument; do
    [[ $argument =~ ^https://([a-z0-9]+)\\.lambda-url\\.[a-z0-9-]+\\.on\\.aws/(.*)$ ]] &&
        argument=$AWS_ENDPOINT_URL/_aws/lambda-url/${{BASH_REMATCH[1]}}/${{BASH_REMATCH[2]}}
    arguments+=("$argument")
done
exec {curl} --fail-with-body --silent --show-error "${{arguments[@]}}"
"""


class Scene:
    """The account, the sandbox and the directory."""

    def __init__(self, command: Path, folder: Path, cloud: Cloud, sandbox: Sandbox) -> None:
        self.folder = folder
        self.cloud = cloud
        self.sandbox = sandbox
        self.clone = folder / "clone"
        self.clone.mkdir()
        for entry in ROOT.iterdir():
            # What is built here is found by CARGO_TARGET_DIR and PAGETRAIL_DIST.
            if entry.name not in ("target", "dist", ".git"):
                (self.clone / entry.name).symlink_to(entry)
        (self.clone / "app.log").write_text("ERROR payment 17 failed\nERROR payment 18 failed\n")
        self.programs = self.put_programs(command)
        self.fill_account()

    def put_programs(self, command: Path) -> Path:
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "pagetrail").symlink_to(command)
        known = {
            "root": ROOT,
            "aws": Path(sys.executable).with_name("aws"),
            "cargo": shutil.which("cargo"),
            "curl": shutil.which("curl"),
            "pagerduty": f"{self.sandbox.url}/v2/enqueue",
        }
        quoted = {name: shlex.quote(str(value)) for name, value in known.items()}
        for name, text in (("aws", AWS), ("cargo", CARGO), ("curl", CURL)):
            script(programs / name, text.format_map(quoted))
        return programs

    def fill_account(self) -> None:
        """The topic, the alarms and the log lines that the documents name."""
        topic = self.cloud.client("sns").create_topic(Name="errors")["TopicArn"]
        minute = Minute(datetime(2026, 11, 14, 3, 6, tzinfo=timezone.utc))
        for name in ("checkout-errors", "shop-latency"):
            Alarm(name, topic, minute).create(self.cloud)
        write(self.cloud, "/ecs/checkout", {"web": [(minute.at(20), "ERROR no such basket")]})
        metric_filter(self.cloud, "/ecs/checkout", "checkout-errors-errors")

    def settings(self) -> dict[str, str]:
        """What a document may count on, whatever the one before has set."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            # For commands that would otherwise go to PagerDuty.
            "PAGETRAIL_PAGERDUTY_URL": f"{self.sandbox.url}/v2/enqueue",
            "PDSEND_EVENTS_BASE_URL": self.sandbox.url,
        }

    def environment(self) -> dict[str, str]:
        """What the shell starts with."""
        home = Path.home()
        return {
            **self.cloud.environment(),
            **self.settings(),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # Not the person's own settings. A server keeps its queue below it.
            "HOME": str(self.folder),
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(home / ".cargo")),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
            "CARGO_TARGET_DIR": str(target()),
            "CARGO_NET_OFFLINE": "true",
            "PAGETRAIL_DIST": str(dist()),
            "PAGETRAIL_BIN": str(self.programs / "pagetrail"),
        }

    def refuse_an_event(self) -> None:
        """Lets PagerDuty refuse an event of the stack for good."""
        stack = self.cloud.client("cloudformation").describe_stacks(StackName="pagetrail")
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Stacks"][0]["Outputs"]}
        # Its plainer form too.
        self.sandbox.fail(kind="status", status=400, count=2)
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:errors"
        self.cloud.client("sns").publish(TopicArn=topic, Message=REFUSED)
        sqs = self.cloud.client("sqs")
        count = "ApproximateNumberOfMessages"

        def rejected() -> bool:
            queue = outputs["RejectedQueueUrl"]
            found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[count])
            return found["Attributes"][count] != "0"

        wait_until(rejected)

    def fault_of(self, expected: Incident, seconds: float = 20) -> str:
        """Waits for an incident; says what there is instead."""
        sandbox = Elsewhere(expected.sandbox) if expected.sandbox else self.sandbox
        end = time.monotonic() + seconds
        while True:
            there = [(i["title"], i["status"]) for i in sandbox.get("/api/incidents")]
            if any(expected.title in title and expected.status == its for title, its in there):
                return ""
            if time.monotonic() > end:
                return f"no {expected} came of it; there are {there}"
            time.sleep(0.2)


class Elsewhere(Sandbox):
    """A sandbox that somebody else started."""

    def __init__(self, url: str) -> None:
        self.url = url
