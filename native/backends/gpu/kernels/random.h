// Counter-based random numbers: element i of a draw depends on (seed, stream, step, i) alone.
//
// Philox 4x32-10 with key = (rng[0], rng[1]) and counter = (i / 4, stream, rng[2], 0) gives four words
// w[0..3] for the elements 4*(i/4) .. +3. With u(w) = (w >> 8) * 2^-24: uniform is u(w[i % 4]); normal takes
// pairs of words, radius sqrt(-2 ln(1 - u(first))), angle 2 pi u(second), its cosine for the even element and
// its sine for the odd one; dropout keeps the element where u(w[i % 4]) >= p.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

struct Words {
  uint32 w[4];
};

FN Words philox(const DEVICE int* rng, uint32 stream, uint32 block) {
  uint32 c0 = block, c1 = stream, c2 = uint32(rng[2]), c3 = 0, k0 = uint32(rng[0]), k1 = uint32(rng[1]);
  for (int round = 0; round < 10; round++) {
    const uint64 p0 = uint64(0xD2511F53u) * c0, p1 = uint64(0xCD9E8D57u) * c2;
    const uint32 n0 = uint32(p1 >> 32) ^ c1 ^ k0, n2 = uint32(p0 >> 32) ^ c3 ^ k1;
    c1 = uint32(p1);
    c3 = uint32(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  Words words;
  words.w[0] = c0, words.w[1] = c1, words.w[2] = c2, words.w[3] = c3;
  return words;
}

FN float unit(uint32 word) { return float(int(word >> 8)) * 5.9604644775390625e-8f; }

struct Draw {
  int64 count;
  uint32 stream;
  int normal;
};

/** Four elements per thread. */
KERNEL(draw, READS(0, int, rng), WRITES(1, float, y), PARAMS(2, Draw)) {
  const int64 first = 4 * AT;
  if (first >= p.count) return;
  const Words words = philox(rng, p.stream, uint32(AT));
  for (int i = 0; i < 4 && first + i < p.count; i++) {
    float value = unit(words.w[i]);
    if (p.normal) {
      const float radius = sqrt(-2.0f * log(1.0f - unit(words.w[i & 2])));
      const float angle = 6.2831853071795865f * unit(words.w[(i & 2) + 1]);
      value = radius * (i % 2 ? sin(angle) : cos(angle));
    }
    y[first + i] = value;
  }
}

struct Dropout {
  int64 count;
  uint32 stream;
  float probability;
  int x_bf16, y_bf16;
};

KERNEL(dropout, READS(0, void, x), READS(1, int, rng), WRITES(2, void, y), PARAMS(3, Dropout)) {
  const int64 first = 4 * AT;
  if (first >= p.count) return;
  const Words words = philox(rng, p.stream, uint32(AT));
  const float scale = 1.0f / (1.0f - p.probability);
  for (int i = 0; i < 4 && first + i < p.count; i++)
    STORE(y, first + i, unit(words.w[i]) >= p.probability ? LOAD(x, first + i) * scale : 0.0f);
}

DIALECT_END
