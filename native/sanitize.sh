#!/usr/bin/env bash
# Builds the addon with the address and undefined-behaviour sanitizers (gcc) in build/sanitize and runs the native
# tests on it:  native/sanitize.sh [mocha arguments]
# The addon in build/Release is set aside meanwhile and comes back afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
node native/core/generate-op-list.mjs
npx tsc
npx cmake-js compile --out build/sanitize --CDSLUICE_SANITIZE=ON >build/sanitize.log 2>&1 || {
  tail -30 build/sanitize.log
  exit 1
}
mkdir -p build/Release
[ ! -e build/Release/sluice.node ] || mv build/Release/sluice.node build/Release/sluice.node.aside
trap 'rm -f build/Release/sluice.node; [ ! -e build/Release/sluice.node.aside ] || mv build/Release/sluice.node.aside build/Release/sluice.node' EXIT
cp build/sanitize/Release/sluice.node build/Release/sluice.node
# leaks are not looked for: Node keeps what it needs until it ends
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
  npx mocha --no-config --timeout 120000 "${@:---spec=dist/test/native/*.test.js}"
