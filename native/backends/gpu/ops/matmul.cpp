// Products as the device's own, or as launches of the portable one.
#include <algorithm>

#include "../kernels/elementwise.h"
#include "../kernels/matrix-product.h"

#include "../call.h"

namespace sluice::gpu {
namespace {

int64_t tiles(int64_t size, int64_t side) { return (size + side - 1) / side; }

/** Whether rows of bf16, one number beside the other, all begin at 16 bytes. */
bool is_aligned(const void* first, int64_t row, int64_t column, int64_t step) {
  return reinterpret_cast<uintptr_t>(first) % 16 == 0 && (row == 1 ? column : row) % 8 == 0 && step % 8 == 0;
}

/** The kernel on matrix units that makes a product, or the portable one where there is none. */
Kernel units_kernel(const dialect::Product& p) {
  const bool coded = p.format != dialect::weights_plain;
  const bool turned_a = p.a_column != 1, turned_b = p.b_column != 1;
  if (!p.a_bf16 || !(coded || p.b_bf16) || (turned_a && (turned_b || coded))) return Kernel::product;
  if (coded) return turned_b ? Kernel::coded_product_of_turned_b : Kernel::coded_product;
  if (turned_a) return Kernel::bf16_product_of_turned_a;
  return turned_b ? Kernel::bf16_product_of_turned_b : Kernel::bf16_product;
}

/** Strides of an operand whose rows are `columns` wide: as it lies, or transposed. */
void place(bool transposed, int64_t columns, dialect::int64& row, dialect::int64& column) {
  row = transposed ? 1 : columns;
  column = transposed ? columns : 1;
}

// of a sum of products that is rounded to bf16 at its end
constexpr int64_t kSumBytes = int64_t{64} << 20;

/** count numbers of f32, to f32 or narrowed. */
Status copy(Call& call, const void* from, void* to, int64_t count, bool narrow) {
  const dialect::Unary numbers{count, dialect::unary_copy, 0, 0, false, narrow};
  return call.launch(Kernel::unary, some_each(count), {from, to}, numbers);
}

Status clear_unused(Call& call, const Tensor& offsets, const Tensor& y, int experts, int64_t rows) {
  const int64_t width = y.shape.last();
  const dialect::Unused numbers{rows, width, experts, call.number(), is_bf16(y)};
  return call.launch(Kernel::clear_unused_rows, one_each(std::max<int64_t>(rows * width, experts)),
                     {offsets.data, y.data, call.bad()}, numbers);
}

}  // namespace

Status multiply(Device& device, const dialect::Product& given, const ProductOperands& operands) {
  Status status;
  if (device.multiply(given, operands, status)) return status;
  dialect::Product product = given;
  const Kernel kernel = device.has_matrix_units() ? units_kernel(product) : Kernel::product;
  const bool by_units = kernel != Kernel::product, by_rows = product.mode == dialect::product_expert_rows;
  const int64_t side = by_units ? UNITS_SIDE : TILE;
  const int64_t down = tiles(product.m, side) + (by_rows ? product.experts : 0);
  Grid grid{down * tiles(product.n, side), operands.batch, UNITS_THREADS};
  if (grid.x == 0 || grid.y == 0) return {};
  if (by_units) {
    grid.group_bytes = UNITS_BYTES;
    product.a_aligned = is_aligned(operands.a, product.a_row, product.a_column, product.a_step);
    product.b_aligned = is_aligned(operands.b, product.b_row, product.b_column, product.b_step);
  }
  const void* buffers[] = {operands.a,       operands.b,      operands.bias,
                           operands.offsets, operands.scales, operands.y};
  return device.launch(kernel, grid, {const_cast<void* const*>(buffers), std::size(buffers)}, &product,
                       sizeof product);
}

Status op_matmul(Call& call) {
  const Tensor &a = call.in(0), &b = call.in(1), &y = call.out(0);
  const bool trans_a = call.integer("trans_a"), trans_b = call.integer("trans_b");
  const bool flat = b.shape.rank == 2 && (!trans_a || a.shape.rank == 2);  // all rows of a at once
  dialect::Product product{};
  product.mode = dialect::product_batched;
  product.n = y.shape.last();
  product.m = flat ? y.shape.rows() : y.shape[-2];
  product.k = trans_a ? a.shape[-2] : a.shape[-1];
  place(trans_a, a.shape[-1], product.a_row, product.a_column);
  place(trans_b, b.shape[-1], product.b_row, product.b_column);
  product.y_row = product.n;
  product.a_step = product.m * product.k;
  product.b_step = b.shape.rank == 2 ? 0 : product.k * product.n;
  product.y_step = product.m * product.n;
  product.a_bf16 = is_bf16(a), product.b_bf16 = is_bf16(b), product.y_bf16 = is_bf16(y);
  ProductOperands operands{a.data, b.data, nullptr, nullptr, nullptr, y.data};
  if (call.has(2)) {
    product.has_bias = 1;
    operands.bias = call.in(2).f32();
  }
  operands.batch = flat ? 1 : y.shape.product(0, y.shape.rank - 2);
  return call.multiply(product, operands);
}

Status op_accumulate_matmul(Call& call) {
  const Tensor &sum = call.in(0), &a = call.in(1), &b = call.in(2);
  const bool trans_a = call.integer("trans_a");
  dialect::Product product{};
  product.mode = dialect::product_batched;
  product.m = sum.shape[0], product.n = sum.shape[1], product.k = a.shape[trans_a ? 0 : 1];
  place(trans_a, a.shape[1], product.a_row, product.a_column);
  place(call.integer("trans_b"), b.shape[1], product.b_row, product.b_column);
  product.y_row = product.n;
  product.a_bf16 = is_bf16(a), product.b_bf16 = is_bf16(b);
  product.accumulate = 1;
  return call.multiply(product, {a.data, b.data, nullptr, nullptr, nullptr, sum.data});
}

/** Each product is added to what is there of the sum: y itself, or f32 beside a y of bf16, some rows at a
 * time. */
Status op_matmul_sum(Call& call) {
  const Tensor &addend = call.in(0), &y = call.out(0);
  const auto& trans_b = call.attribute("trans_b").integers;
  if (y.count() == 0) return {};
  dialect::Product product{};
  product.mode = dialect::product_batched;
  product.n = y.shape.last();
  product.y_row = product.n;
  const int64_t rows = y.shape.rows();
  const int64_t together = is_bf16(y) ? std::max<int64_t>(128, kSumBytes / 4 / product.n) : rows;
  for (int64_t row = 0; row < rows; row += together) {
    product.m = std::min(together, rows - row);
    const int64_t first = row * product.n, count = product.m * product.n;
    void* sum = is_bf16(y) ? call.workspace(4 * count) : y.f32() + first;
    if (!sum) return Status::error("no memory for a sum of products in f32");
    product.accumulate = call.has(0);
    if (product.accumulate) SLUICE_TRY(copy(call, addend.f32() + first, sum, count, false));
    for (size_t term = 0; term < trans_b.size(); term++) {
      const Tensor &a = call.in(2 + 2 * static_cast<int>(term)), &b = call.in(3 + 2 * static_cast<int>(term));
      product.k = a.shape.last();
      place(false, product.k, product.a_row, product.a_column);
      place(trans_b[term], b.shape.last(), product.b_row, product.b_column);
      product.a_bf16 = is_bf16(a), product.b_bf16 = is_bf16(b);
      product.has_bias = term == 0 && call.has(1);
      const float* bias = product.has_bias ? call.in(1).f32() : nullptr;
      const void* from = static_cast<const std::byte*>(a.data) + row * product.k * size_of(a.dtype);
      SLUICE_TRY(call.multiply(product, {from, b.data, bias, nullptr, nullptr, sum}));
      product.accumulate = 1;
    }
    if (is_bf16(y)) SLUICE_TRY(copy(call, sum, static_cast<uint16_t*>(y.data) + first, count, true));
  }
  return {};
}

Status op_grouped_matmul(Call& call) {
  const Tensor &x = call.in(0), &w = call.in(1), &offsets = call.in(2), &y = call.out(0);
  dialect::Product product{};
  product.mode = dialect::product_expert_rows;
  product.experts = static_cast<int>(w.shape[0]);
  product.m = x.shape[0], product.n = y.shape[1], product.k = x.shape[1];
  place(false, product.k, product.a_row, product.a_column);
  place(call.integer("trans_b"), w.shape[2], product.b_row, product.b_column);
  product.b_step = w.shape[1] * w.shape[2];
  product.y_row = product.n;
  product.a_bf16 = is_bf16(x), product.b_bf16 = is_bf16(w), product.y_bf16 = is_bf16(y);
  SLUICE_TRY(clear_unused(call, offsets, y, product.experts, product.m));
  return call.multiply(product, {x.data, w.data, nullptr, offsets.i32(), nullptr, y.data});
}

Status op_grouped_matmul_wgrad(Call& call) {
  const Tensor &a = call.in(0), &b = call.in(1), &offsets = call.in(2), &dw = call.out(0);
  dialect::Product product{};
  product.mode = dialect::product_expert_sums;
  product.experts = static_cast<int>(dw.shape[0]);
  product.m = dw.shape[1], product.n = dw.shape[2], product.k = a.shape[0];
  place(true, product.m, product.a_row, product.a_column);
  place(false, product.n, product.b_row, product.b_column);
  product.y_row = product.n;
  product.y_step = product.m * product.n;
  product.a_bf16 = is_bf16(a), product.b_bf16 = is_bf16(b);
  ProductOperands operands{a.data, b.data, nullptr, offsets.i32(), nullptr, dw.data};
  operands.batch = product.experts;
  return call.multiply(product, operands);
}

Status op_quantized_matmul(Call& call) {
  const Tensor &x = call.in(0), &codes = call.in(1), &scales = call.in(2), &y = call.out(0);
  const bool trans_b = call.integer("trans_b"), grouped = call.has(4);
  dialect::Product product{};
  product.format = call.attribute("format").text == "int8" ? dialect::weights_int8 : dialect::weights_nf4;
  product.n = y.shape.last();
  product.m = y.shape.rows();
  product.k = x.shape.last();
  product.padded = (call.integer("columns") + 127) / 128 * 128;
  place(false, product.k, product.a_row, product.a_column);
  place(trans_b, product.padded, product.b_row, product.b_column);
  product.b_step = codes.shape[-2];  // rows of codes
  product.y_row = product.n;
  product.has_bias = call.has(3);
  product.a_bf16 = is_bf16(x), product.y_bf16 = is_bf16(y);
  ProductOperands operands{x.data, codes.data, nullptr, nullptr, scales.f32(), y.data};
  if (product.has_bias) operands.bias = call.in(3).f32();
  if (grouped) {
    product.mode = dialect::product_expert_rows;
    product.experts = static_cast<int>(codes.shape[0]);
    operands.offsets = call.in(4).i32();
    SLUICE_TRY(clear_unused(call, call.in(4), y, product.experts, product.m));
  }
  return call.multiply(product, operands);
}

}  // namespace sluice::gpu
