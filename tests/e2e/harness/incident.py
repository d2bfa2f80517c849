"""Reads an incident like the on-call person."""

import json
import re
from urllib.parse import urlsplit

from .cloud import REGION
from .workload import Request

# The width of a trail's line in a terminal.
WIDTH = 110

REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def numbered(incident: dict, key: str) -> list[str]:
    """The lines under one key, in the order of the page."""
    return [v for k, v in sorted(incident["details"].items()) if k.startswith(f"{key}.")]


def notes(incident: dict) -> str:
    """The notes of what is missing."""
    return " ".join(v for k, v in incident["details"].items() if k.startswith("0 note"))


def trail_faults(incident: dict, failed: Request) -> list[str]:
    """What is wrong with the trail. It must have all lines of that request, in order, and no others."""
    headers = {k: v for k, v in incident["details"].items() if re.fullmatch(r"2 trail \d+", k)}
    key = next((k for k, v in headers.items() if v.startswith(f"request {failed.id} ")), None)
    if key is None:
        return [f"no trail is that of request {failed.id}: {headers}"]
    shown = numbered(incident, key)
    faults = []
    if len(shown) != len(failed.lines):
        faults.append(f"{len(shown)} lines instead of {len(failed.lines)}")
    for (at, text), line in zip(failed.lines, shown, strict=False):
        time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
        message = json.loads(text)["message"] if text.startswith("{") else text
        # A tab has no width on a page, so it is shown as two spaces.
        message = message.replace("\t", "  ")
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
    for key, kind in sorted(details.items()):
        number = key.removeprefix("1 error ")
        if number == key:
            continue
        lines += ["", f"{number}. {kind}"]
        if header := details.get(f"2 trail {number}"):
            lines.append(f"   {header}")
        for step in numbered(incident, f"2 trail {number}"):
            first, *rest = step.splitlines()
            lines += [f"     {cut(first)}", *(f"{'':19}{cut(line)}" for line in rest)]
    lines += ["", f"The whole incident: {url}"]
    lines += [f"{link['text']}: {link['href']}" for link in incident["links"]]
    happened = [f"{e['action']} {e['at'][11:19]} UTC" for e in incident["timeline"]]
    lines += [f"Timeline: {', '.join(happened)}"]
    return "\n".join(lines)


def cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
