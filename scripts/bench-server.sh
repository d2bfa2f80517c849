#!/usr/bin/env bash
# Prints how many events a second `pagetrail serve` (release build) accepts durably at 1, 32 and 256
# connections, beside a raw append and fsync loop; its processor time when idle; its memory with
# 100 000 events queued. Needs wrk (Debian: apt-get install wrk).
set -euo pipefail
cd "$(dirname "$0")/.."
wrk=$(command -v wrk) || {
    echo "bench-server.sh: wrk is needed (Debian: apt-get install wrk)" >&2
    exit 1
}
echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail
# The harness itself needs no optimising: it only waits.
cargo bench --quiet --profile dev --bench server -- \
    "$(realpath "${CARGO_TARGET_DIR:-target}")/release/pagetrail" "$wrk"
