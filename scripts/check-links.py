#!/usr/bin/env python3
"""Checks the links of README.md and docs/: each file and heading that they name must exist."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
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
            found.append(f"{target} has no heading #{anchor}")
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
