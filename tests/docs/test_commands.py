"""The code blocks of README and docs: the commands run as they stand, the rest can be read.

Commands run in one shell, document after document, so one may use what an earlier one set.
"""

import json
import re
import shlex
import subprocess
from pathlib import Path

import listed as tables
import pytest
import yaml
from blocks import Block, Command, blocks, commands, documents
from botocore.exceptions import ClientError
from listed import BEFORE, DRAWINGS, INCIDENTS, NOT_RUN, PRINTS
from scene import Scene
from shell import Ended, Shell

BLOCKS = [block for document in documents() for block in blocks(document)]
SHELL = [block for block in BLOCKS if block.language == "sh"]
COMMANDS = [command for block in SHELL for command in commands(block)]


def said(table: dict, command: Command):
    """What the table says about a command."""
    for (file, begin), about in table.items():
        if command.file == file and command.one_line.startswith(begin):
            return about
    return None


class Session:
    """The shell, and what it has run so far."""

    def __init__(self, shell: Shell, scene: Scene) -> None:
        self.shell = shell
        self.scene = scene
        self.document = ""
        # Where the first failure was: others may come of it.
        self.failed = ""
        self.outputs: dict[Block, str] = {}

    def run(self, block: Block) -> None:
        """Runs the commands of a block; the test fails at the first that does."""
        if block.file != self.document:
            self.enter(block.file)
        printed = []
        for command in commands(block):
            if not said(NOT_RUN, command):
                printed.append(self.run_command(command))
        self.outputs[block] = "".join(printed)

    def enter(self, document: str) -> None:
        """Leaves what the document before started, and its settings."""
        self.document = document
        self.shell.stop_jobs()
        settings = [f"export {n}={shlex.quote(v)}" for n, v in self.scene.settings().items()]
        fault = ""
        try:
            self.shell.run("\n".join([f"cd {self.scene.clone}", *settings]))
            if document in BEFORE:
                getattr(self.scene, BEFORE[document])()
        except (Ended, AssertionError, ClientError) as error:
            fault = str(error)
        if fault:
            self.fail(document, f"what its commands need could not be made: {fault}")

    def run_command(self, command: Command) -> str:
        fault, output = self.fault_of(command)
        if fault:
            # The end says what is wrong; some programs print all their options before it.
            end = "\n".join(output.splitlines()[-30:])
            self.fail(str(command), f"{fault}\n{command.text}\n\n{end}")
        return output

    def fail(self, where: str, what: str) -> None:
        after = f" (after {self.failed} had failed)" if self.failed else ""
        self.failed = self.failed or where
        pytest.fail(f"{where}{after}: {what}", pytrace=False)

    def fault_of(self, command: Command) -> tuple[str, str]:
        """Runs it; says what is wrong, if anything, and what was printed."""
        try:
            result = self.shell.run(command.text)
        except Ended as error:
            return str(error), ""
        if result.status != 0:
            return f"exit code {result.status}", result.output
        part = said(PRINTS, command)
        if part is not None and part not in result.output:
            return f"it does not print {part!r}", result.output
        incident = said(INCIDENTS, command)
        return self.scene.fault_of(incident) if incident else "", result.output


@pytest.fixture(scope="session")
def session(shell: Shell, scene: Scene) -> Session:
    return Session(shell, scene)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_run(block: Block, session: Session) -> None:
    session.run(block)


@pytest.mark.parametrize("block", [b for b in BLOCKS if not b.language], ids=str)
def test_output_is_what_is_printed(block: Block, session: Session) -> None:
    before = BLOCKS[BLOCKS.index(block) - 1]
    if not block.follows or before.language != "sh":
        if not any(block.file == file and block.text.startswith(text) for file, text in DRAWINGS):
            why = "without a language, not right below the commands that print it, not in DRAWINGS"
            pytest.fail(block.shows(why), pytrace=False)
        return
    if before not in session.outputs:
        session.run(before)
    printed = [line.strip() for line in session.outputs[before].splitlines()]
    for line in filter(None, map(str.strip, block.text.splitlines())):
        # An ellipsis stands for anything.
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if not any(map(pattern.fullmatch, printed)):
            why = f"this is not printed: {line}\nbut this:\n{session.outputs[before]}"
            pytest.fail(block.shows(why), pytrace=False)


def check_json(block: Block, _: Path) -> None:
    json.loads(block.text)


def check_yaml(block: Block, _: Path) -> None:
    yaml.safe_load(block.text)


def check_toml(block: Block, folder: Path) -> None:
    """All of them are of the server's configuration."""
    file = folder / "pagetrail.toml"
    file.write_text(block.text)
    command = ["pagetrail", "serve", "--check-config", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr)


CHECKS = {"json": check_json, "yaml": check_yaml, "toml": check_toml}


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language not in ("", "sh")], ids=str)
def test_other_blocks_can_be_read(
    block: Block, tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    if block.language not in CHECKS:
        why = f"nothing checks {block.language!r}, only: sh, {', '.join(CHECKS)}"
        pytest.fail(block.shows(why), pytrace=False)
    for name, value in scene.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PAGETRAIL_ROUTING_KEYS", "0123456789abcdef0123456789abcdef")
    why = ""
    try:
        CHECKS[block.language](block, tmp_path)
    except (ValueError, yaml.YAMLError) as error:
        why = str(error)
    if why:
        pytest.fail(block.shows(why), pytrace=False)


@pytest.mark.parametrize("table", ["NOT_RUN", "PRINTS", "INCIDENTS", "DRAWINGS"])
def test_what_is_listed_is_there(table: str) -> None:
    if table == "DRAWINGS":
        there = [(block.file, block.text) for block in BLOCKS if not block.language]
    else:
        there = [(command.file, command.one_line) for command in COMMANDS]
    gone = [
        (file, begin)
        for file, begin in getattr(tables, table)
        if not any(file == its and text.startswith(begin) for its, text in there)
    ]
    assert not gone, f"nothing begins like these of {table} in listed.py: {gone}"


def test_what_must_happen_before_a_document_is_about_one() -> None:
    assert BEFORE.keys() <= set(documents())


def test_no_other_machine_can_be_reached(shell: Shell) -> None:
    """An address that every machine with a network has a route to."""
    result = shell.run("curl --max-time 5 http://192.0.2.1/")
    assert result.status == 7, result.output
