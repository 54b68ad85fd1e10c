// What the operations of torch.linalg share: checks, matrices as LAPACK takes them, recording.
#pragma once

#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "graph/node.h"
#include "kernels/lapack.h"
#include "ops/floats.h"
#include "registry/registry.h"

namespace backlit::ops {

// The last two dimensions hold a matrix (a square one), its elements are floating-point numbers.
void check_matrix(const char* name, const Tensor& a, const char* letter = "A");
void check_square(const char* name, const Tensor& a);

// torch.linalg.LinAlgError, a RuntimeError.
PyObject* linalg_error_type();
// Throws it for the first matrix whose info is not 0: "name: (Batch element 2): text of info".
void check_info(const char* name, const Tensor& info, std::string (*text)(int info));

Dims batch_of(const Tensor& a);                                // all but the last two sizes
Dims with_matrix(Span batch, std::int64_t m, std::int64_t n);  // batch, m, n

// A copy in which each matrix lies column by column: sizes as those of a, last strides (1, m).
Tensor columns_of(const Tensor& a);
// The same without contents.
Tensor empty_columns(Span batch, std::int64_t m, std::int64_t n, Dtype dtype);

Tensor identity(std::int64_t n, Dtype dtype);
Tensor triangle(const Tensor& x, std::int64_t k, bool lower);  // ops/rearranging.cpp
inline Tensor tril(const Tensor& x, std::int64_t k = 0) { return triangle(x, k, true); }
inline Tensor triu(const Tensor& x, std::int64_t k = 0) { return triangle(x, k, false); }
Tensor mT(const Tensor& x);
Tensor mH(const Tensor& x);  // the conjugate of mT(x)
// The lower triangle of m and its adjoint above, with the real part of the diagonal.
Tensor mirrored(const Tensor& m);

// op(A)·X = B, or X·op(A) = B, for triangular A; recorded. op transposes or not.
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true,
                        bool unit = false);
Tensor solve(const Tensor& a, const Tensor& b, bool left = true);  // A·X = B for matrices B
Tensor inverse(const Tensor& a, bool check_errors = false);
Tensor svdvals(const Tensor& a);  // singular values in falling order

// Calls f(i) for each of `count` matrices, on all cores where the work (in multiplications per
// matrix) is long.
template <class F> void each_matrix(std::int64_t count, double work, F&& f) {
  GilRelease release(static_cast<double>(count) * work > 1e5);
  const auto chunk = static_cast<std::int64_t>(std::max(1.0, 1e5 / std::max(work, 1.0)));
  parallel_for(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}
inline double cube(std::int64_t n) {
  return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
}
inline std::int32_t i32_of(std::int64_t n) { return static_cast<std::int32_t>(n); }

// Records a decomposition: its rule reads `saved` and then the floating outputs, in order.
template <class F>
void record_factors(const char* name, std::span<const Tensor> outputs,
                    std::span<const Tensor> inputs, F rule) {
  if (!should_record(inputs)) return;
  const int n = static_cast<int>(outputs.size());
  auto node = make_node(name, inputs, {}, n, n, std::move(rule));
  for (int i = 0; i < n; ++i)
    set_history(outputs[static_cast<std::size_t>(i)], node.get(), static_cast<std::uint32_t>(i));
  for (int i = 0; i < n; ++i)
    save_output(node->saved()[i], outputs[static_cast<std::size_t>(i)],
                static_cast<std::uint32_t>(i));
}

}  // namespace backlit::ops
