// One update of an optimizer over one parameter's memory, in one pass.
#pragma once

#include <cstdint>

namespace backlit {

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  bool first;  // no momentum buffer yet: it becomes the gradient
};

// bias1, bias2: 1 - betaᵏ after k steps.
struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay, bias1, bias2;
  bool decoupled, maximize;
};

template <class T> struct OptimKernels {
  // momentum: null without momentum
  void (*sgd)(T* param, const T* grad, T* momentum, std::int64_t n, const SgdStep& step);
  // largest: null without amsgrad
  void (*adam)(T* param, const T* grad, T* average, T* square, T* largest, std::int64_t n,
               const AdamStep& step);
};

struct OptimTable {
  OptimKernels<float> f32;
  OptimKernels<double> f64;
};
const OptimTable& optim_table();

}  // namespace backlit
