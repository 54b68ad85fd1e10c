// Vectors of numbers, as wide as the instruction set has them; included by *.isa.cpp files only.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using i64 = std::int64_t;

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class T, int Bytes> struct VectorOf {
  typedef T Type __attribute__((vector_size(Bytes)));
  typedef T Unaligned __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
};

// L numbers of type T; one lane is the plain number.
template <class T, int L> struct Lanes {
  using Type = typename VectorOf<T, L * sizeof(T)>::Type;
  using Unaligned = typename VectorOf<T, L * sizeof(T)>::Unaligned;
  static Type load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
  static void store(T* p, Type v) { *reinterpret_cast<Unaligned*>(p) = v; }
};
template <class T> struct Lanes<T, 1> {
  using Type = T;
  static T load(const T* p) { return *p; }
  static void store(T* p, T v) { *p = v; }
};
template <class T> constexpr int kLanes = kBytes / sizeof(T);

// a * b + c, fused where the machine can: the build forbids the compiler to fuse.
template <class V> V multiply_add(V a, V b, V c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    if constexpr (sizeof(a[0]) == 4)
      return _mm512_fmadd_ps(a, b, c);
    else
      return _mm512_fmadd_pd(a, b, c);
  } else
#endif
#if defined(__AVX2__)
      if constexpr (sizeof(V) == 32) {
    if constexpr (sizeof(a[0]) == 4)
      return _mm256_fmadd_ps(a, b, c);
    else
      return _mm256_fmadd_pd(a, b, c);
  } else if constexpr (sizeof(V) == 16) {
    if constexpr (sizeof(a[0]) == 4)
      return _mm_fmadd_ps(a, b, c);
    else
      return _mm_fmadd_pd(a, b, c);
  } else
#endif
    return a * b + c;
}
#if defined(__AVX2__)
template <> [[maybe_unused]] float multiply_add(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
template <> [[maybe_unused]] double multiply_add(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
#endif

// The first n lanes of a full vector, the others 0. Memory behind them is neither read nor written.
template <class T> typename Lanes<T, kLanes<T>>::Type load_part(const T* p, i64 n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
  else
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
#else
  typename Lanes<T, kLanes<T>>::Type v{};
  for (i64 l = 0; l < n; ++l) v[l] = p[l];
  return v;
#endif
}
template <class T> void store_part(T* p, typename Lanes<T, kLanes<T>>::Type v, i64 n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), v);
#else
  for (i64 l = 0; l < n; ++l) p[l] = v[l];
#endif
}

template <class T, int L> T sum_lanes(typename Lanes<T, L>::Type v) {
  T part[L];
  Lanes<T, L>::store(part, v);
  for (int width = L / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) part[l] += part[l + width];
  return part[0];
}

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
