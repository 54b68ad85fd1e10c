// Exponentials: exp, exp2, expm1, sigmoid, sinh, cosh, tanh.
//
// The polynomials of math_*.h are minimax fits (Remez exchange at 45 digits; float coefficients
// rounded one after the other, each time refitting the rest). `2^-n` is their relative error.
#pragma once

#include "math_base.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// 2^n · p in two steps, so that results beyond the normal range round once; |n| <= 2·bias.
template <Floating T> BACKLIT_INLINE T scale(T p, BitsOf<T> n) {
  constexpr int m = Format<T>::mantissa;
  const BitsOf<T> e = n + 2 * Format<T>::bias;
  const BitsOf<T> half = e >> 1;
  return p * from_bits<T>(half << m) * from_bits<T>((e - half) << m);
}

// x = n·ln 2 + r, |r| <= ln(2)/2, with n as an integer in two's complement.
template <Floating T> struct Reduced {
  T r;
  BitsOf<T> n;
};

// ln 2 in two parts; the first has so few bits that its product with n is exact.
template <class T> inline constexpr T ln2_hi = 0x1.62e42feep-1;
template <class T> inline constexpr T ln2_lo = 0x1.a39ef35793c76p-33;
template <> inline constexpr float ln2_hi<float> = 0x1.62ep-1f;
template <> inline constexpr float ln2_lo<float> = 0x1.0bfbe8p-15f;

template <Floating T> BACKLIT_INLINE Reduced<T> reduce_ln2(T x) {
  constexpr T shift = Format<T>::shift;
  const T t = fma(x, log2e<T>, shift);
  const T k = t - shift;
  return {fma(-k, ln2_lo<T>, fma(-k, ln2_hi<T>, x)), to_bits(t) - to_bits(shift)};
}

// (e^r - 1 - r) / r² on |r| <= ln(2)/2: 2^-31 (float), 2^-60 (double).
template <Floating T> BACKLIT_INLINE T exp_tail(T r) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(r, 0x1p-1f, 0x1.555556p-3f, 0x1.555544p-5f, 0x1.111p-7f, 0x1.6ce4a4p-10f,
                      0x1.a24a18p-13f);
  else
    return polynomial(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555553ep-5, 0x1.111111110f6abp-7,
                      0x1.6c16c16c1f0f3p-10, 0x1.a01a01afe91ddp-13, 0x1.a01a017bb5da8p-16,
                      0x1.71ddf843626a3p-19, 0x1.27e536202cb8ap-22, 0x1.af5ee5ee74a06p-26,
                      0x1.1ee8e55e59a4bp-29);
}

// 2^k · e^x. The clamps lie beyond overflow and underflow; nan passes them.
template <Floating T> BACKLIT_INLINE T exp_scaled(T x, int k) {
  constexpr bool single = std::is_same_v<T, float>;
  constexpr T low = single ? -104 : -746, high = single ? 90 : 711;
  x = where(x < low, low, where(x > high, high, x));
  const auto [r, n] = reduce_ln2(x);
  const T p = fma(r * r, exp_tail(r), r) + 1;
  return scale(p, n + static_cast<BitsOf<T>>(k));
}

template <Floating T> BACKLIT_INLINE T exp(T x) { return exp_scaled(x, 0); }

template <Floating T> BACKLIT_INLINE T expm1(T x) {
  constexpr bool single = std::is_same_v<T, float>;
  constexpr T low = single ? -20 : -40, high = single ? 89 : 710, tiny = single ? 0x1p-26 : 0x1p-55;
  const T c = where(x < low, low, where(x > high, high, x));
  const auto [r, n] = reduce_ln2(c);
  const T p = fma(r * r, exp_tail(r), r);
  // 2^n itself can overflow where the result does not: half of it, doubled at the end.
  const T half = from_bits<T>((n + (Format<T>::bias - 1)) << Format<T>::mantissa);
  const T y = 2 * fma(p, half, half - T(0.5));
  return where(abs(x) < tiny, x, where(n == 0, p, y));
}

// (2^r - 1) / r on |r| <= 1/2: 2^-26 (float, but for its first coefficient), 2^-56 (double).
template <Floating T> BACKLIT_INLINE T exp2_poly(T r) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(r, 0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6b006p-5f, 0x1.3b2764p-7f,
                      0x1.5ed892p-10f, 0x1.4ae372p-13f);
  else
    return polynomial(r, 0x1.62e42fefa39efp-1, 0x1.ebfbdff82c58fp-3, 0x1.c6b08d704a0d1p-5,
                      0x1.3b2ab6fba4e82p-7, 0x1.5d87fe78a22dp-10, 0x1.430912f868cf3p-13,
                      0x1.ffcbfc75e390ap-17, 0x1.62c0224dc553p-20, 0x1.b524db55003b1p-24,
                      0x1.e4cee7b9b620ap-28, 0x1.ea041d4927a71p-32, 0x1.c4db5b7a4f415p-36);
}

template <Floating T> BACKLIT_INLINE T exp2(T x) {
  constexpr bool single = std::is_same_v<T, float>;
  constexpr T low = single ? -151 : -1076, high = single ? 129 : 1025;
  constexpr T shift = Format<T>::shift;
  x = where(x < low, low, where(x > high, high, x));
  const T t = x + shift;
  const T r = x - (t - shift);
  return scale(fma(r, exp2_poly(r), T(1)), to_bits(t) - to_bits(shift));
}

// 1 / (1 + e^-x), which neither overflows nor cancels.
template <Floating T> BACKLIT_INLINE T sigmoid(T x) {
  const T z = exp(-abs(x)), sum = 1 + z, lost = z - (sum - 1);
  const T y = where(x < 0, z, T(1)) / sum;
  return fma(-y * lost, where(x < 0, 1 - y, y), y);  // the last factor is 1 / sum
}

// (sinh √z / √z - 1) / z on z <= 1: 2^-31 (float), 2^-56 (double).
template <Floating T> BACKLIT_INLINE T sinh_poly(T z) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(z, 0x1.555556p-3f, 0x1.1110e2p-7f, 0x1.a02156p-13f, 0x1.75a6f2p-19f);
  else
    return polynomial(z, 0x1.5555555555556p-3, 0x1.11111111110a1p-7, 0x1.a01a01a0291f7p-13,
                      0x1.71de3a45f7479p-19, 0x1.ae646766739b1p-26, 0x1.611a3a2880979p-33,
                      0x1.b4cf761911af6p-41);
}

template <Floating T> BACKLIT_INLINE T sinh(T x) {
  const T a = abs(x), z = x * x;
  const T h = exp_scaled(a, -1);
  const T large = copysign(h - T(0.25) / h, x);
  return where(a < 1, fma(x * z, sinh_poly(z), x), large);
}

template <Floating T> BACKLIT_INLINE T cosh(T x) {
  const T h = exp_scaled(abs(x), -1);
  return h + T(0.25) / h;
}

// e^x where it is a normal number.
template <Floating T> BACKLIT_INLINE T exp_bounded(T x) {
  const auto [r, n] = reduce_ln2(x);
  const T p = fma(r * r, exp_tail(r), r) + 1;
  return p * from_bits<T>((n + Format<T>::bias) << Format<T>::mantissa);
}

// e^x - 1 where e^x is a normal number: one formula for every x, so that a function which is small
// with x needs no other one near 0.
template <Floating T> BACKLIT_INLINE T expm1_bounded(T x) {
  const auto [r, n] = reduce_ln2(x);
  const T p = fma(r * r, exp_tail(r), r);
  const T power = from_bits<T>((n + Format<T>::bias) << Format<T>::mantissa);
  return fma(p, power, power - 1);
}

// (e^2x - 1) / (e^2x + 1), which is 1 from the limit on.
template <Floating T> BACKLIT_INLINE T tanh(T x) {
  constexpr T limit = std::is_same_v<T, float> ? 10 : 20;
  const T a = abs(x), e = expm1_bounded(2 * where(a > limit, limit, a));
  const T sum = e + 2, y = e / sum;
  const T lost = where(e < 2, T(0.5) * (e - (sum - 2)), T(0));  // 0.5: about 1 / sum
  return copysign(fma(-lost, y, y), x);
}

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
