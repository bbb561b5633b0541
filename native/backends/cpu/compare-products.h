// A matrix product by the engine's own op and by oneDNN alone, in turns on the same memory.
#pragma once

#include <string>
#include <vector>

#include "../../core/status.h"
#include "gemm.h"

namespace sluice {

struct ProductQuestion {
  bool trans_a = false, trans_b = false;
  int64_t m = 0, n = 0, k = 0;
  DType operands = DType::f32, result = DType::f32;
  int threads = 1, turns = 5;
  double seconds = 0.02;  // of a turn, about
};

struct ProductTurn {
  double wall, cpu;  // seconds of one product; cpu is of the whole process
};

/** Who multiplied: `engine`, or a way into the library. */
struct ProductTimes {
  std::string name;
  std::vector<ProductTurn> turns;
  double difference = 0;  // largest, from the engine's result, as a share of its largest number
};

/** The engine first; where the addon is built without oneDNN, alone. Blocks the caller. */
Status compare_products(const ProductQuestion& question, std::vector<ProductTimes>& out);

}  // namespace sluice
