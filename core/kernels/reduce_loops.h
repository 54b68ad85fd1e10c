// The loops of a reduction, generic in what is accumulated; included by reduce*.isa.cpp files only.
//
// Sums are blocked: kBlock additions into one register, kBlocks of those into the next level, and
// those into the last: a tile of kReduceChunk elements has an error of a few dozen roundings, not
// thousands.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/isa.h"
#include "kernels/reduce.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using i64 = std::int64_t;

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr i64 kBlock = 32, kBlocks = 16;

template <class T, int L> struct VectorOf {
  typedef T Type __attribute__((vector_size(L * sizeof(T))));
  typedef T Unaligned __attribute__((vector_size(L * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T, int L> using Vector = typename VectorOf<T, L>::Type;

template <class T, int L> Vector<T, L> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T, L>::Unaligned*>(p);
}
template <class T, int L> void store(T* p, Vector<T, L> v) {
  *reinterpret_cast<typename VectorOf<T, L>::Unaligned*>(p) = v;
}

// K describes the reduction: In (element), Acc (accumulator), start(), map(x, p), combine(a, b) for
// numbers and vectors of L lanes alike.
template <class K, int L> using AccVector = Vector<typename K::Acc, L>;
template <class K> constexpr int kLanes = kVectorBytes / sizeof(typename K::Acc);

template <class K> typename K::Acc mapped(typename K::In x, typename K::Acc p) {
  return K::template map<typename K::In, typename K::Acc>(x, p);
}
template <class K, int L> AccVector<K, L> mapped(Vector<typename K::In, L> x, AccVector<K, L> p) {
  return K::template map<Vector<typename K::In, L>, AccVector<K, L>>(x, p);
}
template <class K, int L> AccVector<K, L> splat(typename K::Acc x) { return AccVector<K, L>{} + x; }

template <class K, int L> typename K::Acc across(AccVector<K, L> v) {
  typename K::Acc part[L];
  store<typename K::Acc, L>(part, v);
  for (int width = L / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) part[l] = K::combine(part[l], part[l + width]);
  return part[0];
}

// n contiguous elements.
template <class K> typename K::Acc reduce_row(const typename K::In* x, i64 n, typename K::Acc p) {
  using In = typename K::In;
  constexpr int L = kLanes<K>, U = 4;
  typename K::Acc result = K::start();
  i64 i = 0;
  if (n >= L) {
    const AccVector<K, L> pv = splat<K, L>(p);
    AccVector<K, L> total = splat<K, L>(K::start());
    while (i + U * L <= n) {
      AccVector<K, L> sum[U];
      for (int u = 0; u < U; ++u) sum[u] = splat<K, L>(K::start());
      for (i64 b = 0; b < kBlock && i + U * L <= n; ++b, i += U * L)
        for (int u = 0; u < U; ++u)
          sum[u] = K::combine(sum[u], mapped<K, L>(load<In, L>(x + i + u * L), pv));
      total = K::combine(total, K::combine(K::combine(sum[0], sum[1]), K::combine(sum[2], sum[3])));
    }
    AccVector<K, L> rest = splat<K, L>(K::start());
    for (; i + L <= n; i += L) rest = K::combine(rest, mapped<K, L>(load<In, L>(x + i), pv));
    result = across<K, L>(K::combine(total, rest));
  }
  typename K::Acc tail = K::start();
  for (; i < n; ++i) tail = K::combine(tail, mapped<K>(x[i], p));
  return K::combine(result, tail);
}

template <class K>
typename K::Acc reduce_strided(const typename K::In* x, i64 n, i64 stride, typename K::Acc p) {
  using Acc = typename K::Acc;
  Acc high = K::start(), middle = K::start();
  for (i64 i = 0, block = 1; i < n; ++block) {
    Acc sum[4] = {K::start(), K::start(), K::start(), K::start()};
    for (i64 b = 0; b < kBlock && i + 4 <= n; ++b, i += 4)
      for (int u = 0; u < 4; ++u) sum[u] = K::combine(sum[u], mapped<K>(x[(i + u) * stride], p));
    if (n - i < 4)
      for (; i < n; ++i) sum[0] = K::combine(sum[0], mapped<K>(x[i * stride], p));
    middle = K::combine(middle, K::combine(K::combine(sum[0], sum[1]), K::combine(sum[2], sum[3])));
    if (block % kBlocks == 0) {
      high = K::combine(high, middle);
      middle = K::start();
    }
  }
  return K::combine(high, middle);
}

// U vectors of L columns, n rows that are `stride` apart.
template <class K, int U, int L>
void column_block(const typename K::In* x, i64 n, i64 stride, const typename K::Acc* p,
                  typename K::Acc* acc) {
  using In = typename K::In;
  using Acc = typename K::Acc;
  using V = AccVector<K, L>;
  V total[U], pv[U];
  for (int u = 0; u < U; ++u) {
    total[u] = splat<K, L>(K::start());
    pv[u] = p ? load<Acc, L>(p + u * L) : V{};
  }
  for (i64 i = 0; i < n;) {
    V middle[U];
    for (int u = 0; u < U; ++u) middle[u] = splat<K, L>(K::start());
    for (i64 b = 0; b < kBlocks && i < n; ++b) {
      V sum[U];
      for (int u = 0; u < U; ++u) sum[u] = splat<K, L>(K::start());
      const i64 end = n - i < kBlock ? n : i + kBlock;
      for (; i < end; ++i)
        for (int u = 0; u < U; ++u)
          sum[u] = K::combine(sum[u], mapped<K, L>(load<In, L>(x + i * stride + u * L), pv[u]));
      for (int u = 0; u < U; ++u) middle[u] = K::combine(middle[u], sum[u]);
    }
    for (int u = 0; u < U; ++u) total[u] = K::combine(total[u], middle[u]);
  }
  for (int u = 0; u < U; ++u) store<Acc, L>(acc + u * L, total[u]);
}

template <class K, int U, int L>
void reduce_columns(const typename K::In* x, i64 n, i64 stride, i64 count, const typename K::Acc* p,
                    typename K::Acc* acc) {
  i64 c = 0;
  for (; c + U * L <= count; c += U * L)
    column_block<K, U, L>(x + c, n, stride, p ? p + c : nullptr, acc + c);
  if (c == count) return;
  if constexpr (U > 1) {
    reduce_columns<K, 1, L>(x + c, n, stride, count - c, p ? p + c : nullptr, acc + c);
  } else if constexpr (L > 2) {
    reduce_columns<K, 1, L / 2>(x + c, n, stride, count - c, p ? p + c : nullptr, acc + c);
  } else {
    for (; c < count; ++c)
      acc[c] = reduce_strided<K>(x + c, n, stride, p ? p[c] : typename K::Acc{});
  }
}

template <class K>
void tile(const void* x, i64 n, i64 stride, i64 count, i64 step, const void* parameters,
          void* out) {
  using Acc = typename K::Acc;
  const auto* in = static_cast<const typename K::In*>(x);
  const auto* p = static_cast<const Acc*>(parameters);
  auto* acc = static_cast<Acc*>(out);
  if (stride == 1) {
    for (i64 c = 0; c < count; ++c) acc[c] = reduce_row<K>(in + c * step, n, p ? p[c] : Acc{});
  } else if (step == 1) {
    reduce_columns<K, 4, kLanes<K>>(in, n, stride, count, p, acc);
  } else {
    for (i64 c = 0; c < count; ++c)
      acc[c] = reduce_strided<K>(in + c * step, n, stride, p ? p[c] : Acc{});
  }
}

template <class K> void combine_tiles(void* acc, const void* other, i64 count) {
  auto* a = static_cast<typename K::Acc*>(acc);
  const auto* b = static_cast<const typename K::Acc*>(other);
  for (i64 c = 0; c < count; ++c) a[c] = K::combine(a[c], b[c]);
}
template <class K> void store_tile(const void* acc, void* out, i64 count) {
  const auto* a = static_cast<const typename K::Acc*>(acc);
  auto* y = static_cast<typename K::Out*>(out);
  for (i64 c = 0; c < count; ++c) y[c] = static_cast<typename K::Out>(a[c]);
}
template <class K> void identity_tile(void* acc, i64 count) {
  auto* a = static_cast<typename K::Acc*>(acc);
  for (i64 c = 0; c < count; ++c) a[c] = K::start();
}

template <class K> constexpr ReduceKernel kernel_of() {
  return {&tile<K>,          &combine_tiles<K>,         &store_tile<K>,
          &identity_tile<K>, dtype_of<typename K::Out>, sizeof(typename K::Acc)};
}

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
