// Order along one dimension.
#pragma once

#include "graph/node.h"

namespace backlit::ops {

struct Sorted {
  Tensor values, indices;
};
// Stable; nan is larger than everything. Not recorded.
Sorted sort_lines(const Tensor& x, int d, bool descending);
// Recorded as `name`.
Sorted sort(const char* name, const Tensor& x, int d, bool descending);

Tensor nonzero(const Tensor& x);                        // (n, ndim)
std::vector<Tensor> nonzero_as_tuple(const Tensor& x);  // ndim vectors

}  // namespace backlit::ops
