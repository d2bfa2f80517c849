#!/usr/bin/env bash
# Prints the start-up time, size and memory of the enrich function, compared with a minimal
# lambda_runtime program and a Node function. Needs Rust. The Node part needs node and npm, and is
# skipped if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$target/bench-init"
work=$(cd "$target/bench-init" && pwd)

echo "building (release) …" >&2
cargo build --quiet --release --locked --bin pagetrail-lambda
CARGO_TARGET_DIR=$work/bare cargo build --quiet --release --locked \
  --manifest-path benches/init/bare/Cargo.toml
pagetrail=$target/release/pagetrail-lambda
bare=$work/bare/release/bare

node=()
bundle=$work/node/bundle.cjs
if bundled=$(scripts/bundle-node.sh benches/init/node/handler.mjs "$work/node"); then
  mapfile -t node <<<"$bundled"
  echo "node: $(node --version), with benches/init/node/runtime.cjs, a minimal runtime client" \
    "(AWS's own, aws-lambda-ric, needs a native build and does not start faster)"
fi

printf '\n%-22s %12s %12s\n' program binary zip
size() {
  rm -f "$work/code.zip"
  (cd "$(dirname "$2")" && python3 -m zipfile -c "$work/code.zip" "$(basename "$2")")
  printf '%-22s %9d kB %9d kB\n' "$1" "$(($(wc -c <"$2") / 1000))" \
    "$(($(wc -c <"$work/code.zip") / 1000))"
}
size 'minimal lambda_runtime' "$bare"
size 'pagetrail-lambda' "$pagetrail"
if [ ${#node[@]} -gt 0 ]; then size 'Node bundle' "$bundle"; fi
echo

# The harness only waits, so it needs no optimisation.
cargo bench --quiet --profile dev --bench init -- "$pagetrail" "$bare" "${node[@]}"
