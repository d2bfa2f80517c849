#!/usr/bin/env bash
# Takes the README's picture: the page of the demo's incident while it is open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec scripts/demo.sh --picture docs/incident.png
