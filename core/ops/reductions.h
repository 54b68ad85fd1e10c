// Reductions.
#pragma once

#include <optional>

#include "graph/node.h"

namespace backlit::ops {

Tensor sum(const Tensor& x, std::optional<Dtype> dtype = std::nullopt);
// An empty `dims` means all of them.
Tensor sum(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype = std::nullopt);
Tensor mean(const Tensor& x, std::optional<Dtype> dtype = std::nullopt);
Tensor mean(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype = std::nullopt);

// amax or amin, with dimensions kept.
Tensor extreme_over_dims(const Tensor& x, Span dims, bool max);

// g in a shape with the same elements, where dimensions of size 1 come or go.
Tensor view_or_reshape(const Tensor& g, Span sizes);

}  // namespace backlit::ops
