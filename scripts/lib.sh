# shellcheck shell=bash disable=SC2034
# Sourced by the scripts: the project's root, prerequisites, the cache folder, headings.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# A heading; the seconds are those since the script began.
stage() {
    printf '\n==> [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1"
}

# Prerequisites: Rust, Python 3.11 with pip, Node 20. Each missing one gets one line that says what to do.
need_prerequisites() {
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is not in PATH. Next: install Rust 1.94 or newer with rustup, or open a new shell after installing it."
    command -v python3 >/dev/null 2>&1 ||
        fail "python3 is not in PATH. Next: install Python 3.11 or newer, with pip."
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$(python3 --version) is too old. Next: install Python 3.11 or newer, with pip, and put it first in PATH."
    command -v node >/dev/null 2>&1 ||
        fail "node is not in PATH. Next: install Node 20 or newer, with npm."
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
        fail "Node $(node --version) is too old. Next: install Node 20 or newer, with npm, and put it first in PATH."
}

# The folder outside the clone for what is installed and, in CI, built: a fresh clone starts warm.
use_cache() {
    AIFIRST_CACHE_DIR=$(python3 "$root/scripts/services.py" cache-dir)
    export AIFIRST_CACHE_DIR
    if [ "${CI:-}" = true ] && [ -z "${CARGO_TARGET_DIR:-}" ]; then
        export CARGO_TARGET_DIR="$AIFIRST_CACHE_DIR/target"
    fi
}

# In CI the lock file is law; at the desk cargo may add what Cargo.toml asks for.
# To be used as ${locked:+--locked}: empty arrays are an error in the bash of macOS.
locked=
if [ "${CI:-}" = true ]; then
    locked=yes
fi
