// Elementary functions without branches or calls, so that loops over them vectorise. f32 unless said
// otherwise; errors are 1-2 ulp over the whole range, with the limits of the C library (inf, 0, NaN stay what
// they are).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace sluice::cpu::SLUICE_ISA {

#define SLUICE_INLINE static inline __attribute__((always_inline))

SLUICE_INLINE float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

SLUICE_INLINE uint32_t to_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

/** e^x = 2^n e^r with |r| <= ln2/2; the power of two is applied in halves so that it may leave the normal
 * range. */
SLUICE_INLINE float exp_f32(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -105.0f ? -105.0f : x;
  const float shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23: rounds to a whole number
  const float n = shifted - 12582912.0f;
  float r = x - n * 0.693145751953125f;
  r = r - n * 1.42860682030941723212e-6f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t whole = static_cast<int32_t>(to_bits(shifted) - to_bits(12582912.0f));
  const int32_t half = whole >> 1;
  const uint32_t first = static_cast<uint32_t>(half + 127) << 23;
  const uint32_t second = static_cast<uint32_t>(whole - half + 127) << 23;
  return p * from_bits(first) * from_bits(second);
}

/** For x <= 0 and results that are added to others: anything below e^-87 is 0. */
SLUICE_INLINE float exp_negative(float x) {
  const float clamped = x < -87.0f ? -87.0f : x;
  const float shifted = clamped * 1.44269504088896341f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  float r = clamped - n * 0.693145751953125f;
  r = r - n * 1.42860682030941723212e-6f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const uint32_t scale = (to_bits(shifted) - to_bits(12582912.0f) + 127u) << 23;
  return x < -87.0f ? 0.0f : p * from_bits(scale);
}

SLUICE_INLINE float log_f32(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const uint32_t bits = to_bits(tiny ? x * 8388608.0f : x);
  // mantissa in [sqrt(1/2), sqrt(2))
  const uint32_t shifted = bits - 0x3f3504f3u;
  float e = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  e = tiny ? e - 23.0f : e;
  const float m = from_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float y = p * m * z;
  y = y - 2.12194440e-4f * e;
  y = y - 0.5f * z;
  float result = m + y;
  result = result + 0.693359375f * e;
  result = x == INFINITY ? INFINITY : result;
  result = x == 0.0f ? -INFINITY : result;
  result = x < 0.0f ? NAN : result;
  return x != x ? x : result;
}

SLUICE_INLINE float sigmoid_f32(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

SLUICE_INLINE float tanh_f32(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * x + x;
  const float size = std::fabs(x);
  const float far = std::copysign(1.0f - 2.0f / (exp_f32(size + size) + 1.0f), x);
  return size < 0.625f ? near : far;
}

/** Rational approximation on |x| <= 4, as Eigen and XLA use; absolute error below 2e-7. */
SLUICE_INLINE float erf_f32(float x) {
  float c = x > 4.0f ? 4.0f : x;
  c = c < -4.0f ? -4.0f : c;
  const float z = c * c;
  float p = -2.72614225801306e-10f;
  p = p * z + 2.77068142495902e-08f;
  p = p * z - 2.10102402082508e-06f;
  p = p * z - 5.69250639462346e-05f;
  p = p * z - 7.34990630326855e-04f;
  p = p * z - 2.95459980854025e-03f;
  p = p * z - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * z - 2.13374055278905e-04f;
  q = q * z - 1.68282697438203e-03f;
  q = q * z - 7.37332916720468e-03f;
  q = q * z - 1.42647390514189e-02f;
  return c * p / q;
}

/** sin and cos in f64 for |x| up to about 1e8 (rotary angles, Box-Muller). */
SLUICE_INLINE void sincos_f64(double x, double& sine, double& cosine) {
  const double shifted = x * 0.63661977236758134308 + 6755399441055744.0;  // 1.5 * 2^52
  const double n = shifted - 6755399441055744.0;
  uint64_t quadrant;
  std::memcpy(&quadrant, &shifted, 8);
  double r = x - n * 1.57079632673412561417e+00;
  r = r - n * 6.07710050650619224932e-11;
  const double z = r * r;
  double s = -2.50507477628578072866e-8;
  s = s * z + 2.75573136213857245213e-6;
  s = s * z - 1.98412698295895385996e-4;
  s = s * z + 8.33333333332211858878e-3;
  s = s * z - 1.66666666666666307295e-1;
  s = s * z * r + r;
  double c = 2.08757008419747316778e-9;
  c = c * z - 2.75573141792967388112e-7;
  c = c * z + 2.48015872888517045348e-5;
  c = c * z - 1.38888888888730564116e-3;
  c = c * z + 4.16666666666665929218e-2;
  c = c * z * z - 0.5 * z + 1.0;
  const bool swap = quadrant & 1;
  const double first = swap ? c : s;
  const double second = swap ? s : c;
  sine = (quadrant & 2) ? -first : first;
  cosine = ((quadrant + 1) & 2) ? -second : second;
}

}  // namespace sluice::cpu::SLUICE_ISA
