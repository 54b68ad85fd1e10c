// Softmax, log-softmax and logsumexp over raw memory, and the statistics that cross entropy needs.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace backlit {

enum class SoftmaxKind : std::uint8_t { Softmax, LogSoftmax };

// Kernels of one dtype. "Rows": `rows` lines of n neighbours. "Columns": `width` lines side by
// side, whose n elements are `stride` apart.
struct SoftmaxKernels {
  using i64 = std::int64_t;
  void (*forward_rows[2])(const void* x, void* y, i64 rows, i64 n);
  void (*backward_rows[2])(const void* g, const void* y, void* gx, i64 rows, i64 n);
  void (*forward_columns[2])(const void* x, void* y, i64 n, i64 stride, i64 width);
  void (*backward_columns[2])(const void* g, const void* y, void* gx, i64 n, i64 stride, i64 width);
  void (*logsumexp_rows)(const void* x, void* y, i64 rows, i64 n);  // y: one number per line
  void (*logsumexp_columns)(const void* x, void* y, i64 n, i64 stride, i64 width);
  // top[r] = max of row r, log_sum[r] = ln of the sum of exp(x - top[r])
  void (*row_stats)(const void* x, void* top, void* log_sum, i64 rows, i64 n);
  // gx = factor[r] * exp(x - top[r] - log_sum[r])
  void (*scaled_softmax)(const void* x, const void* top, const void* log_sum, const void* factor,
                         void* gx, i64 rows, i64 n);
};
struct SoftmaxTable {
  SoftmaxKernels of[2];  // float32, float64
};
const SoftmaxKernels& softmax_kernels(Dtype d);

}  // namespace backlit
