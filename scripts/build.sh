#!/usr/bin/env bash
# Builds the Lambda zip for each processor architecture into dist/. Builds are reproducible.
#
#   scripts/build.sh                   this machine's architecture, and the other one if possible
#   scripts/build.sh arm64 x86_64      only these
#
# For tests: PAGETRAIL_BUILD_PROFILE=dev builds fast but large (default: release), and
# PAGETRAIL_DIST=FOLDER writes the zips there instead of into dist/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dist=${PAGETRAIL_DIST:-dist}
profile=${PAGETRAIL_BUILD_PROFILE:-release}
case $profile in
release) folder=release ;;
dev) folder=debug ;;
*)
    echo "build.sh: PAGETRAIL_BUILD_PROFILE is '$profile'; use release or dev" >&2
    exit 2
    ;;
esac

case $(uname -m) in
x86_64) host=x86_64 ;;
aarch64 | arm64) host=arm64 ;;
*) host=none ;;
esac
[[ $(uname -s) == Linux ]] || host=none

case ${1:-} in
-h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
asked=("$@")
for architecture in "${asked[@]}"; do
    case $architecture in
    arm64 | x86_64) ;;
    *)
        echo "build.sh: '$architecture' is not an architecture that Lambda supports; use arm64 or x86_64" >&2
        exit 2
        ;;
    esac
done

triple() {
    case $1 in
    arm64) echo aarch64-unknown-linux-gnu ;;
    x86_64) echo x86_64-unknown-linux-gnu ;;
    esac
}

# Panic messages contain file names. Without these flags they would show the builder's directories and
# differ between checkouts. For release only: with other flags than plain `cargo build`, cargo compiles
# everything again, so release has its own target folder.
if [[ $profile == release ]]; then
    export CARGO_TARGET_DIR=$PWD/target/dist
    export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/pagetrail --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
else
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
fi

# Prints why an architecture cannot be built here, in one line that ends with the fix.
missing() {
    local target
    target=$(triple "$1")
    if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$target/lib ]]; then
        echo "its Rust standard library is missing; add it with: rustup target add $target"
    elif [[ $1 != "$host" ]] && ! cargo lambda --version >/dev/null 2>&1; then
        echo "cargo-lambda is missing, which links for it; add it with: pip install cargo-lambda"
    fi
}

# Builds one architecture and packs it.
build() {
    local architecture=$1 binary
    if [[ $architecture == "$host" ]]; then
        cargo build --locked --profile "$profile" --bin pagetrail-lambda
        binary=$CARGO_TARGET_DIR/$folder/pagetrail-lambda
    else
        # cargo-lambda links with zig against the glibc of Amazon Linux 2023.
        local flags=()
        [[ $profile == release ]] && flags=(--release)
        cargo lambda build --locked "${flags[@]}" --target "$(triple "$architecture")" \
            --bin pagetrail-lambda --lambda-dir "$CARGO_TARGET_DIR/lambda-$architecture"
        binary=$CARGO_TARGET_DIR/lambda-$architecture/pagetrail-lambda/bootstrap
    fi
    python3 scripts/pack.py "$architecture" "$binary" "$dist/pagetrail-lambda-$architecture.zip"
}

mkdir -p "$dist"
if ((${#asked[@]})); then
    for architecture in "${asked[@]}"; do
        reason=$(missing "$architecture")
        if [[ -n $reason ]]; then
            echo "build.sh: $architecture cannot be built here: $reason" >&2
            exit 1
        fi
        build "$architecture"
    done
else
    built=0
    for architecture in x86_64 arm64; do
        reason=$(missing "$architecture")
        if [[ -n $reason ]]; then
            # The zip of an earlier build must not be published with this one.
            rm -f "$dist/pagetrail-lambda-$architecture.zip" "$dist/pagetrail-lambda-$architecture.zip.sha256"
            echo "build.sh: $architecture skipped: $reason" >&2
        else
            build "$architecture"
            built=1
        fi
    done
    ((built)) || exit 1
fi
