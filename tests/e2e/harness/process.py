"""Starts a program that prints its address, and stops it."""

import re
import signal
import subprocess
import time
from pathlib import Path


class StartError(RuntimeError):
    """A program did not start. The message contains its output."""


class Process:
    """A running program. Its output goes to a file."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        self.name = Path(command[0]).name
        with log.open("wb") as output:
            # It has its own session: after Ctrl-C, stop() ends it after the programs that depend on it.
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def wait_for(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """Waits until its output matches."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self.log.read_text(errors="replace")
            if found := re.search(pattern, text):
                return found
            if self.popen.poll() is not None:
                raise StartError(f"{self.name} ended at once:\n{text[-2000:]}")
            time.sleep(0.05)
        self.stop()
        raise StartError(
            f"{self.name} was not up after {seconds} s:\n{self.log.read_text()[-2000:]}"
        )

    def stop(self) -> None:
        for sign, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if self.popen.poll() is not None:
                return
            self.popen.send_signal(sign)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
