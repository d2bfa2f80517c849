"""Reading an incident as the on-call person does."""

import json
import re
import textwrap

from .workload import Request

REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def numbered(incident: dict, key: str) -> list[str]:
    """The lines under one key as they stand on the page."""
    return [v for k, v in sorted(incident["details"].items()) if k.startswith(f"{key}.")]


def notes(incident: dict) -> str:
    """What the incident says is missing."""
    return " ".join(v for k, v in incident["details"].items() if k.startswith("0 note"))


def trail_faults(incident: dict, failed: Request) -> list[str]:
    """What is wrong with the trail: it must be that request's lines, all, in order, and no other's."""
    shown = numbered(incident, "2 trail 1")
    faults = []
    if len(shown) != len(failed.lines):
        faults.append(f"{len(shown)} lines instead of {len(failed.lines)}")
    for (at, text), line in zip(failed.lines, shown, strict=False):
        time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
        message = json.loads(text)["message"] if text.startswith("{") else text
        if time not in line or message not in line:
            faults.append(f"'{time} {message}' is not in '{line}'")
    others = set(REQUEST_ID.findall(json.dumps(incident["details"]))) - {failed.id}
    if others:
        faults.append(f"it names other requests: {others}")
    # Only the requests that went well say this.
    if "order stored" in json.dumps(incident["details"]):
        faults.append("it holds a line of another request")
    return faults


def as_text(incident: dict, url: str) -> str:
    """The incident's page as plain text."""
    lines = [
        incident["title"],
        f"{incident['status'].upper()} · severity {incident['severity']} · {url}",
        "",
    ]
    details = sorted(incident["details"].items())
    width = max((len(key) for key, _ in details), default=0)
    for key, value in details:
        first, *rest = str(value).splitlines() or [""]
        lines.append(f"  {key:<{width}}  {first}")
        lines += textwrap.indent("\n".join(rest), " " * (width + 4)).splitlines()
    lines.append("")
    lines += [f"  {link['text']}: {link['href']}" for link in incident["links"]]
    lines.append("")
    lines += [f"  {e['at']}  {e['action']:<8} {e['summary']}" for e in incident["timeline"]]
    return "\n".join(lines)
