// Rotary positions, the KV cache and attention as launches.
#include "../kernels/attention.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

dialect::Attention numbers_of(Call& call, const Tensor& q, const Tensor& k, const Tensor& v, bool has_bias) {
  dialect::Attention numbers{};
  numbers.batch = q.shape[0], numbers.queries = q.shape[1], numbers.heads = q.shape[2];
  numbers.keys = k.shape[1], numbers.key_heads = k.shape[2];
  numbers.depth = q.shape[3], numbers.value_depth = v.shape[3];
  numbers.window = call.integer("window");
  numbers.causal = static_cast<int>(call.integer("causal"));
  numbers.scale = call.real("scale"), numbers.softcap = call.real("softcap");
  numbers.has_bias = has_bias;
  numbers.qkv_bf16 = is_bf16(q);
  return numbers;
}

}  // namespace

Status op_rope(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  const int64_t rotated = 2 * call.in(2).shape[0];
  dialect::Rope numbers{};
  numbers.rows = x.shape[0] * x.shape[1], numbers.heads = x.shape[2], numbers.depth = x.shape[3];
  numbers.rotated = rotated;
  numbers.interleaved = static_cast<int>(call.integer("interleaved"));
  numbers.inverse = static_cast<int>(call.integer("inverse"));
  numbers.scale = call.real("scale");
  numbers.x_bf16 = is_bf16(x), numbers.y_bf16 = is_bf16(y);
  const int64_t units = numbers.depth - rotated / 2;
  return call.launch(Kernel::rope, one_each(numbers.rows * numbers.heads * units),
                     {x.data, call.in(1).data, call.in(2).data, y.data}, numbers);
}

Status op_cache_write(Call& call) {
  const Tensor &cache = call.in(0), &x = call.in(1), &start = call.in(2);
  const dialect::CacheWrite numbers{cache.shape[0],
                                    cache.shape[1],
                                    x.shape[1],
                                    cache.shape.product(2, cache.shape.rank),
                                    static_cast<int>(start.count()),
                                    static_cast<int>(size_of(cache.dtype)),
                                    call.number()};
  return call.launch(Kernel::cache_write, one_each(x.count()), {cache.data, x.data, start.data, call.bad()},
                     numbers);
}

Status op_attention(Call& call) {
  const Tensor &q = call.in(0), &k = call.in(1), &v = call.in(2), &o = call.out(0);
  const void *start = call.has(5) ? call.in(5).data : nullptr,
             *bias = call.has(6) ? call.in(6).data : nullptr;
  dialect::Attention numbers = numbers_of(call, q, k, v, bias);
  numbers.starts = start ? static_cast<int>(call.in(5).count()) : 0;
  numbers.o_bf16 = is_bf16(o);
  return call.launch(
      Kernel::attention, {q.shape[0] * q.shape[1] * q.shape[2], 1, ATTENTION_TILE},
      {q.data, k.data, v.data, call.in(3).data, call.in(4).data, start, bias, o.data, call.out(1).data},
      numbers);
}

Status op_attention_grad(Call& call) {
  const Tensor &d_o = call.in(0), &q = call.in(1), &k = call.in(2), &v = call.in(3), &o = call.in(4);
  const Tensor &lse = call.in(5), &q_segments = call.in(6), &k_segments = call.in(7);
  const Tensor &dq = call.out(0), &dk = call.out(1), &dv = call.out(2), &dbias = call.out(3);
  const void* bias = call.has(8) ? call.in(8).data : nullptr;
  dialect::Attention numbers = numbers_of(call, q, k, v, bias);
  numbers.o_bf16 = is_bf16(o);
  numbers.dq_bf16 = is_bf16(dq), numbers.dk_bf16 = is_bf16(dk), numbers.dv_bf16 = is_bf16(dv);
  const int64_t queries = numbers.batch * numbers.heads * numbers.queries;
  const int64_t keys = numbers.batch * numbers.key_heads * numbers.keys;
  void* delta = call.scratch();
  SLUICE_TRY(call.launch(Kernel::attention_delta, one_each(queries), {d_o.data, o.data, delta}, numbers));
  SLUICE_TRY(call.launch(
      Kernel::attention_dq, {queries, 1, ATTENTION_TILE},
      {d_o.data, q.data, k.data, v.data, lse.data, delta, q_segments.data, k_segments.data, bias, dq.data},
      numbers));
  SLUICE_TRY(call.launch(Kernel::attention_dkv, {keys, 1, ATTENTION_TILE},
                         {d_o.data, q.data, k.data, v.data, lse.data, delta, q_segments.data, k_segments.data,
                          bias, dk.data, dv.data},
                         numbers));
  if (!dbias) return {};
  return call.launch(
      Kernel::attention_dbias, one_each(dbias.count()),
      {d_o.data, q.data, k.data, v.data, lse.data, delta, q_segments.data, k_segments.data, bias, dbias.data},
      numbers);
}

}  // namespace sluice::gpu
