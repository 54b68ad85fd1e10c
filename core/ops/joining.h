// Joining and splitting.
#pragma once

#include <vector>

#include "graph/node.h"

namespace backlit::ops {

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim);
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim);
std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim);

}  // namespace backlit::ops
