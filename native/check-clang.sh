#!/usr/bin/env bash
# Compiles every C++ file of the engine with clang and, where it is installed, its own standard library, as a Mac would
# (Debian: clang-16 libc++-16-dev); makes nothing:   native/check-clang.sh
set -euo pipefail
cd "$(dirname "$0")/.."
clang=$(compgen -c clang++ | sort -uV | tail -1)
flags=(-std=c++20 -fopenmp-simd -fsyntax-only -Wall -Wextra -Wno-unused-parameter -DSLUICE_ISA=generic '-DSLUICE_LAYOUTS=""' '-DSLUICE_VERSION=""'
  -DNODE_ADDON_API_CPP_EXCEPTIONS_ALL -isystem node_modules/node-addon-api -isystem node_modules/node-api-headers/include)
if "$clang" -stdlib=libc++ -fsyntax-only -x c++ - <<<'#include <vector>' 2>/dev/null; then flags+=(-stdlib=libc++); fi
failed=0
while IFS= read -r file; do
  "$clang" "${flags[@]}" "$file" || failed=$((failed + 1))
done < <(git ls-files 'native/*.cpp' ':!native/backends/cuda/*')
echo "$failed files do not compile"
[ "$failed" = 0 ]
