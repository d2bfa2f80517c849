"""Files of `scripts/demo.sh --keep`: settings for a shell, the commands, a script that stops the demo."""

import shlex
import sys
from pathlib import Path

from .alarms import Alarm
from .cloud import Cloud
from .process import Process

STOP = """\
#!/bin/sh
# Stops the demo that scripts/demo.sh --keep left running, and removes its files.
processes='{groups}'
running() {{
    for process in $processes; do
        kill -s 0 -- "-$process" 2>/dev/null && return
    done
    return 1
}}
for signal in TERM KILL; do
    # Each leads a process group, which the emulator's Lambda functions belong to.
    for process in $processes; do
        kill -s "$signal" -- "-$process" 2>/dev/null
    done
    tries=0
    while running && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
done
rm -rf {folder}
echo "The demo is stopped, and its files are removed."
"""


def tools(folder: Path, command: Path) -> Path:
    """A directory for PATH with `pagetrail` and `aws`, and no other program of the Python environment."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "pagetrail").symlink_to(command.resolve())
    # Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL for SQS, and would call AWS itself.
    aws = shlex.quote(str(Path(sys.executable).with_name("aws")))
    script(programs / "aws", f'#!/bin/sh\nexec {aws} --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
    return programs


def settings(folder: Path, cloud: Cloud, command: Path, topic: str) -> Path:
    """A file for the shell to source, so that `aws` and `pagetrail` use the emulator."""
    lines = [
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN",
        f"export PATH={shlex.quote(str(tools(folder, command)))}:$PATH",
        f"export TOPIC={topic}",
    ]
    for name, value in cloud.environment().items():
        if name.startswith("AWS_"):
            lines.append(f"export {name}={shlex.quote(value)}")
    file = folder / "env"
    file.write_text("\n".join(lines) + "\n")
    return file


def stop_script(folder: Path, processes: list[Process]) -> Path:
    groups = " ".join(str(process.pid) for process in processes)
    text = STOP.format(groups=groups, folder=shlex.quote(str(folder)))
    return script(folder / "stop", text)


def script(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o755)
    return file


def how_to_go_on(page: str, env: Path, stop: Path, alarm: Alarm) -> str:
    """The commands to look around and to stop the demo. Each indented line can be pasted."""
    return f"""\
Everything is still running. The incidents are at {page}

To look around, first make your shell use the emulated AWS, in any directory:
  . {shlex.quote(str(env))}

To see which alarms would page with evidence, and the page of one of them:
  pagetrail coverage --topic "$TOPIC"
  pagetrail preview --alarm {alarm.name} --at {alarm.minute.changed:%Y-%m-%dT%H:%M:%SZ}

To send another page with the AWS CLI:
  aws sns publish --topic-arn "$TOPIC" --subject "Hello" --message "from the demo"

To stop everything and remove its files:
  {shlex.quote(str(stop))}"""
