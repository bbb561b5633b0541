// Two vectors side by side: what is wider than the machine's vectors. The compiler keeps wider vectors of its
// own in memory between two operations where there is only AVX2 (twice the time of a row product).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::cpu::SLUICE_ISA {

#define SLUICE_LANES static inline __attribute__((always_inline))

template <typename Half>
struct Pair {
  Half low, high;
};

#define SLUICE_PAIR_OPERATOR(op)                                            \
  template <typename Half>                                                  \
  SLUICE_LANES Pair<Half> operator op(Pair<Half> a, Pair<Half> b) {         \
    return {a.low op b.low, a.high op b.high};                              \
  }                                                                         \
  template <typename Half, typename Number>                                 \
  requires std::is_arithmetic_v<Number> SLUICE_LANES Pair<Half>             \
  operator op(Pair<Half> a, Number b) { return {a.low op b, a.high op b}; } \
  template <typename Half, typename Number>                                 \
  requires std::is_arithmetic_v<Number> SLUICE_LANES Pair<Half>             \
  operator op(Number a, Pair<Half> b) { return {a op b.low, a op b.high}; }
SLUICE_PAIR_OPERATOR(+)
SLUICE_PAIR_OPERATOR(-)
SLUICE_PAIR_OPERATOR(*)
SLUICE_PAIR_OPERATOR(/)
SLUICE_PAIR_OPERATOR(&)
SLUICE_PAIR_OPERATOR(<<)
SLUICE_PAIR_OPERATOR(>>)
#undef SLUICE_PAIR_OPERATOR

template <typename Half>
SLUICE_LANES Pair<Half> operator-(Pair<Half> a) {
  return {-a.low, -a.high};
}
template <typename Half>
SLUICE_LANES Pair<Half>& operator+=(Pair<Half>& a, Pair<Half> b) {
  return a = a + b;
}

// What follows takes vectors of the machine and pairs of them alike.

template <typename Vector>
struct IsPair : std::false_type {};
template <typename Half>
struct IsPair<Pair<Half>> : std::true_type {};

template <typename Vector>
SLUICE_LANES Vector load_vector(const void* from) {
  if constexpr (IsPair<Vector>::value) {
    using Half = decltype(Vector::low);
    return {load_vector<Half>(from), load_vector<Half>(static_cast<const char*>(from) + sizeof(Half))};
  } else {
    Vector vector;
    std::memcpy(&vector, from, sizeof(Vector));
    return vector;
  }
}

template <typename Vector>
SLUICE_LANES void store_vector(void* to, Vector vector) {
  if constexpr (IsPair<Vector>::value) {
    store_vector(to, vector.low);
    store_vector(static_cast<char*>(to) + sizeof(vector.low), vector.high);
  } else {
    std::memcpy(to, &vector, sizeof(Vector));
  }
}

/** The same bits as a vector of another type. */
template <typename To, typename From>
SLUICE_LANES To bits_as(From from) {
  if constexpr (IsPair<From>::value) {
    using Half = decltype(To::low);
    return {bits_as<Half>(from.low), bits_as<Half>(from.high)};
  } else {
    return (To)from;
  }
}

/** The same numbers as a vector of another type. */
template <typename To, typename From>
SLUICE_LANES To converted(From from) {
  if constexpr (IsPair<From>::value) {
    using Half = decltype(To::low);
    return {converted<Half>(from.low), converted<Half>(from.high)};
  } else {
    return __builtin_convertvector(from, To);
  }
}

/** bf16, widened. */
template <typename Words>
SLUICE_LANES Words load_widened(const uint16_t* from) {
  if constexpr (IsPair<Words>::value) {
    using Half = decltype(Words::low);
    return {load_widened<Half>(from), load_widened<Half>(from + sizeof(Half) / 4)};
  } else {
    typedef uint16_t Halves __attribute__((vector_size(sizeof(Words) / 2)));
    Halves halves;
    std::memcpy(&halves, from, sizeof(Halves));
    return __builtin_convertvector(halves, Words) << 16;
  }
}

/** a where it is less than b, else b; b where either is NaN. */
template <typename Vector>
SLUICE_LANES Vector lesser(Vector a, Vector b) {
  if constexpr (IsPair<Vector>::value)
    return {lesser(a.low, b.low), lesser(a.high, b.high)};
  else
    return a < b ? a : b;
}

/** a where it is more than b, else b; b where either is NaN. */
template <typename Vector>
SLUICE_LANES Vector greater(Vector a, Vector b) {
  if constexpr (IsPair<Vector>::value)
    return {greater(a.low, b.low), greater(a.high, b.high)};
  else
    return a > b ? a : b;
}

/** y, but 0 where x is below the bound. */
template <typename Vector>
SLUICE_LANES Vector zero_below(Vector x, float bound, Vector y) {
  if constexpr (IsPair<Vector>::value)
    return {zero_below(x.low, bound, y.low), zero_below(x.high, bound, y.high)};
  else
    return x < bound ? Vector{} : y;
}

}  // namespace sluice::cpu::SLUICE_ISA
