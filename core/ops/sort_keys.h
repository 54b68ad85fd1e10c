// Keys (kernels/sort_key.h) with the positions that they come from, and their stable sort.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/sort_key.h"

namespace backlit::ops {

template <class U> struct KeyAt {
  U key;
  std::int64_t at;
};

inline constexpr std::int64_t kFewKeys = 16;  // sorted by insertion

// Stable sort of n keys; `spare` has room for n more.
template <class U> void sort_keys(KeyAt<U>* a, KeyAt<U>* spare, std::int64_t n) {
  if (n <= kFewKeys) {
    for (std::int64_t i = 1; i < n; ++i) {
      const KeyAt<U> moved = a[i];
      std::int64_t to = i;
      for (; to > 0 && a[to - 1].key > moved.key; --to) a[to] = a[to - 1];
      a[to] = moved;
    }
    return;
  }
  if (n < 512) {
    std::stable_sort(a, a + n, [](const KeyAt<U>& l, const KeyAt<U>& r) { return l.key < r.key; });
    return;
  }
  KeyAt<U>*from = a, *to = spare;
  for (unsigned shift = 0; shift < 8 * sizeof(U); shift += 8) {
    std::int64_t count[256] = {};
    for (std::int64_t i = 0; i < n; ++i) ++count[(from[i].key >> shift) & 255];
    if (count[(from[0].key >> shift) & 255] == n) continue;
    std::int64_t at = 0;
    for (auto& c : count) {
      const std::int64_t next = at + c;
      c = at;
      at = next;
    }
    for (std::int64_t i = 0; i < n; ++i) to[count[(from[i].key >> shift) & 255]++] = from[i];
    std::swap(from, to);
  }
  if (from != a) std::copy(from, from + n, a);
}

}  // namespace backlit::ops
