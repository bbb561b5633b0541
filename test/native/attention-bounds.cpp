// Attention and its gradient at random shapes, on memory of exactly their size, against plain sums in f64:
// built with sanitizers for one instruction set (SLUICE_ISA) by native/sanitize-products.sh.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "native/backends/cpu/kernels/kernels.h"
#include "native/program/stored-floats.h"

using namespace sluice;
using namespace sluice::cpu;
using namespace sluice::cpu::SLUICE_ISA;

namespace {

std::mt19937 random_bits(11);
int failures = 0;

int64_t below(int64_t bound) { return static_cast<int64_t>(random_bits() % static_cast<uint64_t>(bound)); }
bool coin() { return below(2) == 1; }

/** A tensor on memory of its size alone, and its numbers in f64. */
struct Numbers {
  Shape shape;
  DType dtype;
  std::vector<char> memory;
  std::vector<double> values;

  Numbers(DType dtype, std::initializer_list<int64_t> dims, bool filled = true) : dtype(dtype) {
    for (int64_t dim : dims) shape.dims[static_cast<size_t>(shape.rank++)] = dim;
    memory.resize(static_cast<size_t>(shape.count() * size_of(dtype)));
    values.resize(static_cast<size_t>(shape.count()));
    if (!filled) return;
    for (size_t i = 0; i < values.size(); i++) {
      const float value = static_cast<float>(below(65) - 32) / 16;  // exact in bf16
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      values[i] = value;
      if (dtype == DType::f32) std::memcpy(memory.data() + 4 * i, &value, 4);
      const uint16_t upper = static_cast<uint16_t>(bits >> 16);
      if (dtype == DType::bf16) std::memcpy(memory.data() + 2 * i, &upper, 2);
    }
  }
  Tensor tensor() { return {memory.data(), dtype, shape}; }
  double stored(size_t i) const {
    float value;
    const auto* at = reinterpret_cast<const std::byte*>(memory.data());
    if (dtype == DType::bf16)
      to_f32(StoredType::bf16, at + 2 * i, &value, 1);
    else
      std::memcpy(&value, at + 4 * i, 4);
    return value;
  }
};

void compare(const char* what, const Numbers& got, const std::vector<double>& wanted, double tolerance) {
  double worst = 0, largest = 1;
  for (size_t i = 0; i < wanted.size(); i++) {
    const double error = std::fabs(got.stored(i) - wanted[i]);
    worst = error <= worst ? worst : error;  // a NaN stays
    largest = std::max(largest, std::fabs(wanted[i]));
  }
  if (worst <= tolerance * largest) return;
  if (++failures <= 10)
    std::printf("%s [%ld, %ld, %ld, %ld]: off by %g of %g\n", what, long(got.shape[0]), long(got.shape[1]),
                long(got.shape[2]), long(got.shape[3]), worst, largest);
}

Op op_named(const char* name, double scale, bool causal, int64_t window, double softcap) {
  Op op;
  op.kind = static_cast<OpKind>(find_op(name));
  op.attributes.resize(4);
  op.attributes[0].real = scale, op.attributes[1].integer = causal;
  op.attributes[2].integer = window, op.attributes[3].real = softcap;
  return op;
}

void attention(DType dtype, ThreadPool& pool) {
  const int64_t batch = 1 + below(2), key_heads = 1 + below(2), heads = key_heads * (1 + below(2));
  const int64_t queries = 1 + below(coin() ? 40 : 600), depth = 1 + below(70),
                wide = coin() ? depth : 1 + below(70);
  const bool causal = below(3) > 0;
  const int64_t keys = causal ? queries : 1 + below(coin() ? 40 : 300), window = coin() ? 0 : 1 + below(80);
  const double scale = 0.125, softcap = below(4) ? 0 : 3;
  Numbers q(dtype, {batch, queries, heads, depth}), k(dtype, {batch, keys, key_heads, depth});
  Numbers v(dtype, {batch, keys, key_heads, wide}), up(dtype, {batch, queries, heads, wide});
  Numbers bias(DType::f32, {heads, queries, keys});
  Numbers q_segments(DType::i32, {batch, queries}), k_segments(DType::i32, {batch, keys});
  const int64_t length = coin() ? 1000 : 1 + below(90);
  const bool padded = coin(), biased = below(3) == 0;
  std::vector<int32_t> q_segment(static_cast<size_t>(batch * queries)),
      k_segment(static_cast<size_t>(batch * keys));
  const auto segment = [&](int64_t i, int64_t count) {
    return padded && i > count * 3 / 4 ? 0 : static_cast<int32_t>(1 + i / length);
  };
  for (int64_t i = 0; i < batch * queries; i++) q_segment[size_t(i)] = segment(i % queries, queries);
  for (int64_t i = 0; i < batch * keys; i++) k_segment[size_t(i)] = segment(i % keys, keys);
  std::memcpy(q_segments.memory.data(), q_segment.data(), q_segments.memory.size());
  std::memcpy(k_segments.memory.data(), k_segment.data(), k_segments.memory.size());

  Numbers o(dtype, {batch, queries, heads, wide}, false), lse(DType::f32, {batch, heads, queries}, false);
  Numbers dq(dtype, {batch, queries, heads, depth}, false), dk(dtype, {batch, keys, key_heads, depth}, false);
  Numbers dv(dtype, {batch, keys, key_heads, wide}, false), dbias(DType::f32, {heads, queries, keys}, false);
  std::vector<double> want_o(o.values), want_dq(dq.values), want_dk(dk.values), want_dv(dv.values),
      want_dbias(dbias.values);
  std::vector<double> p(static_cast<size_t>(keys)), slope(p), cap(p);
  for (int64_t b = 0; b < batch; b++)
    for (int64_t h = 0; h < heads; h++)
      for (int64_t i = 0; i < queries; i++) {
        const int64_t g = h / (heads / key_heads), row = (b * queries + i) * heads + h;
        const auto key_row = [&](int64_t j) { return (b * keys + j) * key_heads + g; };
        double total = 0, delta = 0;
        for (int64_t j = 0; j < keys; j++) {
          double s = 0;
          for (int64_t d = 0; d < depth; d++)
            s += q.values[size_t(row * depth + d)] * k.values[size_t(key_row(j) * depth + d)];
          s *= scale;
          if (biased) s += bias.values[size_t((h * queries + i) * keys + j)];
          const double t = softcap > 0 ? std::tanh(s / softcap) : 0;
          if (softcap > 0) s = softcap * t;
          cap[size_t(j)] = 1 - t * t;
          const int32_t own = q_segment[size_t(b * queries + i)];
          const bool seen = own != 0 && own == k_segment[size_t(b * keys + j)] && (!causal || j <= i) &&
                            (window == 0 || i - j < window);
          p[size_t(j)] = seen ? std::exp(s) : 0;
          total += p[size_t(j)];
        }
        for (int64_t j = 0; j < keys; j++) {
          p[size_t(j)] = total > 0 ? p[size_t(j)] / total : 0;
          slope[size_t(j)] = 0;
          for (int64_t d = 0; d < wide; d++) {
            const double value = v.values[size_t(key_row(j) * wide + d)],
                         above = up.values[size_t(row * wide + d)];
            want_o[size_t(row * wide + d)] += p[size_t(j)] * value;
            want_dv[size_t(key_row(j) * wide + d)] += p[size_t(j)] * above;
            slope[size_t(j)] += value * above;
          }
          delta += p[size_t(j)] * slope[size_t(j)];
        }
        for (int64_t j = 0; j < keys; j++) {
          const double ds = p[size_t(j)] * (slope[size_t(j)] - delta) * cap[size_t(j)];
          want_dbias[size_t((h * queries + i) * keys + j)] += ds;
          for (int64_t d = 0; d < depth; d++) {
            want_dq[size_t(row * depth + d)] += scale * ds * k.values[size_t(key_row(j) * depth + d)];
            want_dk[size_t(key_row(j) * depth + d)] += scale * ds * q.values[size_t(row * depth + d)];
          }
        }
      }

  const Tensor none, given_bias = biased ? bias.tensor() : none;
  const Op forward = op_named("attention", scale, causal, window, softcap);
  const Tensor in[] = {q.tensor(),          k.tensor(), v.tensor(), q_segments.tensor(),
                       k_segments.tensor(), none,       given_bias};
  const Tensor out[] = {o.tensor(), lse.tensor()};
  (void)kernel_attention({forward, in, 7, out, nullptr, pool, builtin_gemm, false});
  const Op backward = op_named("attention_grad", scale, causal, window, softcap);
  const Tensor in_grad[] = {up.tensor(),  q.tensor(),          k.tensor(),          v.tensor(), o.tensor(),
                            lse.tensor(), q_segments.tensor(), k_segments.tensor(), given_bias};
  const Tensor out_grad[] = {dq.tensor(), dk.tensor(), dv.tensor(), biased ? dbias.tensor() : none};
  const int64_t sums = batch * heads * queries * (dtype == DType::bf16 ? 1 + depth : 1);
  std::vector<float> scratch(static_cast<size_t>(sums));
  (void)kernel_attention_grad({backward, in_grad, 9, out_grad, scratch.data(), pool, builtin_gemm, false});

  const double tolerance = dtype == DType::bf16 ? 0.02 : 2e-5;
  compare("o", o, want_o, tolerance);
  compare("dq", dq, want_dq, tolerance);
  compare("dk", dk, want_dk, tolerance);
  compare("dv", dv, want_dv, tolerance);
  if (biased) compare("dbias", dbias, want_dbias, tolerance);
}

}  // namespace

int main() {
  ThreadPool pool(1);
  for (int i = 0; i < 60; i++) attention(i % 2 ? DType::bf16 : DType::f32, pool);
  std::printf("60 attentions and their gradients: %d wrong\n", failures);
  return failures == 0 ? 0 : 1;
}
