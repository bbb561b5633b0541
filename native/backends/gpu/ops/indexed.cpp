// Rows by number, as launches.
#include "../kernels/indexed.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

Status gather(Call& call, int64_t rows, int64_t width, int64_t divide, int least) {
  const Tensor &x = call.in(0), &index = call.in(1), &y = call.out(0);
  // rows that are only moved may be numbers of any kind: as floats of their width they keep their bits
  const dialect::GatherRows numbers{index.count(), width,         rows,       divide,
                                    least,         call.number(), is_bf16(x), is_bf16(y)};
  return call.launch(Kernel::gather_rows, some_each(index.count() * width),
                     {x.data, index.data, y.data, call.bad()}, numbers);
}

/** Rows of the sum: groups of fewer threads where rows are narrow, for every group reads all indices. */
Status add_rows(Call& call, const Tensor& x, const Tensor& index, const Tensor& y, int64_t width, int least,
                bool kept = false) {
  const int64_t rows = y.shape[0];
  const dialect::AddRows numbers{index.count(), width, rows, least, call.number(), is_bf16(x), kept};
  return call.launch(Kernel::add_rows, {rows, 1, 256}, {x.data, index.data, y.data, call.bad()}, numbers);
}

int64_t row_width(const Tensor& x) { return x.shape.product(1, x.shape.rank); }

}  // namespace

Status op_embedding(Call& call) { return gather(call, call.in(0).shape[0], call.in(0).shape[1], 1, 0); }
Status op_gather_rows(Call& call) { return gather(call, call.in(0).shape[0], row_width(call.in(0)), 1, -1); }
Status op_moe_gather(Call& call) {
  return gather(call, call.in(0).shape[0], call.in(0).shape[1], call.integer("k"), -1);
}

Status op_embedding_grad(Call& call) {
  return add_rows(call, call.in(0), call.in(1), call.out(0), call.out(0).shape[1], 0);
}
Status op_accumulate_embedding_grad(Call& call) {
  return add_rows(call, call.in(1), call.in(2), call.in(0), call.in(0).shape[1], 0, true);
}
Status op_scatter_add_rows(Call& call) {
  return add_rows(call, call.in(0), call.in(1), call.out(0), row_width(call.in(0)), -1);
}

Status op_take_along(Call& call) {
  const Tensor &x = call.in(0), &index = call.in(1);
  const dialect::TakeAlong numbers{index.shape.rows(), x.shape.last(), index.shape.last(), call.number()};
  return call.launch(Kernel::take_along, one_each(index.count()),
                     {x.data, index.data, call.out(0).data, call.bad()}, numbers);
}

Status op_take_along_grad(Call& call) {
  const Tensor &dy = call.in(0), &index = call.in(1), &dx = call.out(0);
  const dialect::TakeAlong numbers{index.shape.rows(), call.integer("size"), index.shape.last(),
                                   call.number()};
  return call.launch(Kernel::take_along_grad, one_each(dx.count()),
                     {dy.data, index.data, dx.data, call.bad()}, numbers);
}

Status op_one_hot(Call& call) {
  const dialect::OneHot numbers{call.in(0).count(), call.integer("depth")};
  return call.launch(Kernel::one_hot, one_each(call.out(0).count()), {call.in(0).data, call.out(0).data},
                     numbers);
}

Status op_topk(Call& call) {
  const Shape& shape = call.in(0).shape;
  const dialect::TopK numbers{shape.last(), call.integer("k")};
  const int threads = shape.last() > 1024 ? 256 : 64;
  return call.launch(Kernel::topk, {shape.rows(), 1, threads},
                     {call.in(0).data, call.out(0).data, call.out(1).data}, numbers);
}

}  // namespace sluice::gpu
