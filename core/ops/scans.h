// Running sums and products, and what products need for their gradients.
#pragma once

#include <optional>

#include "graph/node.h"

namespace backlit::ops {

// From the end to the start when `reverse`; recorded.
Tensor cumsum(const Tensor& x, int d, bool reverse = false);
Tensor prod(const Tensor& x, std::int64_t dim, bool keepdim, std::optional<Dtype> dtype);
Tensor prod_along(const Tensor& x, int d);
// (..., n, ...) -> (..., n, n, ...): copy k of the line along d has its element k replaced by 1.
Tensor leave_one_out(const Tensor& x, int d);

}  // namespace backlit::ops
