"""scripts/demo.sh --keep: each command that it prints works when it is pasted."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.alarms import alarm_arn
from harness.install import ROOT
from harness.wait import wait_until


class Kept:
    """A demo that is still running."""

    def __init__(self, output: str) -> None:
        _, _, rest = output.partition("Everything is still running.")
        assert rest, output
        self.page = re.search(r"http://\S+", rest)[0]
        # The indented lines are commands to paste.
        self.commands = re.findall(r"^  (\S.*)$", rest, re.MULTILINE)

    def command(self, words: str) -> str:
        (found,) = (line for line in self.commands if words in line)
        return found

    def paste(self, *lines: str) -> str:
        """The output of a new shell for these lines."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", "\n".join(["set -e", *lines])],
            cwd="/",
            # A user's own settings, which must not have an effect.
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_PROFILE": "mine"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{lines}: {done.stderr or done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def kept():
    done = subprocess.run(
        ["scripts/demo.sh", "--keep"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = Kept(done.stdout)
    stop = Path(kept.command("/stop"))
    yield kept
    if stop.exists():
        subprocess.run([stop], check=True)


def test_each_command_works_and_stopping_leaves_nothing(kept: Kept) -> None:
    env = kept.command("/env")
    assert len(kept.commands) == 5

    coverage = kept.paste(env, kept.command("coverage"))
    assert re.search(r"^shop  /aws/lambda/shop-orders · ERROR \(by metric filter\)$", coverage, re.MULTILINE)
    assert re.search(r"^ +/shop/receipts · ERROR \(by metric filter\)$", coverage, re.MULTILINE)

    preview = kept.paste(env, kept.command("preview"))
    assert re.match(r"PaymentDeclined: order \d+ · 2× in 1 min, 2 kinds · shop", preview), preview
    assert alarm_arn("shop") in preview and "jane.doe" not in preview

    kept.paste(env, kept.command("sns publish"))
    wait_until(lambda: "Hello" in kept.paste(f"curl -sS {kept.page}/api/incidents"))

    # Not only SNS: version 1 of the AWS CLI would call SQS on the internet.
    queues = kept.paste(env, "aws sqs list-queues", 'echo "$AWS_ENDPOINT_URL"')
    assert "EventsQueue" in queues
    endpoint = queues.splitlines()[-1]

    folder = Path(env.split()[1]).parent
    assert processes_of(folder)
    kept.paste(kept.command("/stop"))
    assert not folder.exists()
    assert not processes_of(folder)
    for address in (kept.page, endpoint):
        port = urlsplit(address).port
        refused = subprocess.run(
            ["curl", "-s", f"http://127.0.0.1:{port}/"], capture_output=True, check=False
        )
        assert refused.returncode == 7, f"something still answers on port {port}"


def processes_of(folder: Path) -> list[str]:
    """The processes that use this folder: it is in their arguments, or their log is in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            log = os.readlink(process / "fd/1")
        except OSError:
            continue
        if str(folder) in arguments or log.startswith(str(folder)):
            found.append(arguments)
    return found
