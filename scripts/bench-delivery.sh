#!/usr/bin/env bash
# Prints how many events per second the deliver function (release build) delivers to a local PagerDuty
# without limits, and its share of the time. Then simulates a storm of alarms.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail-lambda
# The harness only waits, so it needs no optimisation.
cargo bench --quiet --profile dev --bench delivery -- \
  "$(realpath "${CARGO_TARGET_DIR:-target}")/release/pagetrail-lambda"
