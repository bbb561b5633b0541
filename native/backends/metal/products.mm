#include "products.h"

namespace sluice::metal {
namespace {

/** Where a dimension or a row is longer, Apple's products are known to be wrong: before macOS 14.4 in any, on
 * M1 and M2 in the sum's. */
constexpr int64_t kLongest = 32768;

/** How one operand lies: rows x columns of f32, `row` elements from one row to the next, `step` from one
 * matrix. */
struct Layout {
  int64_t rows, columns, row, step;

  bool is_turned = false;  // stored as the transposed matrix

  /** Whether the library can say it, with matrices a whole number of rows apart, and does it right. */
  bool fits(int64_t batch) const {
    const bool apart = batch == 1 || (step >= rows * row && step % row == 0);
    return row >= columns && apart && rows <= kLongest && row <= kLongest;
  }

  MPSMatrix* matrix(const Place& place, int64_t batch) const {
    const auto bytes = [](int64_t count) { return static_cast<NSUInteger>(count) * sizeof(float); };
    MPSMatrixDescriptor* descriptor =
        [MPSMatrixDescriptor matrixDescriptorWithRows:static_cast<NSUInteger>(rows)
                                              columns:static_cast<NSUInteger>(columns)
                                             matrices:static_cast<NSUInteger>(batch)
                                             rowBytes:bytes(row)
                                          matrixBytes:bytes(batch == 1 ? rows * row : step)
                                             dataType:MPSDataTypeFloat32];
    return [[MPSMatrix alloc] initWithBuffer:place.buffer offset:place.offset descriptor:descriptor];
  }
};

/** A [rows, columns] operand whose element [i, j] lies at i * row + j * column. */
Layout layout_of(int64_t rows, int64_t columns, int64_t row, int64_t column, int64_t step) {
  if (column == 1) return {rows, columns, row, step};
  return {columns, rows, column, step, true};
}

Layout left(const dialect::Product& p) { return layout_of(p.m, p.k, p.a_row, p.a_column, p.a_step); }
Layout right(const dialect::Product& p) { return layout_of(p.k, p.n, p.b_row, p.b_column, p.b_step); }
Layout result(const dialect::Product& p) { return layout_of(p.m, p.n, p.y_row, 1, p.y_step); }

}  // namespace

bool Products::takes(const dialect::Product& p, int64_t batch) {
  if (p.mode != dialect::product_batched || p.format != dialect::weights_plain) return false;
  if (p.a_bf16 || p.b_bf16 || p.y_bf16 || batch < 1 || p.m == 0 || p.n == 0 || p.k == 0) return false;
  if ((p.a_row != 1 && p.a_column != 1) || (p.b_row != 1 && p.b_column != 1)) return false;
  return left(p).fits(batch) && right(p).fits(batch) && result(p).fits(batch);
}

void Products::encode(id<MTLCommandBuffer> commands, const dialect::Product& p, int64_t batch, Place a,
                      Place b, Place y) {
  [kernel_of(commands.device, p, batch) encodeToCommandBuffer:commands
                                                   leftMatrix:left(p).matrix(a, batch)
                                                  rightMatrix:right(p).matrix(b, batch)
                                                 resultMatrix:result(p).matrix(y, batch)];
}

MPSMatrixMultiplication* Products::kernel_of(id<MTLDevice> gpu, const dialect::Product& p, int64_t batch) {
  const bool turn_left = left(p).is_turned, turn_right = right(p).is_turned, adds = p.accumulate != 0;
  auto& kernel = kernels_[{p.m, p.n, p.k, batch, turn_left, turn_right, adds}];
  if (kernel) return kernel;
  kernel = [[MPSMatrixMultiplication alloc] initWithDevice:gpu
                                             transposeLeft:turn_left
                                            transposeRight:turn_right
                                                resultRows:static_cast<NSUInteger>(p.m)
                                             resultColumns:static_cast<NSUInteger>(p.n)
                                           interiorColumns:static_cast<NSUInteger>(p.k)
                                                     alpha:1.0
                                                      beta:adds ? 1.0 : 0.0];
  kernel.batchSize = static_cast<NSUInteger>(batch);
  return kernel;
}

}  // namespace sluice::metal
