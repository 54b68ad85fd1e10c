// Convolutions: arguments checked as in PyTorch, and the recorded operations.
#pragma once

#include <string>

#include "graph/node.h"
#include "kernels/convolution.h"

namespace backlit::ops {

// The arguments of a convolution over nd dimensions (1, 2 or 3); lists have nd entries, or one that
// counts for all.
struct ConvArguments {
  Dims stride, padding, dilation, output_padding;
  bool transposed = false;
  std::int64_t groups = 1;
};

// A convolution of given sizes over `dims` dimensions. For a transposed one, x of the kernels is
// what it computes, and g what it is given.
struct ConvForm {
  ConvShape shape;
  int dims;
  Dims x_sizes() const;
  Dims w_sizes() const;
  Dims y_sizes() const;
};

// What PyTorch looks at before the shapes.
void check_bias_dtype(const Tensor& input, const Tensor& bias);
// Throws with PyTorch's texts. Batched input; a padding may be larger on the far side: "same"
// does not fix the sizes of the output alone, so it is a flag.
ConvForm checked_form(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const ConvArguments& arguments, bool same_size = false);

}  // namespace backlit::ops
