// Copies of matrices whose rows lie in the direction of the other's columns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backlit {

// Row r, column c of the input lies at r * element + c * from_stride bytes, of the output at
// r * to_stride + c * element.
struct TransposedCopy {
  std::int64_t rows, columns;
  std::int64_t from_stride, to_stride;
  std::size_t element;
};
// The rows [begin, end).
void copy_transposed(const TransposedCopy& t, const char* from, char* to, std::int64_t begin,
                     std::int64_t end);

}  // namespace backlit
