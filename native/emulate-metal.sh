#!/usr/bin/env bash
# Runs the Metal module on any machine, over a Metal of our own (test/native/metal-shim/emulated-metal.mm): every row of
# the op table, then recorded families, held to the CPU's numbers:   native/emulate-metal.sh [folder of golden cases]
# Needs clang 14 or newer and gcc's Objective-C runtime (Debian: clang-16 libobjc-12-dev). The module is taken away at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
./run --setup
clang=$(compgen -c clang++ | sort -uV | tail -1)
cleanup() {
  rm -rf build/Release/sluice-metal.so build/metal-cases
  cmake -S . -B build -DSLUICE_METAL=auto >/dev/null
}
trap cleanup EXIT
cmake -S . -B build -DSLUICE_METAL=emulated -DCMAKE_OBJCXX_COMPILER="$clang" >build/emulate-metal.log
cmake --build build --target sluice-metal >>build/emulate-metal.log || {
  tail -30 build/emulate-metal.log
  exit 1
}
node dist/test/numerics/save-rows-main.js build/metal-cases
build/Release/sluice-run check build/metal-cases device=metal | tail -n 15
[ $# = 0 ] || node dist/src/golden/main.js "$1" --device metal
