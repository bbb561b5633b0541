// Random numbers as launches.
#include "../kernels/random.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

Status draw(Call& call, bool normal) {
  const Tensor& y = call.out(0);
  const dialect::Draw numbers{y.count(), static_cast<uint32_t>(call.integer("stream")), normal};
  return call.launch(Kernel::draw, one_each((y.count() + 3) / 4), {call.in(0).data, y.data}, numbers);
}

}  // namespace

Status op_random_normal(Call& call) { return draw(call, true); }
Status op_random_uniform(Call& call) { return draw(call, false); }

Status op_dropout(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  const dialect::Dropout numbers{y.count(), static_cast<uint32_t>(call.integer("stream")), call.real("p"),
                                 is_bf16(x), is_bf16(y)};
  return call.launch(Kernel::dropout, one_each((y.count() + 3) / 4), {x.data, call.in(1).data, y.data},
                     numbers);
}

}  // namespace sluice::gpu
