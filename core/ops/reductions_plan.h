// Runs a reduction over any layout.
#pragma once

#include "kernels/reduce.h"
#include "tensor/tensor.h"

namespace backlit::ops {

// Which dimensions are reduced, and the sizes that remain.
struct ReducedDims {
  bool reduce[kMaxDims] = {};
  Dims kept, dropped;      // sizes with reduced dimensions as 1, and without them
  std::int64_t count = 1;  // elements per result
  // An empty `dims` means all of them. Throws on a dimension out of range or given twice.
  ReducedDims(const Tensor& x, Span dims);
  const Dims& sizes(bool keepdim) const { return keepdim ? kept : dropped; }
};

// The reduction of x into a new contiguous tensor. `parameters`: one accumulator per result, or
// null.
Tensor reduce(Reduction r, const Tensor& x, const ReducedDims& dims, bool keepdim,
              const void* parameters = nullptr);
Tensor reduce_all(Reduction r, const Tensor& x);

}  // namespace backlit::ops
