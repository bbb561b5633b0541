#!/usr/bin/env bash
# The hand-written products and attention of every instruction set that this machine has, on memory of exactly their
# size, under the address and undefined-behaviour sanitizers (gcc, x86). sanitize.sh builds the generic set alone; these
# are written for each:   native/sanitize-products.sh
set -euo pipefail
cd "$(dirname "$0")/.."
node native/core/generate-op-list.mjs
out=build/sanitize-products
mkdir -p "$out"
avx512=(-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
kernels=native/backends/cpu/kernels
products=("$kernels"/{bf16-gemm,bf16-widened,gemm}.cpp native/core/thread-pool.cpp)
attention=("$kernels"/attention{,-one,-strips,-strips-grad}.cpp native/core/op-table.cpp native/program/program.cpp)
# name of the set, the processor's flag for it (/proc/cpuinfo), what the compiler is told
check() {
  local isa=$1 flag=$2
  shift 2
  grep -qw "$flag" /proc/cpuinfo || { echo "$isa: not on this machine"; return; }
  local compile=(g++ -std=c++20 -O1 -g -Wno-psabi -fopenmp-simd -fsanitize=address,undefined
    -fno-sanitize-recover=undefined "$@" -DSLUICE_ISA="$isa" -I. -pthread "${products[@]}")
  "${compile[@]}" native/program/quantize-rows.cpp test/native/product-bounds.cpp -o "$out/$isa"
  echo "$isa: $("$out/$isa")"
  "${compile[@]}" "${attention[@]}" test/native/attention-bounds.cpp -o "$out/$isa-attention"
  echo "$isa: $("$out/$isa-attention")"
}
check generic sse2
check avx2 avx2 -mavx2 -mfma -mf16c
check avx512 avx512vl "${avx512[@]}"
check avx512_bf16 avx512_bf16 "${avx512[@]}" -mavx512bf16
