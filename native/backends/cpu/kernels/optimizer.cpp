// State changes: assignment, accumulation, and AdamW as torch.optim.AdamW computes it.
#include <cstring>

#include "kernels.h"
#include "vector-math.h"

namespace sluice::cpu::SLUICE_ISA {

Status kernel_assign(const KernelCall& call) {
  char* to = static_cast<char*>(call.in[0].data);
  const char* from = static_cast<const char*>(call.in[1].data);
  const int64_t bytes = call.in[0].count() * size_of(call.in[0].dtype);
  in_pieces(call.pool, bytes, 1 << 17, [=](int64_t begin, int64_t end, void*) {
    std::memmove(to + begin, from + begin, static_cast<size_t>(end - begin));
  });
  return {};
}

Status kernel_accumulate(const KernelCall& call) {
  float* to = call.in[0].f32();
  const float* from = call.in[1].f32();
  in_pieces(call.pool, call.in[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) to[i] += from[i];
  });
  return {};
}

Status kernel_adamw(const KernelCall& call) {
  float *param = call.in[0].f32(), *m = call.in[2].f32(), *v = call.in[3].f32();
  const float* grad = call.in[1].f32();
  const float* scalars = call.in[4].f32();
  const double beta1 = call.op.attribute("beta1").real, beta2 = call.op.attribute("beta2").real;
  const double rate = scalars[0], step = scalars[1];
  const float scale = scalars[2];
  if (scale != scale) return {};  // no gradient to follow: the state stays what it was, for whoever asks why
  const float keep1 = static_cast<float>(beta1), take1 = static_cast<float>(1.0 - beta1);
  const float keep2 = static_cast<float>(beta2), take2 = static_cast<float>(1.0 - beta2);
  const float decay = static_cast<float>(1.0 - rate * call.op.attribute("weight_decay").real);
  const float size = static_cast<float>(rate / (1.0 - std::pow(beta1, step)));
  const float correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, step)));
  const float eps = call.real("eps");
  in_pieces(call.pool, call.in[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) {
      const float g = grad[i] * scale;
      const float first = m[i] * keep1 + g * take1;
      const float second = v[i] * keep2 + g * g * take2;
      m[i] = first;
      v[i] = second;
      param[i] = param[i] * decay - size * first / (std::sqrt(second) * correction + eps);
    }
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
