// Rotary positions, the KV cache and attention as launches.
#include "../kernels/attention.h"

#include "../call.h"
#include "../kernels/flash-attention-dkv.h"
#include "../kernels/flash-attention-dq.h"
#include "../kernels/flash-attention.h"

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

constexpr int64_t kFewestQueries = 16;  // fewer leave most of a tile empty

/** Which of the head sizes 64, 96 and 128 the kernels on matrix units take this as; -1: none of them. They
 * count elements in 32 bits. */
int flash_variant(Call& call, const dialect::Attention& p, std::initializer_list<const Tensor*> operands) {
  if (!call.has_matrix_units() || p.has_bias || p.scale <= 0 || p.depth != p.value_depth) return -1;
  if (p.queries < kFewestQueries || p.window > 1 << 29 || p.queries + p.keys > 1 << 29) return -1;
  for (const Tensor* operand : operands) {
    if (!is_bf16(*operand) || reinterpret_cast<uintptr_t>(operand->data) % 16 || operand->count() > INT32_MAX)
      return -1;
  }
  return p.depth == 64 ? 0 : p.depth == 96 ? 1 : p.depth == 128 ? 2 : -1;
}

Kernel variant_of(Kernel first, int variant) {
  return static_cast<Kernel>(static_cast<int>(first) + variant);
}

int64_t tiles_of(int64_t tokens, int64_t size) { return (tokens + size - 1) / size; }

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
  if (const int variant = flash_variant(call, numbers, {&q, &k, &v}); variant >= 0) {
    const Grid grid{numbers.batch * numbers.heads * tiles_of(numbers.queries, FLASH_QUERIES), 1,
                    FLASH_THREADS, static_cast<int>(FLASH_BYTES(numbers.depth))};
    return call.launch(
        variant_of(Kernel::flash_attention_64, variant), grid,
        {q.data, k.data, v.data, call.in(3).data, call.in(4).data, start, o.data, call.out(1).data}, numbers);
  }
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
  SLUICE_TRY(
      call.launch(Kernel::attention_delta, one_each(queries * SUBGROUP), {d_o.data, o.data, delta}, numbers));
  if (const int variant = flash_variant(call, numbers, {&d_o, &q, &k, &v}); variant >= 0 && !dbias) {
    const int64_t depth = numbers.depth;
    const Grid dkv{numbers.batch * numbers.key_heads * tiles_of(numbers.keys, FLASH_OWN_KEYS(depth)), 1,
                   FLASH_THREADS, static_cast<int>(FLASH_DKV_BYTES(depth))};
    const Grid dq_grid{numbers.batch * numbers.heads * tiles_of(numbers.queries, FLASH_OWN_QUERIES(depth)), 1,
                       FLASH_THREADS, static_cast<int>(FLASH_DQ_BYTES(depth))};
    SLUICE_TRY(call.launch(variant_of(Kernel::flash_attention_dkv_64, variant), dkv,
                           {d_o.data, q.data, k.data, v.data, lse.data, delta, q_segments.data,
                            k_segments.data, dk.data, dv.data},
                           numbers));
    return call.launch(
        variant_of(Kernel::flash_attention_dq_64, variant), dq_grid,
        {d_o.data, q.data, k.data, v.data, lse.data, delta, q_segments.data, k_segments.data, dq.data},
        numbers);
  }
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
