#include "kernels/transposed_copy.h"

#include <algorithm>
#include <cstring>

#include "base/dtype.h"

namespace backlit {
namespace {

using i64 = std::int64_t;

// Blocks go through a buffer: the input is read, and the output written, by whole cache lines, also
// where the strides are powers of two and lines of different rows compete for one place in the
// cache.
template <class T>
void copy_blocks(const TransposedCopy& t, const char* from, char* to, i64 begin, i64 end) {
  constexpr i64 kRows = 64 / sizeof(T), kColumns = 64;
  T block[kRows][kColumns];
  for (i64 r = begin; r < end; r += kRows) {
    const i64 rows = std::min(kRows, end - r);
    for (i64 c = 0; c < t.columns; c += kColumns) {
      const i64 columns = std::min(kColumns, t.columns - c);
      for (i64 k = 0; k < columns; ++k) {
        const T* line = reinterpret_cast<const T*>(from + (c + k) * t.from_stride) + r;
        if (rows == kRows)
          for (i64 i = 0; i < kRows; ++i) block[i][k] = line[i];
        else
          for (i64 i = 0; i < rows; ++i) block[i][k] = line[i];
      }
      for (i64 i = 0; i < rows; ++i)
        std::memcpy(to + (r + i) * t.to_stride + c * static_cast<i64>(sizeof(T)), block[i],
                    static_cast<std::size_t>(columns) * sizeof(T));
    }
  }
}

}  // namespace

void copy_transposed(const TransposedCopy& t, const char* from, char* to, i64 begin, i64 end) {
  visit_size(t.element, [&](auto zero) { copy_blocks<decltype(zero)>(t, from, to, begin, end); });
}

}  // namespace backlit
