// Square blocks transposed in registers; included by *.isa.cpp files only.
#pragma once

#include <cstddef>
#include <utility>

#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

// Runs of `step` lanes are exchanged between two rows: the odd runs of a with the even ones of b.
template <int L, int step, bool second, class V, std::size_t... l>
V exchange(V a, V b, std::index_sequence<l...>) {
  return __builtin_shufflevector(
      a, b, (l & step ? L + (second ? l : l - step) : (second ? l + step : l))...);
}

// x: L vectors of L lanes. Blocks change places across the diagonal, then the blocks inside them.
template <int L, int step = L / 2, class V> void transpose_block(V (&x)[L]) {
  if constexpr (step > 0) {
    constexpr std::make_index_sequence<L> lanes;
    for (int i = 0; i < L; ++i) {
      if (i & step) continue;
      const V a = x[i], b = x[i + step];
      x[i] = exchange<L, step, false>(a, b, lanes);
      x[i + step] = exchange<L, step, true>(a, b, lanes);
    }
    transpose_block<L, step / 2>(x);
  }
}

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
