// Norms as launches.
#include "../kernels/norm.h"
#include "../../../core/scratch.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

Status add_pieces(Call& call, const float* partial, int64_t pieces, int64_t step, const Tensor& y) {
  const dialect::AddPieces numbers{y.count(), pieces, step};
  return call.launch(Kernel::add_pieces, one_each(y.count()), {partial, y.data}, numbers);
}

/** dx, and where they are wanted the gradients of weight and bias; mean is null for rms. */
Status norm_grad(Call& call, const Tensor& rstd, const void* mean, float weight_offset) {
  const Tensor &dy = call.in(0), &x = call.in(1), &weight = call.in(2), &dx = call.out(0);
  const Tensor &dweight = call.out(1), none, &dbias = mean ? call.out(2) : none;
  const int64_t width = x.shape.last(), rows = x.shape.rows();
  const dialect::NormGrad numbers{width,           rows,        scratch::kNormPiece, weight_offset,
                                  mean != nullptr, is_bf16(dy), is_bf16(x),          is_bf16(dx)};
  SLUICE_TRY(call.launch(Kernel::norm_grad, {rows}, {dy.data, x.data, weight.data, mean, rstd.data, dx.data},
                         numbers));
  if (!dweight && !dbias) return {};
  auto* partial = static_cast<float*>(call.scratch());
  const int64_t pieces = scratch::pieces(rows, scratch::kNormPiece), step = mean ? 2 * width : width;
  Grid grid = one_each(width);
  grid.y = pieces;
  SLUICE_TRY(call.launch(Kernel::norm_weight_grad_of_pieces, grid,
                         {dy.data, x.data, mean, rstd.data, partial}, numbers));
  if (dweight) SLUICE_TRY(add_pieces(call, partial, pieces, step, dweight));
  if (dbias) SLUICE_TRY(add_pieces(call, partial + width, pieces, step, dbias));
  return {};
}

}  // namespace

Status op_rms_norm(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  const dialect::Norm numbers{x.shape.last(), call.real("eps"), call.real("weight_offset"), 0, 0,
                              is_bf16(x),     is_bf16(y)};
  return call.launch(Kernel::norm, {x.shape.rows()},
                     {x.data, call.in(1).data, nullptr, y.data, nullptr, call.out(1).data}, numbers);
}

Status op_layer_norm(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  const void* bias = call.has(2) ? call.in(2).data : nullptr;
  const dialect::Norm numbers{x.shape.last(),  call.real("eps"), 0.0f,      1,
                              bias != nullptr, is_bf16(x),       is_bf16(y)};
  return call.launch(Kernel::norm, {x.shape.rows()},
                     {x.data, call.in(1).data, bias, y.data, call.out(1).data, call.out(2).data}, numbers);
}

Status op_rms_norm_grad(Call& call) {
  return norm_grad(call, call.in(3), nullptr, call.real("weight_offset"));
}

Status op_layer_norm_grad(Call& call) { return norm_grad(call, call.in(4), call.in(3).data, 0.0f); }

}  // namespace sluice::gpu
