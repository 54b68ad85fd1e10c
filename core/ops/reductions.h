// Reductions.
#pragma once

#include <optional>

#include "graph/node.h"

namespace backlit::ops {

// An empty `dims` means all of them.
Tensor sum(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype = std::nullopt);
Tensor mean(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype = std::nullopt);

}  // namespace backlit::ops
