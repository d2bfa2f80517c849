"""A bash that runs one command after the other, in the state that the ones before left behind."""

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# For a command that asks for something to be typed: a key that only the sandbox takes.
TYPED = "0123456789abcdef0123456789abcdef\n"


class Ended(RuntimeError):
    """The shell is gone: the command ended it, or was still running after the time allowed."""


@dataclass(frozen=True)
class Result:
    status: int
    output: str


class Shell:
    """Commands get `TYPED` as their input; what they print on both outputs is kept in one text."""

    def __init__(self, folder: Path, directory: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir()
        self.typed = folder / "typed"
        self.typed.write_text(TYPED)
        self.count = 0
        self.answers, write = os.pipe()
        self.process = subprocess.Popen(
            # With job control, `kill %1` means what it means to a reader.
            ["bash", "--noprofile", "--norc", "-m", "-o", "pipefail", "-s", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=directory,
            env=environment,
            pass_fds=[write],
            start_new_session=True,
            text=True,
        )
        os.close(write)
        # Not $1, which the documents' own functions use.
        self.process.stdin.write("answer=$1; shift\n")

    def run(self, text: str, seconds: float = 60) -> Result:
        """Runs it to its end."""
        self.count += 1
        script, output = (self.folder / f"{self.count}.{end}" for end in ("sh", "out"))
        script.write_text(text + "\n")
        try:
            # What it starts must not keep the answers open when the shell is gone.
            files = [shlex.quote(str(file)) for file in (script, self.typed, output)]
            self.process.stdin.write(
                "{{ source {} <{} >{} 2>&1; }} {{answer}}>&-; ".format(*files)
                + 'echo $? >&"$answer"\n'
            )
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Ended("the shell had ended before") from None
        answer = self.answer(seconds)
        if answer is None:
            self.stop_jobs()
            if self.answer(5) is None:
                self.stop()
        said = output.read_text(errors="replace") if output.exists() else ""
        if answer is None:
            raise Ended(
                f"still running after {seconds:.0f} s; what does not end by itself needs '&'\n{said}"
            )
        if not answer:
            raise Ended(f"the command ended the shell\n{said}")
        return Result(int(answer), said)

    def answer(self, seconds: float) -> str | None:
        """The exit code of what runs, empty at the shell's end; nothing while it still runs."""
        ready, _, _ = select.select([self.answers], [], [], seconds)
        return os.read(self.answers, 100).decode() if ready else None

    def stop_jobs(self) -> None:
        """Ends what was started in the background."""
        end_processes(self.jobs)

    def jobs(self) -> list[int]:
        """All processes of the session but the shell itself."""
        return [pid for pid in members(self.process.pid) if pid != self.process.pid]

    def stop(self) -> None:
        end_processes(lambda: members(self.process.pid))
        self.process.wait()


def members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may hold anything: state, parent, group, session.
            state, _, _, its = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its) == session and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def end_processes(which: Callable[[], list[int]]) -> None:
    for sign, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        for pid in which():
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        end = time.monotonic() + seconds
        while which():
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        else:
            return
