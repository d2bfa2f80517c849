"""What the tests know about single commands and blocks: which do not run, and what others bring about.

A command is named by its document and how it begins, with its lines joined and spaces made single.
Each entry must fit some command: one that is left over fails a test.
"""

from dataclasses import dataclass

INTERNET = "installs from the internet"
RELEASE = "compiles a release for minutes; the tests publish a debug build"
CARGO_LAMBDA = "cargo-lambda is not among the tools of the tests"
BENCH = "measures a release build for minutes"
NEEDED = "the other documents' commands need the stack"
NO_ARN = "the emulator gives no ARN before the endpoint has confirmed, and there is no endpoint"

# What cannot run here, and why.
NOT_RUN = {
    ("README.md", "rustup target add"): INTERNET,
    ("README.md", "scripts/setup-venv.sh && . .venv/bin/activate && pip install"): INTERNET,
    ("README.md", "scripts/build.sh"): RELEASE,
    ("docs/development.md", "cargo lambda build"): CARGO_LAMBDA,
    ("docs/development.md", "for name in EnrichFunctionName"): CARGO_LAMBDA,
    ("docs/development.md", "scripts/test.sh"): "runs these tests",
    ("docs/send.md", "for name in pd-send"): "links commands for the whole machine",
    ("docs/development.md", "scripts/readme-picture.sh"): "changes the picture, and needs a browser",
    ("docs/development.md", "scripts/bench-init.sh"): BENCH,
    ("docs/development.md", "scripts/bench-delivery.sh"): BENCH,
    ("docs/development.md", "scripts/bench-server.sh"): BENCH,
    ("README.md", "aws cloudformation delete-stack"): NEEDED,
    ("README.md", "aws cloudformation wait stack-delete"): NEEDED,
    ("docs/sns.md", "aws sns set-subscription-attributes"): NO_ARN,
}

# Blocks without a language are output of the commands right above them, or one of these.
DRAWINGS = {("README.md", "CloudWatch alarm ─►"): "the parts and how they are connected"}

# An event that PagerDuty refuses, before the documents' commands look at it.
REFUSED = "PagerDuty refuses this"


@dataclass(frozen=True)
class Incident:
    """What must be in PagerDuty after a command."""

    # A part of it.
    title: str
    status: str = "triggered"
    # Where the command's own sandbox is; without this, the one that the tests start.
    sandbox: str = ""


SET_STATE = "aws cloudwatch set-alarm-state --alarm-name pagetrail-test --state-value"

INCIDENTS = {
    ("README.md", "aws sns publish"): Incident("Pagetrail test"),
    ("README.md", f"{SET_STATE} ALARM"): Incident("the kettle is dry"),
    ("README.md", f"{SET_STATE} OK"): Incident("the kettle is dry", status="resolved"),
    ("README.md", "pagetrail send"): Incident("It works", sandbox="http://127.0.0.1:8081"),
    ("docs/delivery.md", "pagetrail rejected retry"): Incident(REFUSED),
    ("docs/send.md", "pagetrail send -t trigger"): Incident("disk 98 % full"),
    ("docs/send.md", "pagetrail send -t resolve"): Incident("disk 98 % full", status="resolved"),
    ("docs/server.md", "curl -d"): Incident("It works"),
}

# What a command must print: a part of it.
PRINTS = {
    ("README.md", "scripts/demo.sh"): "the incident is resolved",
    ("README.md", "pagetrail coverage"): "checkout-errors  /ecs/checkout · ERROR",
    ("README.md", "pagetrail preview"): "no such basket",
    ("README.md", "pagetrail digest"): "payment <*> failed",
    ("docs/redaction.md", "printf"): "mail to [redacted: email] failed",
    ("docs/troubleshooting.md", "pagetrail rejected list"): REFUSED,
}

# What must have happened before a document, which its commands are about: a method of Scene.
BEFORE = {"docs/troubleshooting.md": "refuse_an_event"}
