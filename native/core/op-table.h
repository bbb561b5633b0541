// The op list of ops.def, parsed once for the decoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class OpKind : uint8_t {
#define OP(name, inputs, outputs, attributes, traits) name,
#include "ops.def"
#undef OP
};

enum class AttributeType : uint8_t { integer, real, boolean, integers, reals, text };

struct OpSlot {
  std::string name;
  bool optional = false;  // x?
  bool variadic = false;  // x*, last one only
  bool state = false;     // x!, changed in place
};

struct OpRow {
  std::string name;
  std::vector<OpSlot> inputs, outputs;
  std::vector<std::pair<std::string, AttributeType>> attributes;
  bool inplace = false, effect = false, random = false;
};

/** Products that a matmul_sum may have; src/graph/ops/matmul-sum.ts says the same. */
inline constexpr int kMostProductTerms = 8;

/** All rows in the order of ops.def; index with OpKind. */
const std::vector<OpRow>& op_table();

inline const OpRow& row_of(OpKind kind) { return op_table()[static_cast<size_t>(kind)]; }

/** The row's index, or -1. */
int find_op(std::string_view name);

}  // namespace sluice
