#!/usr/bin/env bash
# Prints how many events per second `pagetrail serve` (release build) stores on disk at 1, 32 and 256
# connections, compared with a raw append and fsync loop. Also prints its processor time when idle and
# its memory with 100 000 events queued. Needs wrk (Debian: apt-get install wrk).
set -euo pipefail
cd "$(dirname "$0")/.."
wrk=$(command -v wrk) || {
    echo "bench-server.sh: wrk is missing; install it (Debian: apt-get install wrk)" >&2
    exit 1
}
echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail
# The harness only waits, so it needs no optimisation.
cargo bench --quiet --profile dev --bench server -- \
    "$(realpath "${CARGO_TARGET_DIR:-target}")/release/pagetrail" "$wrk"
