// State changes as launches; assign stands beside the ops that move.
#include <cmath>

#include "../call.h"
#include "../kernels/optimizer.h"

namespace sluice::gpu {

Status op_accumulate(Call& call) {
  const Tensor &state = call.in(0), &x = call.in(1);
  return call.launch(Kernel::accumulate, one_each(state.count()), {state.data, x.data},
                     dialect::Accumulate{state.count()});
}

Status op_adamw(Call& call) {
  const Tensor &param = call.in(0), &grad = call.in(1), &m = call.in(2), &v = call.in(3),
               &scalars = call.in(4);
  const double beta1 = call.attribute("beta1").real, beta2 = call.attribute("beta2").real;
  dialect::AdamW numbers{};
  numbers.count = param.count();
  numbers.beta1 = static_cast<float>(beta1), numbers.rest1 = static_cast<float>(1 - beta1);
  numbers.beta2 = static_cast<float>(beta2), numbers.rest2 = static_cast<float>(1 - beta2);
  numbers.log_beta1 = static_cast<float>(std::log(beta1));
  numbers.log_beta2 = static_cast<float>(std::log(beta2));
  numbers.eps = call.real("eps");
  numbers.weight_decay = call.real("weight_decay");
  numbers.by_chance = call.has(5);
  numbers.stream = static_cast<uint32_t>(call.integer("stream"));
  numbers.param_bf16 = is_bf16(param), numbers.grad_bf16 = is_bf16(grad);
  numbers.m_bf16 = is_bf16(m), numbers.v_bf16 = is_bf16(v);
  return call.launch(
      Kernel::adamw, one_each(param.count()),
      {param.data, grad.data, m.data, v.data, scalars.data, numbers.by_chance ? call.in(5).data : nullptr},
      numbers);
}

}  // namespace sluice::gpu
