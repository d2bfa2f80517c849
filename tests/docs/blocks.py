"""The code blocks of the documents, and the commands in a block of shell."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    file: str
    # Of the first line of the text.
    line: int
    language: str
    text: str
    # Whether there is nothing but empty lines between this block and the one before.
    follows: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def shows(self, words: str) -> str:
        """A message about this block."""
        return f"{self}: {words}\n\n{self.text}"


@dataclass(frozen=True)
class Command:
    """One whole command, which may have several lines."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def one_line(self) -> str:
        """The text to compare with, however it is broken into lines."""
        return " ".join(self.text.replace("\\\n", " ").split())


def documents() -> list[str]:
    """All documents, in the order a reader would take."""
    rest = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
    # Others use a shell function that it defines.
    first = "docs/troubleshooting.md"
    return ["README.md", *([first] if first in rest else []), *(d for d in rest if d != first)]


def blocks(file: str) -> list[Block]:
    return blocks_of(file, (ROOT / file).read_text())


def blocks_of(file: str, text: str) -> list[Block]:
    found = []
    lines = iter(enumerate(text.splitlines(), 1))
    follows = False
    for number, line in lines:
        fence = re.match(r"^( *)(`{3,}|~{3,})\s*(\S*)", line)
        if not fence:
            follows = follows and not line.strip()
            continue
        indent, marks, language = fence.groups()
        inside = []
        for _, within in lines:
            if re.match(rf"^ *{marks}+\s*$", within):
                break
            inside.append(within.removeprefix(indent))
        else:
            raise ValueError(f"{file}:{number}: this code block has no end")
        found.append(Block(file, number + 1, language, "\n".join(inside), follows))
        follows = True
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a block of shell: lines are put together until bash takes them for whole."""
    found = []
    pending: list[str] = []
    first = block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        if not pending:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            first = number
        pending.append(line)
        if whole("\n".join(pending)):
            found.append(Command(block.file, first, "\n".join(pending)))
            pending = []
    if pending:
        raise ValueError(f"{block.file}:{first}: bash takes this for no whole command: {pending}")
    return found


def whole(text: str) -> bool:
    if re.search(r"(?<!\\)(\\\\)*\\$", text):
        return False
    check = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
    # A here-document without its end is only warned of.
    return check.returncode == 0 and "here-document" not in check.stderr
