// Counter-based random words: those of element i of a draw depend on (seed, stream, step, i) alone. Philox
// 4x32-10 with key = (rng[0], rng[1]) and counter = (i / 4, stream, rng[2], 0) gives four 32-bit words for
// the elements 4*(i/4) .. +3.
#pragma once

#include "kernels.h"
#include "vector-math.h"

namespace sluice::cpu::SLUICE_ISA {

struct Words {
  uint32_t w[4];
};

struct Stream {
  uint32_t key0, key1, stream, step;

  static Stream of(const Tensor& rng, int64_t stream) {
    const auto word = [&](int i) { return static_cast<uint32_t>(rng.i32()[i]); };
    return {word(0), word(1), static_cast<uint32_t>(stream), word(2)};
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

constexpr int64_t kBlocks = 64;  // of four elements, made at once so that the loop over them vectorises

/** ordered[4 * kBlocks] = make(word) of the elements from `at` on, a multiple of four. */
template <typename T, typename Make>
SLUICE_INLINE void draw_some(const Stream& stream, int64_t at, T* ordered, Make make) {
  T values[4][kBlocks];
  const uint32_t block = static_cast<uint32_t>(at / 4);
#pragma GCC ivdep
  for (int64_t i = 0; i < kBlocks; i++) {
    const Words words = Stream::philox(stream, block + static_cast<uint32_t>(i));
    for (int j = 0; j < 4; j++) values[j][i] = make(words.w[j]);
  }
  for (int64_t i = 0; i < kBlocks; i++) {
    for (int j = 0; j < 4; j++) ordered[4 * i + j] = values[j][i];
  }
}

}  // namespace sluice::cpu::SLUICE_ISA
