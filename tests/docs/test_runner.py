"""The parts that run the documents' commands: would they notice what goes wrong?"""

import os
import time
from pathlib import Path

import pytest
from blocks import blocks_of, commands
from shell import TYPED, Ended, Shell

DOCUMENT = """\
Text, `inline`.

```sh
# A comment of its own.
one \\
  two

for name in a b; do
  echo $name
done   # done
cat <<END
text
END
printf x |
  wc -c
```

```
output
```

Text between.

1. In a list:

   ```toml
   key = [
     1,
   ]
   ```
"""


@pytest.fixture
def shell(tmp_path: Path):
    shell = Shell(tmp_path / "shell", tmp_path, {"PATH": os.environ["PATH"]})
    yield shell
    shell.stop()


def test_blocks_are_found() -> None:
    sh, output, toml = blocks_of("a.md", DOCUMENT)
    assert [block.language for block in (sh, output, toml)] == ["sh", "", "toml"]
    assert [block.follows for block in (sh, output, toml)] == [False, True, False]
    assert str(output) == "a.md:19" and output.text == "output"
    assert toml.text == "key = [\n  1,\n]"

    with pytest.raises(ValueError, match=r"a\.md:1: this code block has no end"):
        blocks_of("a.md", "```sh\necho")


def test_a_block_is_cut_into_whole_commands() -> None:
    found = commands(blocks_of("a.md", DOCUMENT)[0])
    assert [command.line for command in found] == [5, 8, 11, 14]
    assert found[0].one_line == "one two"
    assert found[2].text == "cat <<END\ntext\nEND"

    with pytest.raises(ValueError, match=r"a\.md:2: bash takes this for no whole command"):
        commands(blocks_of("a.md", "```sh\nfor name in a; do\n```")[0])


def test_a_command_finds_what_earlier_ones_left(shell: Shell) -> None:
    assert shell.run("read -rsp 'Key: ' KEY && export KEY; hello() { echo $KEY; }").status == 0
    assert shell.run("cd /; hello; pwd").output == f"{TYPED}/\n"
    assert shell.run("false | true").status == 1
    assert shell.run("no-such-program").output.endswith("no-such-program: command not found\n")


def test_what_runs_in_the_background_can_be_stopped(shell: Shell) -> None:
    assert shell.run("sleep 600 & sleep 600 &").status == 0
    assert len(shell.jobs()) == 2
    assert shell.run("kill %1; wait %1; true").status == 0
    assert len(shell.jobs()) == 1
    shell.stop_jobs()
    assert not shell.jobs()


def test_a_command_without_end_is_noticed_and_stopped(shell: Shell) -> None:
    began = time.monotonic()
    with pytest.raises(Ended, match="still running after 1 s.*\n.*began"):
        shell.run("echo began; sleep 600", seconds=1)
    assert time.monotonic() - began < 5 and not shell.jobs()
    assert shell.run("echo on").output == "on\n"


def test_a_command_that_ends_the_shell_is_noticed(shell: Shell) -> None:
    with pytest.raises(Ended, match="the command ended the shell\nbye"):
        shell.run("echo bye; sleep 600 & exit")
    with pytest.raises(Ended, match="had ended before"):
        shell.run("echo")
