// A decoded program: values with a place in memory, and a flat list of ops over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/dtype.h"
#include "../core/op-table.h"

namespace sluice {

enum class Place : uint8_t { state, input, constant, temp, alias };

struct Value {
  Place place = Place::temp;
  DType dtype = DType::f32;
  Shape shape;
  std::string name;    // state and input
  int64_t offset = 0;  // temp: bytes into the arena
  int root = 0;        // the value whose storage this is: itself, or for an alias what it stands for
  std::vector<std::byte> bytes;  // constant
  int line = 0;

  int64_t byte_count() const { return shape.count() * size_of(dtype); }
};

struct Attribute {
  int64_t integer = 0;  // int and bool
  double real = 0;      // float
  std::vector<int64_t> integers;
  std::vector<double> reals;
  std::string text;
};

struct Op {
  OpKind kind{};
  std::vector<int> inputs, outputs;   // value ids; -1: absent
  std::vector<Attribute> attributes;  // in the order of ops.def
  int64_t scratch_offset = 0, scratch_bytes = 0;
  std::string scope;
  int line = 0;

  const Attribute& attribute(std::string_view name) const;
  /** `rms_norm "layers.0.norm"`: how messages name an op. */
  std::string title() const;
};

struct Program {
  int threads = 1;
  int64_t arena_bytes = 0;
  bool independent_rows = false;  // a row of a batch has the same bits whatever the other rows
  std::vector<Value> values;
  std::vector<std::pair<std::string, int>> outputs;
  std::vector<Op> ops;

  const Value& root(int id) const { return values[values[id].root]; }
};

}  // namespace sluice
