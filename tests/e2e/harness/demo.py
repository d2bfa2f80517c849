"""The demo: installs Pagetrail on this machine, lets a service fail, and shows the incident.

Run by scripts/demo.sh.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .alarms import Alarm
from .cloud import REGION, Cloud
from .incident import as_text, link_faults, trail_faults, trail_lines, trails
from .install import PREFIX, ROOT, Stack, build, publish
from .keep import how_to_go_on, settings, stop_script
from .sandbox import Sandbox
from .workload import Minute, Request, orders, receipts

# This address must not leave.
CUSTOMER = "jane.doe@example.com"


class Steps:
    """Prints each step, with the time since the build."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.start:5.1f} s] {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument(
        "--picture", type=Path, metavar="PNG", help="write a picture of the open incident's page"
    )
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))

    folder = Path(tempfile.mkdtemp(prefix="pagetrail-demo-"))
    running: list[Cloud | Sandbox] = []
    keep = done = False
    try:
        done = play(folder, running, arguments.keep, arguments.picture)
        keep = done and arguments.keep
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
    except (AssertionError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"demo: failed: {error}", file=sys.stderr)
    finally:
        if not keep:
            for part in reversed(running):
                part.stop()
            shutil.rmtree(folder, ignore_errors=True)
    if done and not keep:
        print("\nEverything is stopped. To leave it running and look around, use --keep.")
    return 0 if done else 1


def play(folder: Path, running: list, keep: bool, picture: Path | None) -> bool:
    """Adds each started part to `running`. Returns whether the incident is right."""
    print("Building (some minutes the first time) ...", flush=True)
    command = build()

    steps = Steps()
    cloud = Cloud(folder)
    running.append(cloud)
    steps.say(f"AWS is emulated by MiniStack at {cloud.url}, with IAM enforced")
    sandbox = Sandbox(command, folder)
    running.append(sandbox)
    steps.say(f"the sandbox runs instead of PagerDuty at {sandbox.url}")
    template = publish(cloud, command)
    steps.say(f"published: {template}")
    stack = Stack(cloud, template, f"{sandbox.url}/v2/enqueue")
    steps.say(f"stack '{stack.name}' created from that address; alarms go to {stack.topic}")

    minute = Minute()
    failed = orders(cloud, "shop", minute)
    steps.say("a Lambda function logged six requests with Powertools; one of them failed")
    lines = receipts(cloud, "shop", minute, CUSTOMER)
    steps.say("a service on EC2 logged plain text, with an e-mail address in its error")
    alarm = Alarm("shop", stack.topic, minute)
    alarm.create(cloud)
    alarm.notify(cloud, "ALARM")
    steps.say(f"CloudWatch reports ALARM: the alarm '{alarm.name}' counts the errors of both")
    incident = sandbox.incident(alarm.dedup_key, "triggered")
    steps.say("the incident is open")
    faults = faults_of(incident, failed, lines)
    page = f"{sandbox.url}/incidents/{incident['id']}"
    if picture:
        subprocess.run([ROOT / "scripts" / "screenshot.sh", page, picture], check=True)
        steps.say(f"picture taken: {picture}")
    alarm.set_state(cloud, "OK")
    alarm.notify(cloud, "OK")
    steps.say("CloudWatch reports OK")
    incident = sandbox.incident(alarm.dedup_key, "resolved")
    steps.say("the incident is resolved")

    print(f"\n{as_text(incident, page)}\n")
    print(f"On AWS, this link would install it:\n  {link(command, stack.topic)}")
    for fault in faults:
        print(f"demo: the incident is wrong: {fault}", file=sys.stderr)
    if keep and not faults:
        env = settings(folder, cloud, command, stack.topic)
        stop = stop_script(folder, [*cloud.processes, *sandbox.processes])
        print(f"\n{how_to_go_on(sandbox.url, env, stop, alarm)}")
    return not faults


def faults_of(incident: dict, failed: Request, lines: list[str]) -> list[str]:
    """What is wrong with the incident. It must have two kinds, a trail for each, links, and no address."""
    details = incident["details"]
    faults = trail_faults(incident, failed) + link_faults(incident)
    kinds = details["1 errors"]
    if len(kinds) != 2:
        faults.append(f"it has {len(kinds)} kinds of error instead of 2")
    shown = [trail_lines(incident, key) for key in trails(incident)]
    plain = [line.replace(CUSTOMER, "[redacted: email]") for line in lines]
    if plain not in [[line.partition("  ")[2] for line in trail] for trail in shown]:
        faults.append(f"no trail is that of the service without ids: {shown}")
    if CUSTOMER in json.dumps(incident):
        faults.append(f"{CUSTOMER} was not removed")
    return faults


def link(command: Path, topic: str) -> str:
    """The link that a user would click on AWS."""
    arguments = ["link", "--region", REGION, "--prefix", PREFIX, "--topic", topic]
    return subprocess.run(
        [command, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
