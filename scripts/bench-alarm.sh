#!/usr/bin/env bash
# Prints how long an alarm takes to PagerDuty's 202, with 0, 20 and 100 ms in every answer, warm and
# cold, beside a Node function that makes the calls of the tool that Pagetrail replaces. Needs Rust.
# The Node part needs node and npm, and is skipped if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail-lambda

node=()
if bundled=$(scripts/bundle-node.sh benches/alarm/handler.mjs "$target/bench-alarm/node"); then
  mapfile -t node <<<"$bundled"
  echo "node: $(node --version)"
fi

# The harness only waits, so it needs no optimisation.
cargo bench --quiet --profile dev --bench alarm -- "$target/release/pagetrail-lambda" "${node[@]}"
