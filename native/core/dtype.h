// Element types and dense row-major shapes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

enum class DType : uint8_t { f32, bf16, i32, u8 };

constexpr int64_t size_of(DType dtype) { return dtype == DType::u8 ? 1 : dtype == DType::bf16 ? 2 : 4; }

constexpr const char* name_of(DType dtype) {
  constexpr const char* names[] = {"f32", "bf16", "i32", "u8"};
  return names[static_cast<int>(dtype)];
}

inline bool parse_dtype(std::string_view text, DType& dtype) {
  for (DType candidate : {DType::f32, DType::bf16, DType::i32, DType::u8}) {
    if (text == name_of(candidate)) return dtype = candidate, true;
  }
  return false;
}

struct Shape {
  static constexpr int kMaxRank = 8;
  int rank = 0;
  std::array<int64_t, kMaxRank> dims{};

  int64_t operator[](int axis) const { return dims[axis < 0 ? axis + rank : axis]; }
  int64_t& operator[](int axis) { return dims[axis < 0 ? axis + rank : axis]; }

  /** Product of dims[from, to). */
  int64_t product(int from, int to) const {
    int64_t count = 1;
    for (int i = from; i < to; i++) count *= dims[i];
    return count;
  }
  int64_t count() const { return product(0, rank); }
  int64_t last() const { return rank ? dims[rank - 1] : 1; }
  /** Product of all dimensions but the last. */
  int64_t rows() const { return rank ? product(0, rank - 1) : 1; }

  bool operator==(const Shape& other) const {
    if (rank != other.rank) return false;
    for (int i = 0; i < rank; i++) {
      if (dims[i] != other.dims[i]) return false;
    }
    return true;
  }

  void push(int64_t dim) { dims[rank++] = dim; }

  std::string text() const {
    std::string out = "[";
    for (int i = 0; i < rank; i++) out += (i ? "," : "") + std::to_string(dims[i]);
    return out + "]";
  }
};

}  // namespace sluice
