"""Reads an incident like the on-call person."""

import json
import re
from urllib.parse import urlsplit

from .cloud import REGION
from .workload import Request

# The width of a trail's line in a terminal.
WIDTH = 110

# What begins a row of a stack trace, and what marks the row of the error.
INDENT = "\u2003"
ERROR_MARK = "▶ "

REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def trails(incident: dict) -> dict[str, list[str]]:
    """The trails by their keys: first the row that says which request, then its lines."""
    return {k: rows for k, rows in sorted(incident["details"].items()) if k.startswith("3 trail ")}


def trail_lines(incident: dict, key: str) -> list[str]:
    """A trail's log lines: without the rows of stack traces, which are indented, and without the error's mark."""
    rows = [row for row in incident["details"][key][1:] if not row.startswith(INDENT)]
    return [row.replace(ERROR_MARK, "", 1) for row in rows]


def notes(incident: dict) -> str:
    """The notes of what is missing."""
    return " ".join(incident["details"].get("0 note", []))


def trail_faults(incident: dict, failed: Request) -> list[str]:
    """What is wrong with the trail. It must have all lines of that request, in order, and no others."""
    found = trails(incident)
    key = next((k for k, rows in found.items() if rows[0].startswith(f"request {failed.id} ")), None)
    if key is None:
        return [f"no trail is that of request {failed.id}: {found}"]
    shown = trail_lines(incident, key)
    faults = []
    if len(shown) != len(failed.lines):
        faults.append(f"{len(shown)} lines instead of {len(failed.lines)}")
    for (at, text), line in zip(failed.lines, shown, strict=False):
        time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
        message = json.loads(text)["message"] if text.startswith("{") else text
        # A tab has no width on a page, so it is shown as two spaces.
        message = message.replace("\t", "  ").splitlines()[0]
        if time not in line or message not in line:
            faults.append(f"'{time} {message}' is not in '{line}'")
    others = set(REQUEST_ID.findall(json.dumps(incident["details"]))) - {failed.id}
    if others:
        faults.append(f"it names other requests: {others}")
    # Only successful requests log this.
    if "order stored" in json.dumps(incident["details"]):
        faults.append("it holds a line of another request")
    return faults


def link_faults(incident: dict) -> list[str]:
    """What is wrong with the links. Each must lead to the right page of that Region's console."""
    faults = []
    for link in incident["links"]:
        url = urlsplit(link["href"])
        console = f"{REGION}.console.aws.amazon.com"
        if (url.scheme, url.netloc, url.query) != ("https", console, f"region={REGION}"):
            faults.append(f"{link['text']} does not lead to the console: {link['href']}")
        if not re.match(r"(alarmsV2:alarm|logsV2:log-groups|logsV2:logs-insights|xray:)", url.fragment):
            faults.append(f"{link['text']} does not lead to a page of CloudWatch: {link['href']}")
    return faults


def as_text(incident: dict, url: str) -> str:
    """The errors with their trails and the links. The page shows the rest."""
    details = incident["details"]
    lines = [incident["title"], f"{incident['status']} · severity {incident['severity']}"]
    lines += [f"note: {note}" for note in [notes(incident)] if note]
    for number, kind in enumerate(details.get("1 errors", []), 1):
        lines += ["", f"{number}. {kind}"]
        for at, row in enumerate(details.get(f"3 trail {number}", [])):
            lines.append(f"{'':{3 if at == 0 else 5}}{cut(row)}")
    if context := details.get("2 context"):
        lines += ["", *context]
    lines += ["", f"The whole incident: {url}"]
    lines += [f"{link['text']}: {link['href']}" for link in incident["links"]]
    happened = [f"{e['action']} {e['at'][11:19]} UTC" for e in incident["timeline"]]
    lines += [f"Timeline: {', '.join(happened)}"]
    return "\n".join(lines)


def cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
