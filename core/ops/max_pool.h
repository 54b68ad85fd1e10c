// The largest elements of windows whose bounds are given per output.
#pragma once

#include "kernels/max_pool.h"
#include "registry/registry.h"

namespace backlit::ops {

// Values, and their places in the planes of x; the places are undefined where nobody needs them.
struct Maxima {
  Tensor values, places;
};
// Outputs of x whose planes are its last `dims` dimensions, undefined as yet.
Maxima empty_maxima(const Tensor& x, Span sizes, bool with_places);
// Records the values as `name`; their gradient goes to the places.
Maxima record_maxima(const char* name, const char* backward, const Tensor& x, Maxima y, int dims);
// Throws unless there is a kernel for the dtype of x.
const MaxPoolTable& max_pool_table();
template <class F> void visit_max_pool(const Tensor& x, F&& f) {
  const MaxPoolTable& t = max_pool_table();
  switch (x.dtype()) {
    case Dtype::Float32: return f(t.f32, float{});
    case Dtype::Float64: return f(t.f64, double{});
    case Dtype::Int64: return f(t.i64, std::int64_t{});
    case Dtype::Int32: return f(t.i32, std::int32_t{});
    case Dtype::Int16: return f(t.i16, std::int16_t{});
    case Dtype::Int8: return f(t.i8, std::int8_t{});
    default: return f(t.u8, std::uint8_t{});
  }
}

}  // namespace backlit::ops
