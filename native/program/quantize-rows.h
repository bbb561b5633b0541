// Weights in 8 or 4 bits, in the layout that the op quantized_matmul reads (kernels/quantized-rows.h says
// how). The same codes and scales, to the bit, as src/models/quantize.ts gives, which is the readable
// version.
#pragma once

#include <cstdint>

namespace sluice {

struct QuantizedLayout {
  bool int8;  // else nf4
  int64_t columns;
  int64_t code_bytes, scales;  // of a row
  uint8_t zero;                // what pads a row

  QuantizedLayout(bool int8, int64_t columns)
      : int8(int8),
        columns(columns),
        code_bytes((columns + 127) / 128 * 128 / (int8 ? 1 : 2)),
        scales((columns + 127) / 128 * 2),
        zero(int8 ? 0 : 0x77) {}
};

/** values [rows, columns]; codes and scales are filled with zeros of the layout. */
void quantize_rows(const QuantizedLayout& layout, const float* values, int64_t rows, uint8_t* codes,
                   float* scales);

}  // namespace sluice
