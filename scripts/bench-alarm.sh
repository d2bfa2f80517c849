#!/usr/bin/env bash
# Prints how long an alarm takes to PagerDuty's 202, with 0, 20 and 100 ms in every answer, warm and
# cold, beside a Node function that makes the calls of the tool that Pagetrail replaces. Needs Rust.
# The Node part needs node and npm, and is skipped if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target/bench-alarm/node"
work=$(cd "$target/bench-alarm" && pwd)

echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail-lambda

node=()
if command -v node >/dev/null && command -v npm >/dev/null; then
  cp benches/alarm/node/* benches/init/node/runtime.cjs "$work/node/"
  npm install --prefix "$work/node" --no-audit --no-fund --no-package-lock --loglevel=error >&2
  "$work/node/node_modules/.bin/esbuild" "$work/node/handler.mjs" --bundle --minify \
    --platform=node --target=node20 --format=cjs --log-level=error --outfile="$work/node/bundle.cjs"
  node=("$(command -v node)" "$work/node/runtime.cjs" "$work/node/bundle.cjs")
  echo "node: $(node --version)"
else
  echo "node: missing. Install Node.js 20 with npm to compare with a Node function." >&2
fi

# The harness only waits, so it needs no optimisation.
cargo bench --quiet --profile dev --bench alarm -- "$target/release/pagetrail-lambda" "${node[@]}"
