#!/usr/bin/env bash
# Shows Pagetrail on this machine with an emulated AWS, and a sandbox instead of PagerDuty.
#
#   scripts/demo.sh [--keep] [--picture PNG]
#
#   --keep     leaves everything running, so that you can look around
#   --picture  writes a picture of the page while the incident is open
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v cargo >/dev/null || {
    echo "demo.sh: Rust is missing; install it with rustup, then run this again" >&2
    exit 1
}
tools=$(scripts/setup-venv.sh)
PATH=$tools:$PATH PYTHONPATH=tests/e2e exec "$tools/python" -m harness.demo "$@"
