// Normalisations: what they share.
#pragma once

#include <initializer_list>

#include "tensor/tensor.h"

namespace backlit::ops {

// Throws unless the parameters that are there have the dtype of x. (16-bit numbers beside float32
// parameters come here as float32.)
void check_parameter_dtypes(const Tensor& x, std::initializer_list<const Tensor*> parameters);

}  // namespace backlit::ops
