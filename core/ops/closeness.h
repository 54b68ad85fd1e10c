// Whether numbers are equal, or nearly.
#pragma once

#include "tensor/tensor.h"

namespace backlit::ops {

// |a − b| ≤ atol + rtol |b|, of each pair of elements and of all of them; not recorded.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan = false);
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan = false);

}  // namespace backlit::ops
