#!/usr/bin/env bash
# Builds the addon with the address and undefined-behaviour sanitizers (gcc) in build/sanitize and runs on it, from a
# folder of its own below build/: sessions, decoder, every op forward and backward, programs with random mistakes,
# loading of weights:   native/sanitize.sh [mocha arguments]
# SLUICE_FUZZ=100000 native/sanitize.sh --spec='dist/test/numerics/program-fuzz.test.js' is the long run.
set -euo pipefail
cd "$(dirname "$0")/.."
node native/core/generate-op-list.mjs
npx tsc
npx cmake-js compile --out build/sanitize --CDSLUICE_SANITIZE=ON >build/sanitize.log 2>&1 || {
  tail -30 build/sanitize.log
  exit 1
}
# the addon is looked for below the package that the code lies in
place=build/sanitize/package
rm -rf "$place"
mkdir -p "$place/build/Release"
cp -r dist package.json "$place"
ln -s "$(realpath node_modules)" "$place/node_modules"
cp build/sanitize/Release/sluice.node "$place/build/Release"
cd "$place"
tests=(--spec='dist/test/native/!(memory|runner|gpu-backend).test.js' --spec='dist/test/numerics/!(gpu-kernels).test.js'
  --spec='dist/test/engine/*.test.js' --spec='dist/test/checkpoint/*.test.js' --spec='dist/test/train/loop.test.js')
# leaks are not looked for: Node keeps what it needs until it ends. Memory is left out: it counts resident bytes;
# and the emulator: it jumps between stacks of its own, which the sanitizer does not know.
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
  node node_modules/mocha/bin/mocha.js --no-config --timeout 300000 "${@:-${tests[@]}}"
