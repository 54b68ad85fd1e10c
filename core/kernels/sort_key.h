// Numbers as unsigned keys of the same order, so that one comparison (or one radix pass) serves all
// dtypes: -0 equals 0, and nan comes last.
#pragma once

#include <cstdint>
#include <type_traits>

#include "formulas/math_base.h"

namespace backlit {
inline namespace BACKLIT_ISA {

template <class T> using SortKey = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T> BACKLIT_INLINE SortKey<T> sort_key(T x) {
  using U = SortKey<T>;
  constexpr U top = U{1} << (8 * sizeof(U) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    const U bits = math::to_bits(x + T(0));  // -0 + 0 is 0
    return math::where(x != x, ~U{0}, bits ^ math::where((bits & top) != 0, ~U{0}, top));
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<U>(static_cast<std::make_signed_t<U>>(x)) ^ top;
  } else {
    return static_cast<U>(x);
  }
}

}  // namespace BACKLIT_ISA
}  // namespace backlit
