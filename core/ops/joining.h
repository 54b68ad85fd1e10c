// Joining and splitting.
#pragma once

#include <vector>

#include "graph/node.h"

namespace backlit::ops {

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim);
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim);
std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim);
Tensor flip(const Tensor& x, Span dims);
Tensor repeat(const Tensor& x, Span counts);
// x with src on a diagonal.
Tensor diagonal_scatter(const Tensor& x, const Tensor& src, std::int64_t offset, std::int64_t dim1,
                        std::int64_t dim2);

}  // namespace backlit::ops
