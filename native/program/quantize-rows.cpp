#include "quantize-rows.h"

#include <algorithm>
#include <cmath>

#include "../core/nf4.h"

namespace sluice {
namespace {

constexpr int64_t kBlock = 64;  // columns that share a scale

/** Of the absolute values; NaN where there is one. */
float largest_of(const float* values, int64_t count) {
  float largest = 0, sum = 0;
  for (int64_t i = 0; i < count; i++) {
    largest = std::max(largest, std::fabs(values[i]));
    sum += values[i] - values[i];  // 0, or NaN for what is not finite
  }
  if (sum == 0) return largest;
  for (int64_t i = 0; i < count; i++) {
    if (values[i] != values[i]) return NAN;
  }
  return largest;
}

/** Column 16 i + j of a block is byte i of its 32-bit word j. */
void encode_int8(const float* values, int64_t count, double factor, uint8_t* codes) {
  for (int64_t i = 0; i < count; i++) {
    const double value = values[i] * factor, below = std::floor(value);
    const double step = std::clamp(below + (value - below >= 0.5), -127.0, 127.0);
    codes[4 * (i & 15) + (i >> 4)] = static_cast<uint8_t>(step == step ? static_cast<int>(step) : 0);
  }
}

/** Between which two values each code changes to the next. */
struct Bounds {
  double at[15];
  Bounds() {
    constexpr double values[] = {SLUICE_NF4_VALUES};
    for (int i = 0; i < 15; i++) at[i] = (values[i + 1] + values[i]) / 2;
  }
};

/** Column 16 i + j of a group of 128 is nibble i of its 32-bit word j; `column` is where the block begins. */
void encode_nf4(const float* values, int64_t count, double factor, uint8_t* group, int64_t column) {
  static const Bounds bounds;
  for (int64_t i = 0; i < count; i++) {
    const double value = values[i] * factor;
    int code = value > bounds.at[7] ? 8 : 0;
    code += value > bounds.at[code + 3] ? 4 : 0;
    code += value > bounds.at[code + 1] ? 2 : 0;
    code += value > bounds.at[code] ? 1 : 0;
    const int64_t nibble = (column + i) >> 4;
    uint8_t& byte = group[4 * ((column + i) & 15) + (nibble >> 1)];
    byte = static_cast<uint8_t>(nibble & 1 ? (byte & 0x0f) | code << 4 : (byte & 0xf0) | code);
  }
}

}  // namespace

void quantize_rows(const QuantizedLayout& layout, const float* values, int64_t rows, uint8_t* codes,
                   float* scales) {
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t first = 0; first < layout.columns; first += kBlock) {
      const int64_t count = std::min(kBlock, layout.columns - first);
      const float largest = largest_of(values + first, count);
      const float scale = layout.int8 ? static_cast<float>(static_cast<double>(largest) / 127) : largest;
      scales[first / kBlock] = scale;
      const double factor = scale > 0 ? 1 / static_cast<double>(scale) : 0;
      if (layout.int8)
        encode_int8(values + first, count, factor, codes + first);
      else
        encode_nf4(values + first, count, factor, codes + first / 128 * 64, first % 128);
    }
    values += layout.columns;
    codes += layout.code_bytes;
    scales += layout.scales;
  }
}

}  // namespace sluice
