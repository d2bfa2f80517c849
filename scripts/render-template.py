#!/usr/bin/env python3
"""Prints the template that people deploy, made from template.yaml; scripts/publish.sh uploads it.

    scripts/render-template.py --prefix NAME --version VERSION [--architecture x86_64]

It is the same template without comments, with less indentation, and with the code's bucket and version
built in. It leaves out the parts between "# unpublished" and "# end". So it is smaller than 51 200
bytes, the limit of CloudFormation for a template that is not in a bucket. And a stack that is updated
with a newer template gets the newer code.
"""

import argparse
import re
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
ONLY_UNPUBLISHED = re.compile(r"^ *# unpublished\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)
DEFAULT_ARCHITECTURE = re.compile(
    r"(^  architecture:\n    Type: String\n    Default: )arm64$", re.MULTILINE
)


def compact(text: str) -> str:
    """Leaves out comments and empty lines, and indents each level by one space."""
    lines: list[str] = []
    # For each level of the current line: the indentation in `text`, and the one printed.
    levels = [(0, 0)]
    block: tuple[int, int] | None = None  # the same, for the line that began a multi-line text
    for line in text.splitlines():
        content = line.lstrip()
        indent = len(line) - len(content)
        if not content:
            continue
        if block and indent > block[0]:
            lines.append(" " * (block[1] + 1) + content)
            continue
        block = None
        if content.startswith("#"):
            continue
        while levels[-1][0] > indent:
            levels.pop()
        if levels[-1][0] < indent:
            # In YAML a list can begin directly below its name.
            below = content.startswith("- ") and lines[-1].endswith(":")
            levels.append((indent, levels[-1][1] + (0 if below else 1)))
        lines.append(" " * levels[-1][1] + content)
        if content.endswith((">-", "|")):
            block = levels[-1]
        if content.startswith("- "):
            levels.append((indent + 2, levels[-1][1] + 2))
    return "\n".join(lines) + "\n"


def render(template: str, prefix: str, version: str, architecture: str) -> str:
    text, found = DEFAULT_ARCHITECTURE.subn(
        rf"\g<1>{architecture}", ONLY_UNPUBLISHED.sub("", template)
    )
    known = {"artifactBucketPrefix": prefix, "artifactVersion": version}
    parts = re.split(r"\$\{(artifact\w+)\}", compact(text))
    if not found or re.search("artifact|unpublished", "".join(parts[::2])):
        sys.exit(f"render-template.py: {TEMPLATE} has no places that this script can fill in")
    parts[1::2] = [known[name] for name in parts[1::2]]
    text = "".join(parts)
    return f"# Pagetrail {version}. The comments are in the repository's template.yaml.\n{text}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", required=True, help="the bucket is named PREFIX-<Region>")
    parser.add_argument("--version", required=True, help="the folder in the bucket")
    parser.add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    arguments = parser.parse_args()
    print(render(TEMPLATE.read_text(), **vars(arguments)), end="")


if __name__ == "__main__":
    main()
