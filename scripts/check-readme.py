#!/usr/bin/env python3
"""Checks the README against what it describes: each parameter of the template is in its table with
its default, and no other; each file it names is there.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def of_template(template: str) -> dict[str, str]:
    section = re.search(r"^Parameters:\n(.*?)^\S", template, re.MULTILINE | re.DOTALL)[1]
    names = re.split(r"^  (\w+):\n", section, flags=re.MULTILINE)[1:]
    found = {}
    for name, body in zip(names[::2], names[1::2], strict=True):
        default = re.search(r"^    Default: (.*)$", body, re.MULTILINE)
        found[name] = default[1].strip('"') if default else ""
    return found


def of_readme(readme: str) -> dict[str, str]:
    section = re.search(r"^## Parameters\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", section, re.MULTILINE)
    return {name: default.strip(" `") for name, default in rows}


def faults() -> list[str]:
    readme = (ROOT / "README.md").read_text()
    wanted, found = of_template((ROOT / "template.yaml").read_text()), of_readme(readme)
    missing = [f"parameter {name} is missing" for name in wanted if name not in found]
    unknown = [f"parameter {name} is not in template.yaml" for name in found if name not in wanted]
    wrong = [
        f"parameter {name} has the default '{wanted[name]}', not '{default}'"
        for name, default in found.items()
        if name in wanted and wanted[name] != default
    ]
    files = re.findall(r"\]\(([^):#]+)\)", readme) + re.findall(r"\bscripts/[\w.-]+\w", readme)
    gone = [f"{file} does not exist" for file in sorted(set(files)) if not (ROOT / file).exists()]
    return missing + unknown + wrong + gone


if __name__ == "__main__":
    found = faults()
    for fault in found:
        print(f"README.md: {fault}", file=sys.stderr)
    sys.exit(bool(found))
