#!/usr/bin/env bash
# Bundles a Node handler for a benchmark: scripts/bundle-node.sh HANDLER.mjs FOLDER
# Prints the command that runs it, a word a line. Fails with a hint if node or npm is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "node: missing. Install Node.js 20 with npm to compare with a Node function." >&2
  exit 1
fi
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cp benches/init/node/package.json benches/init/node/runtime.cjs "$folder/"
cp "$1" "$folder/handler.mjs"
npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --loglevel=error >&2
"$folder/node_modules/.bin/esbuild" "$folder/handler.mjs" --bundle --minify \
  --platform=node --target=node20 --format=cjs --log-level=error --outfile="$folder/bundle.cjs"
printf '%s\n' "$(command -v node)" "$folder/runtime.cjs" "$folder/bundle.cjs"
