// Dropout, for operations that contain it.
#pragma once

#include "graph/node.h"

namespace backlit::ops {

// Each element is 0 with probability p, else divided by 1 - p; recorded. x itself when not
// training.
Tensor dropout(const Tensor& x, double p, bool training = true);

}  // namespace backlit::ops
