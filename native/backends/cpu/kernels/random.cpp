// Counter-based random numbers: element i of a draw depends on (seed, stream, step, i) alone.
// With the words w[0..3] of philox.h and u(w) = (w >> 8) * 2^-24:
//   uniform   u(w[i % 4])
//   normal    from each pair (w[0], w[1]) and (w[2], w[3]): r = sqrt(-2 ln(1 - u(first))), angle = 2 pi
//   u(second);
//             the even element is r cos(angle), the odd one r sin(angle)
//   dropout   the element stays where u(w[i % 4]) >= p
#include "floats.h"
#include "philox.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

SLUICE_INLINE float unit(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

/** use(first element, uniforms [4 * kBlocks], count) for the elements of [0, count) in pieces. */
template <typename Use>
void draw(ThreadPool& pool, const Stream& stream, int64_t count, Use use) {
  in_pieces(pool, count, kElements, [&](int64_t begin, int64_t end, void*) {
    float ordered[4 * kBlocks];
    for (int64_t at = begin; at < end; at += 4 * kBlocks) {
      draw_some(stream, at, ordered, [](uint32_t word) { return unit(word); });
      use(at, ordered, std::min(4 * kBlocks, end - at));
    }
  });
}

}  // namespace

Status kernel_random_uniform(const KernelCall& call) {
  float* y = call.out[0].f32();
  draw(call.pool, Stream::of(call.in[0], call.integer("stream")), call.out[0].count(),
       [=](int64_t at, const float* uniform, int64_t count) { std::copy(uniform, uniform + count, y + at); });
  return {};
}

Status kernel_random_normal(const KernelCall& call) {
  float* y = call.out[0].f32();
  draw(call.pool, Stream::of(call.in[0], call.integer("stream")), call.out[0].count(),
       [=](int64_t at, const float* uniform, int64_t count) {
         float normal[4 * kBlocks];
#pragma GCC ivdep
         for (int64_t i = 0; i < 2 * kBlocks; i++) {
           const float radius = std::sqrt(-2.0f * log_f32(1.0f - uniform[2 * i]));
           double sine, cosine;
           sincos_f64(6.283185307179586476925 * uniform[2 * i + 1], sine, cosine);
           normal[2 * i] = static_cast<float>(radius * cosine);
           normal[2 * i + 1] = static_cast<float>(radius * sine);
         }
         std::copy(normal, normal + count, y + at);
       });
  return {};
}

Status kernel_dropout(const KernelCall& call) {
  const Source source(call.in[0]);
  const Sink sink(call.out[0]);
  const float p = call.real("p");
  const float scale = static_cast<float>(1.0 / (1.0 - call.op.attribute("p").real));
  draw(call.pool, Stream::of(call.in[1], call.integer("stream")), call.out[0].count(),
       [=](int64_t at, const float* uniform, int64_t count) {
         float from[4 * kBlocks], to[4 * kBlocks];
         const float* x = source.read(at, count, from);
         float* y = sink.open(at, to);
#pragma GCC ivdep
         for (int64_t i = 0; i < count; i++) y[i] = uniform[i] >= p ? x[i] * scale : 0.0f;
         sink.close(at, count, to);
       });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
