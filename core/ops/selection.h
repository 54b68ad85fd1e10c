// One element of each line of a tensor, or a few: their values and positions.
#pragma once

#include "graph/node.h"
#include "registry/registry.h"

namespace backlit::ops {

// `sizes` with n elements along d; those of a 0-d tensor stay.
Dims with_size(Span sizes, int d, std::int64_t n);

// dim of a reduction that needs an element in every line.
int checked_dim(const char* name, const Tensor& x, std::int64_t dim);

// The elements of x at `wide`, which holds one position per line along d, and those positions, as
// the operation `name` recorded as `node`.
Named<2> named_choice(const char* name, const char* node, const Tensor& x, int d, bool keepdim,
                      const Tensor& wide);

}  // namespace backlit::ops
