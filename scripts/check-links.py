#!/usr/bin/env python3
"""Checks what README.md and docs/ link to: each file they name is there, with the heading named."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def anchors(text: str) -> set[str]:
    """What GitHub makes of each heading."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def faults(document: Path) -> list[str]:
    text = document.read_text()
    found = []
    for target, anchor in re.findall(r"\]\(([^):# ]*)(?:#([^)]*))?\)", text):
        file = document.parent / target if target else document
        if not file.exists():
            found.append(f"{target} does not exist")
        elif anchor and anchor not in anchors(file.read_text()):
            found.append(f"{target}#{anchor} is no heading")
    for script in re.findall(r"(?<![\w/.])scripts/[\w.-]+\w", text):
        if not (ROOT / script).exists():
            found.append(f"{script} does not exist")
    return sorted(set(found))


if __name__ == "__main__":
    found = [
        f"{document.relative_to(ROOT)}: {fault}"
        for document in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
        for fault in faults(document)
    ]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    sys.exit(bool(found))
