#!/usr/bin/env bash
# Runs all checks: lint, the template, Rust tests, the installed stack end to end, the commands in the documents,
# other people's clients, the pages in a browser. It continues after a failure, names the failed steps at the end,
# and then exits with 1.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

tools=$(scripts/setup-venv.sh test) || exit 1
PATH=$tools:$PATH

failed=()
step() {
    local name=$1
    shift
    printf '\n==> %s\n' "$name"
    "$@" || failed+=("$name")
}

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast
    else
        cargo test --locked --no-fail-fast
    fi
}

# Finds a program that the tests need, by any of its names, or installs its Debian package.
program() {
    local package=$1 name
    for name in "${@:2}"; do command -v "$name" && return; done
    if ((EUID == 0)) && command -v apt-get >/dev/null; then
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
    else
        echo "test.sh: $package is missing; install it (Debian: apt-get install $package)" >&2
        return 1
    fi
}

step "lint" scripts/lint.sh
step "the template" pytest --quiet tests/template
step "that a test notices each change of its permissions" tests/template/mutations.py
step "Rust tests" rust_tests
step "build for the tests below" cargo build --locked --bins
step "end to end" pytest tests/e2e
step "the commands in README and docs" pytest tests/docs
step "Alertmanager" program prometheus-alertmanager prometheus-alertmanager
step "other people's clients" pytest tests/clients
step "browser" program chromium chromium chromium-browser google-chrome
step "the pages in a browser" pytest tests/browser

if ((${#failed[@]})); then
    printf '\ntest.sh: failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
    exit 1
fi
printf '\ntest.sh: all passed\n'
