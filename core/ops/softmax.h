// Softmax and log-softmax along one dimension.
#pragma once

#include "graph/node.h"
#include "kernels/softmax.h"

namespace backlit::ops {

Tensor softmax(const Tensor& x, std::int64_t dim);
Tensor log_softmax(const Tensor& x, std::int64_t dim);

}  // namespace backlit::ops
