// Mixture of experts as launches.
#include "../kernels/moe.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

Status combine(Call& call, const Tensor& rows, const Tensor& inverse, const void* weights, int64_t k) {
  const Tensor& y = call.out(0);
  const dialect::Combine numbers{
      y.shape[0],    k,         rows.shape[1], rows.shape[0], weights != nullptr, call.number(),
      is_bf16(rows), is_bf16(y)};
  return call.launch(Kernel::moe_combine, some_each(y.count()),
                     {rows.data, inverse.data, weights, y.data, call.bad()}, numbers);
}

}  // namespace

Status op_moe_dispatch(Call& call) {
  const Tensor &expert = call.in(0), &order = call.out(0), &inverse = call.out(1), &offsets = call.out(2);
  const int experts = static_cast<int>(call.integer("experts"));
  const dialect::Dispatch numbers{expert.count(), experts, call.number()};
  SLUICE_TRY(call.launch(Kernel::moe_count, {experts}, {expert.data, offsets.data, call.bad()}, numbers));
  SLUICE_TRY(call.launch(Kernel::moe_offsets, {1, 1, 32}, {offsets.data}, numbers));
  return call.launch(Kernel::moe_place, {experts + 1}, {expert.data, offsets.data, order.data, inverse.data},
                     numbers);
}

Status op_moe_gather_grad(Call& call) {
  return combine(call, call.in(0), call.in(1), nullptr, call.integer("k"));
}

Status op_moe_combine(Call& call) {
  return combine(call, call.in(0), call.in(1), call.in(2).data, call.in(2).shape[1]);
}

Status op_moe_combine_grad(Call& call) {
  const Tensor &dy = call.in(0), &rows = call.in(1), &inverse = call.in(2), &weights = call.in(3),
               &order = call.in(4), &drows = call.out(0), &dweights = call.out(1);
  const dialect::CombineGrad numbers{rows.shape[0], inverse.count(), weights.shape[1], rows.shape[1],
                                     call.number(), is_bf16(dy),     is_bf16(rows),    is_bf16(drows)};
  SLUICE_TRY(call.launch(Kernel::moe_rows_grad, some_each(drows.count()),
                         {dy.data, order.data, weights.data, drows.data, call.bad()}, numbers));
  return call.launch(Kernel::moe_weights_grad, {inverse.count(), 1, 64},
                     {dy.data, rows.data, inverse.data, dweights.data, call.bad()}, numbers);
}

}  // namespace sluice::gpu
