// Kernels that exist for float32 and float64 only, or for complex numbers of these besides.
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

// The same for what users call with any dtype: `kernel` is PyTorch's name of it, in its error.
template <class F> void visit_floats(Dtype d, const char* kernel, F&& f) {
  BACKLIT_CHECK(d == Dtype::Float32 || d == Dtype::Float64, NotImplemented, '"', kernel,
                "\" not implemented for '", info(d).scalar_name, "'");
  visit_floats(d, f);
}

// Calls f with a number of any of the four types.
template <class F> void visit_numbers(Dtype d, F&& f) {
  is_complex(d) ? visit_complex(d, f) : visit_floats(d, f);
}

}  // namespace backlit::ops
