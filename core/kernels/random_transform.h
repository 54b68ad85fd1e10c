// Random numbers made of uniform ones, over raw memory. The rounding is PyTorch's on CPUs with
// fused multiply-add: each place where its compiler fuses a product with a sum is a std::fma here.
#pragma once

#include <cstdint>

namespace backlit {

struct RandomKernels {
  // u = u * width + base, rounded once
  void (*affine_float)(float* u, std::int64_t n, float width, float base);
  void (*affine_double)(double* u, std::int64_t n, double width, double base);
  // Box and Muller's transform in blocks of 16 (8 pairs u[i], u[i + 8]); n is a multiple of 16
  void (*normal_float)(float* u, std::int64_t n, float mean, float std);
};
const RandomKernels& random_kernels();

}  // namespace backlit
