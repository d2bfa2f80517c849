#!/usr/bin/env bash
# Shows Pagetrail at work on this machine: AWS emulated, PagerDuty stood in for, the rest real.
#
#   scripts/demo.sh [--keep] [--picture PNG]
#
#   --keep     leaves everything running, to look around
#   --picture  takes a picture of the page while the incident is open
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo >/dev/null || {
    echo "demo.sh: Rust is needed: install it with rustup, then run this again" >&2
    exit 1
}
tools=$(scripts/setup-venv.sh)
PATH=$tools:$PATH PYTHONPATH=tests/e2e exec "$tools/python" -m harness.demo "$@"
