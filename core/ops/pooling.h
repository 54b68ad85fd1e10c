// Windows of pooling operations: their sizes, and the checks that PyTorch makes of them.
#pragma once

#include <cstdint>

#include "kernels/max_pool.h"
#include "tensor/tensor.h"

namespace backlit::ops {

enum class Pooling { Max, Average };

// What a call said: one number per pooled dimension, or one for all of them.
struct PoolArguments {
  const char* name;  // "max_pool2d"
  Pooling pooling;
  int dims;  // 2 or 3
  Dims kernel, stride, padding, dilation;
  bool ceil_mode;
};

// Depth, height and width; along those that an operation lacks, a window of 1.
struct PoolGrid {
  int dims;
  PoolAxis axes[3];

  Dims result_sizes(Span x) const;
};
// Checks the arguments and the shape of x; throws with PyTorch's texts.
PoolGrid pool_grid(const Tensor& x, const PoolArguments& a);

// What the one-dimensional forms check before they run as rows of height 1.
void check_max_pool1d(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                      const Dims& dilation, bool ceil_mode);
void check_pool1d_input(const char* name, const Tensor& x);
void check_one_int(const char* name, const char* argument, const Dims& given);

// Throws unless there are elements along each of x's dimensions from `first` on.
void check_not_empty(const char* name, const Tensor& x, int first);

}  // namespace backlit::ops
