#!/usr/bin/env bash
# Prints how many events a second go through the deliver function (release build) and how much of
# the time is its own, against a PagerDuty on loopback without limits; then a simulated storm.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail-lambda
# The harness itself needs no optimising: it only waits.
cargo bench --quiet --profile dev --bench delivery -- \
  "$(realpath "${CARGO_TARGET_DIR:-target}")/release/pagetrail-lambda"
