// Counter-based random numbers: element i of a draw depends on (seed, stream, step, i) alone.
//
// Philox 4x32-10 with key = (rng[0], rng[1]) and counter = (i / 4, stream, rng[2], 0) gives four 32-bit words
// w[0..3] for the elements 4*(i/4) .. +3. With u(w) = (w >> 8) * 2^-24:
//   uniform   u(w[i % 4])
//   normal    from each pair (w[0], w[1]) and (w[2], w[3]): r = sqrt(-2 ln(1 - u(first))), angle = 2 pi
//   u(second);
//             the even element is r cos(angle), the odd one r sin(angle)
//   dropout   the element stays where u(w[i % 4]) >= p
#include "floats.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

struct Words {
  uint32_t w[4];
};

struct Stream {
  uint32_t key0, key1, stream, step;

  Stream(const Tensor& rng, int64_t stream_number) {
    const int32_t* numbers = rng.i32();
    key0 = static_cast<uint32_t>(numbers[0]);
    key1 = static_cast<uint32_t>(numbers[1]);
    step = static_cast<uint32_t>(numbers[2]);
    stream = static_cast<uint32_t>(stream_number);
  }

  SLUICE_INLINE Words philox(const Stream& self, uint32_t block) {
    uint32_t c0 = block, c1 = self.stream, c2 = self.step, c3 = 0, k0 = self.key0, k1 = self.key1;
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(p1);
      c3 = static_cast<uint32_t>(p0);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
  }
};

SLUICE_INLINE float unit(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

constexpr int64_t kBlocks = 64;  // of four elements, made at once so that the loop over them vectorises

/** use(first element, uniforms [4 * kBlocks], count) for the elements of [0, count) in pieces. */
template <typename Use>
void draw(ThreadPool& pool, const Stream& stream, int64_t count, Use use) {
  in_pieces(pool, count, kElements, [&](int64_t begin, int64_t end, void*) {
    float values[4][kBlocks], ordered[4 * kBlocks];
    for (int64_t at = begin; at < end; at += 4 * kBlocks) {
      const uint32_t block = static_cast<uint32_t>(at / 4);
#pragma GCC ivdep
      for (int64_t i = 0; i < kBlocks; i++) {
        const Words words = Stream::philox(stream, block + static_cast<uint32_t>(i));
        for (int j = 0; j < 4; j++) values[j][i] = unit(words.w[j]);
      }
      for (int64_t i = 0; i < kBlocks; i++) {
        for (int j = 0; j < 4; j++) ordered[4 * i + j] = values[j][i];
      }
      use(at, ordered, std::min(4 * kBlocks, end - at));
    }
  });
}

}  // namespace

Status kernel_random_uniform(const KernelCall& call) {
  float* y = call.out[0].f32();
  draw(call.pool, Stream(call.in[0], call.integer("stream")), call.out[0].count(),
       [=](int64_t at, const float* uniform, int64_t count) { std::copy(uniform, uniform + count, y + at); });
  return {};
}

Status kernel_random_normal(const KernelCall& call) {
  float* y = call.out[0].f32();
  draw(call.pool, Stream(call.in[0], call.integer("stream")), call.out[0].count(),
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
  draw(call.pool, Stream(call.in[1], call.integer("stream")), call.out[0].count(),
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
