// The element of a given rank in lines of numbers, in the order of sort_key.h. Short lines are
// worked on many at a time, one per lane of a vector; a long one by itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace backlit {

// Longest line for the lanes: their keys stay in the second cache.
inline constexpr std::int64_t kShortLine = 1024;
inline constexpr int kMostLanes = 16;  // 512 bits of the shortest keys

// Of one dtype. Keys of the lanes lie interleaved, that of element i of line l at i * lanes + l;
// lanes from `lines` on repeat the last line. With `flip` the order is reversed.
struct SelectKernels {
  using i64 = std::int64_t;
  i64 lanes;
  std::size_t key_size;
  // Up to `lanes` lines, one after the other, or side by side with elements `stride` apart.
  void (*load_rows)(const void* x, i64 n, i64 lines, bool flip, void* keys);
  void (*load_columns)(const void* x, i64 n, i64 stride, i64 lines, bool flip, void* keys);
  void (*load_line)(const void* x, i64 n, void* keys);
  // How many keys of each lane, or of a line, are those of nan.
  void (*count_nan)(const void* keys, i64 n, i64* nans);
  i64 (*count_nan_line)(const void* keys, i64 n);
  // at[l] = position of the element of rank[l] in lane l. Of equal elements the first one has the
  // lowest rank.
  void (*select)(const void* keys, i64 n, const i64* rank, i64* at);
  i64 (*select_line)(const void* x, i64 n, i64 rank, void* keys);  // spoils the keys
};
const SelectKernels& select_kernels(Dtype d);

struct SelectTable {
  SelectKernels of_bool, of_u8, of_i8, of_i16, of_i32, of_i64, of_f32, of_f64;
};

}  // namespace backlit
