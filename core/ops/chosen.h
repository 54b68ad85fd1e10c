// Elements of planes by their places: what the gradients of max pooling and of its inverse are.
#pragma once

#include "graph/node.h"

namespace backlit::ops {

// y[p, j] = x[p, at[p, j]]: planes p, numbered in row-major order over their last `dims`
// dimensions. Recorded.
Tensor chosen(const Tensor& x, const Tensor& at, int dims, const char* name);
// Zeros of planes `sizes` (the last `dims` of them) with g's elements added at their places.
Tensor put_back(const Tensor& g, const Tensor& at, Span sizes, int dims, const char* name);
// The same with the elements stored: of several for one place the last one stays. Throws where a
// place is out of range.
Tensor placed(const Tensor& x, const Tensor& at, Span sizes, int dims, const char* name);

}  // namespace backlit::ops
