// Complex tensors and their parts.
#pragma once

#include "tensor/tensor.h"

namespace backlit::ops {

// The memory of z as pairs (re, im): one more dimension, of 2; and back.
Tensor view_as_real(const Tensor& z);
Tensor view_as_complex(const Tensor& pairs);
// The same without a record, and no view for in-place changes: for memory that the caller owns.
Tensor as_pairs(const Tensor& z);
Tensor as_complex(const Tensor& pairs);
// The parts, as views. The real part of a real tensor is the tensor itself.
Tensor real(const Tensor& z);
Tensor imag(const Tensor& z);
// re + i·im, of one dtype; recorded.
Tensor complex(const Tensor& re, const Tensor& im);
// z / |z|, and 0 where z is.
Tensor sgn(const Tensor& z);
// A map that is linear over the real numbers, of a tensor or of the parts of a complex one.
template <class F> Tensor by_parts(const Tensor& x, F map) {
  return x.is_complex() ? complex(map(real(x)), map(imag(x))) : map(x);
}
// The conjugate of the transpose: what a product hands its gradient through.
Tensor conj_transpose(const Tensor& x, int d0, int d1);

}  // namespace backlit::ops
