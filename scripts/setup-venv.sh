#!/usr/bin/env bash
# Makes .venv with the Python tools that the other scripts use, and prints the folder of its programs.
#
#   scripts/setup-venv.sh [test]     with `test`, also the tools that only the tests need
#   scripts/setup-venv.sh policy     the policy scanner, in .venv-policy: it needs an older boto3 than
#                                    the emulator
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
files=(scripts/requirements.txt)
case ${1:-} in
    test) files+=(scripts/requirements-test.txt) ;;
    policy)
        venv=.venv-policy
        files=(scripts/requirements-policy.txt)
        ;;
esac

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "setup-venv.sh: Python 3.10 or newer is needed as python3" >&2
    exit 1
fi
# The stamp includes the Python version, because a venv works only with the Python that made it.
stamp=$(python3 --version && cat "${files[@]}")
mark=$venv/installed-${#files[@]}
if [[ ! -x $venv/bin/python ]] || ! $venv/bin/python -c '' 2>/dev/null; then
    rm -rf $venv
    if ! out=$(python3 -m venv $venv 2>&1); then
        rm -rf $venv
        echo "setup-venv.sh: python3 cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        echo "$out" >&2
        exit 1
    fi
fi
if [[ $(cat "$mark" 2>/dev/null) != "$stamp" ]]; then
    echo "Installing Python tools into $venv ..." >&2
    $venv/bin/python -m pip install --quiet --disable-pip-version-check "${files[@]/#/--requirement=}"
    printf '%s\n' "$stamp" >"$mark"
fi
echo "$PWD/$venv/bin"
