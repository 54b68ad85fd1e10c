// Kernels that exist for float32 and float64 only.
#pragma once

#include "base/dtype.h"
#include "base/error.h"

namespace backlit::ops {

// Calls f with a float or a double, so that decltype names the type. Rows get 16-bit tensors as
// float32 (bind/row_dtypes.cpp), and complex ones not at all; a caller inside may not bring them.
template <class F> void visit_floats(Dtype d, F&& f) {
  if (d == Dtype::Float32) return f(float{});
  BACKLIT_CHECK(d == Dtype::Float64, NotImplemented, "backlit: no kernel for ", info(d).name,
                ", where float32 or float64 was expected");
  f(double{});
}

}  // namespace backlit::ops
