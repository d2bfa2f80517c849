#!/usr/bin/env bash
# Takes a picture of a page: scripts/screenshot.sh URL OUT.png [WIDTH] [light|dark]
set -euo pipefail

if [[ $# -lt 2 || $# -gt 4 ]]; then
  echo "usage: $0 URL OUT.png [WIDTH=1200] [light|dark]" >&2
  exit 2
fi

find_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name"; then return 0; fi
  done
  return 1
}

if ! browser=$(find_browser); then
  if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "screenshot: installing chromium" >&2
    {
      apt-get update -qq
      # These are the first fonts in the page's lists that Debian has.
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        chromium fonts-inter fonts-jetbrains-mono
    } >&2
    browser=$(find_browser)
  else
    echo "screenshot: no browser found; install Chromium (Debian: apt-get install chromium)" >&2
    exit 1
  fi
fi

exec python3 "$(dirname "$0")/screenshot.py" "$browser" "$1" "$2" "${3:-1200}" "${4:-light}"
