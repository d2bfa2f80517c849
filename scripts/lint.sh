#!/usr/bin/env bash
# Checks what the compiler does not: formatting, clippy, templates, shell and Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$(scripts/setup-venv.sh test)

failed=0
check() {
    if "$@"; then
        echo "lint: ${1##*/} ${2:-}: ok"
    else
        echo "lint: failed: $*" >&2
        failed=1
    fi
}

# The README's table names every parameter of the template, with its default, and no other.
parameters_in_readme() {
    diff \
        <(awk '/^Parameters:/ { on = 1; next } /^[^ #]/ { on = 0 }
            on && /^  [A-Za-z]+:$/ { name = $1; sub(":", "", name); value[name] = "" }
            on && /^    Default: / { value[name] = $2; gsub("\"", "", value[name]) }
            END { for (name in value) print name, value[name] }' template.yaml | sort) \
        <(sed -n '/^## Parameters/,/^## Permissions/s/^| `\([A-Za-z]*\)` | *`\{0,1\}\([^`|]*[^`| ]\)\{0,1\}`\{0,1\} *|.*/\1 \2/p' README.md | sort)
}

mapfile -t shell < <(git ls-files '*.sh' .ci/run)
check cargo fmt --check
check cargo clippy --quiet --locked --all-targets -- -D warnings
check "$tools/cfn-lint" template.yaml infra/*.yaml
check "$tools/shellcheck" "${shell[@]}"
check "$tools/ruff" check --quiet .
check parameters_in_readme
exit "$failed"
