// Reductions as launches.
#include "../kernels/reduce.h"
#include "../../../core/scratch.h"
#include "../call.h"
#include "../kernels/norm.h"

namespace sluice::gpu {
namespace {

dialect::Axis axis_of(Call& call) {
  const Shape& shape = call.in(0).shape;
  const int64_t axis = call.integer("axis");
  const int at = static_cast<int>(axis < 0 ? axis + shape.rank : axis);
  return {shape.dims[at], shape.product(at + 1, shape.rank)};
}

constexpr int64_t kTermsOfPiece = 1024;  // of a sum over rows

/** One more axis, merged into the last one where both together are one that goes on. */
void append(dialect::int64* sizes, dialect::int64* strides, int& rank, int64_t size, int64_t stride) {
  if (rank > 0 && strides[rank - 1] == size * stride) {
    sizes[rank - 1] *= size;
    strides[rank - 1] = stride;
  } else {
    sizes[rank] = size;
    strides[rank++] = stride;
  }
}

Status rows(Call& call, Kernel kernel, bool log, std::initializer_list<const void*> buffers) {
  const Shape& shape = call.in(0).shape;
  return call.launch(kernel, {shape.rows()}, buffers, dialect::Softmax{shape.last(), log});
}

}  // namespace

Status op_sum(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  uint32_t axes = 0;
  for (int64_t axis : call.attribute("axes").integers) axes |= 1u << (axis < 0 ? axis + x.shape.rank : axis);
  dialect::Sum numbers{};
  numbers.outputs = y.count();
  numbers.terms = 1;
  int64_t step = x.count();
  bool inner_reduced = true;
  for (int i = 0; i < x.shape.rank; i++) {
    const int64_t size = x.shape.dims[i];
    step = size ? step / size : 0;
    if (size == 1) continue;
    inner_reduced = axes >> i & 1;
    if (inner_reduced) {
      numbers.terms *= size;
      append(numbers.reduced, numbers.reduced_stride, numbers.reduced_rank, size, step);
    } else {
      append(numbers.kept, numbers.kept_stride, numbers.kept_rank, size, step);
    }
  }
  if (inner_reduced) return call.launch(Kernel::sum_rows, {numbers.outputs}, {x.data, y.data}, numbers);
  numbers.piece = kTermsOfPiece;
  const int64_t pieces = std::max<int64_t>(1, scratch::pieces(numbers.terms, kTermsOfPiece));
  void* sums = pieces == 1 ? y.data : call.workspace(4 * pieces * numbers.outputs);
  if (!sums) return Status::error("no memory for sums of pieces");
  SLUICE_TRY(call.launch(Kernel::sum_columns, {scratch::pieces(numbers.outputs, SUBGROUP), pieces},
                         {x.data, sums}, numbers));
  if (pieces == 1) return {};
  const dialect::AddPieces all{numbers.outputs, pieces, numbers.outputs};
  return call.launch(Kernel::add_pieces, one_each(numbers.outputs), {sums, y.data}, all);
}

Status op_max(Call& call) {
  return call.launch(Kernel::max_axis, {call.out(0).count()}, {call.in(0).data, call.out(0).data},
                     axis_of(call));
}

Status op_argmax(Call& call) {
  return call.launch(Kernel::argmax_axis, {call.out(0).count()}, {call.in(0).data, call.out(0).data},
                     axis_of(call));
}

Status op_softmax(Call& call) {
  return rows(call, Kernel::softmax, false, {call.in(0).data, call.out(0).data});
}
Status op_log_softmax(Call& call) {
  return rows(call, Kernel::softmax, true, {call.in(0).data, call.out(0).data});
}
Status op_softmax_grad(Call& call) {
  return rows(call, Kernel::softmax_grad, false, {call.in(0).data, call.in(1).data, call.out(0).data});
}
Status op_log_softmax_grad(Call& call) {
  return rows(call, Kernel::softmax_grad, true, {call.in(0).data, call.in(1).data, call.out(0).data});
}

Status op_sum_squares(Call& call) {
  auto* partial = static_cast<float*>(call.scratch());  // planned are 8 bytes a piece
  int64_t pieces = 0;
  for (int i = 0; i < call.inputs(); i++) {
    const Tensor& x = call.in(i);
    const int64_t own = scratch::pieces(x.count(), scratch::kSumPiece);
    const dialect::Squares numbers{x.count(), scratch::kSumPiece, is_bf16(x)};
    SLUICE_TRY(call.launch(Kernel::sum_squares_of_pieces, {own}, {x.data, partial + pieces}, numbers));
    pieces += own;
  }
  dialect::Sum all{};
  all.outputs = 1;
  all.terms = pieces;
  all.reduced_rank = 1;
  all.reduced[0] = pieces;
  all.reduced_stride[0] = 1;
  return call.launch(Kernel::sum_rows, {1}, {partial, call.out(0).data}, all);
}

}  // namespace sluice::gpu
