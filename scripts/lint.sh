#!/usr/bin/env bash
# Runs the checks that the compiler does not: formatting, clippy, templates, shell, Python and links.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$(scripts/setup-venv.sh test)
policy=$(scripts/setup-venv.sh policy)

failed=0
check() {
    if "$@"; then
        echo "lint: ${1##*/} ${2:-}: ok"
    else
        echo "lint: failed: $*" >&2
        failed=1
    fi
}

mapfile -t shell < <(git ls-files '*.sh' .ci/run)
check cargo fmt --check
check cargo clippy --quiet --locked --all-targets -- -D warnings
check "$tools/cfn-lint" --regions ALL_REGIONS -- template.yaml infra/*.yaml
check "$policy/checkov" --config-file scripts/checkov.yaml
check "$tools/shellcheck" "${shell[@]}"
check "$tools/ruff" check --quiet .
check scripts/check-links.py
exit "$failed"
