// Optimizers: the hyperparameters of each, what a step makes of them, and the table of kernels that
// update one parameter's memory in one pass. The updates themselves are in optim_rules.h.
//
// A rule has up to three state tensors of the parameter's shape (averages, buffers), some of them
// optional: `has` says by its bits which are there. It may also have numbers per parameter, the
// first of which counts the steps; `advance` moves them on.
#pragma once

#include <cstdint>

namespace backlit {

inline constexpr int kOptimStates = 3;
inline constexpr int kOptimNumbers = 3;

// The numbers of one parameter, kept between steps in 0-d tensors of float32 or float64.
struct OptimNumbers {
  double value[kOptimNumbers] = {};
  bool wide[kOptimNumbers] = {};
  // Rounds as the tensor will.
  double set(int i, double x) {
    return value[i] = wide[i] ? x : static_cast<double>(static_cast<float>(x));
  }
};

// What the first part of every update reads.
struct OptimBasics {
  double lr, weight_decay;
  bool maximize;
};

struct SgdRule : OptimBasics {
  static constexpr const char* name = "sgd";
  static constexpr int states = 1, numbers = 0;
  static constexpr unsigned optional = 1;  // momentum
  double momentum, dampening;
  bool nesterov;
  bool first;  // no momentum buffer yet: it becomes the gradient
  void advance(OptimNumbers&) {}
};

struct AdamRule : OptimBasics {
  static constexpr const char* name = "adam";
  static constexpr int states = 3, numbers = 1;
  static constexpr unsigned optional = 1 << 2;  // amsgrad
  double beta1, beta2, eps;
  bool decoupled;
  double bias1, bias2;  // 1 - betaᵏ after k steps
  void advance(OptimNumbers& n);
};

struct NadamRule : AdamRule {
  static constexpr const char* name = "nadam";
  static constexpr int states = 2, numbers = 2;
  static constexpr unsigned optional = 0;
  double momentum_decay;
  double gradient_rate, average_rate;
  void advance(OptimNumbers& n);
};

struct RadamRule : AdamRule {
  static constexpr const char* name = "radam";
  static constexpr int states = 2;
  static constexpr unsigned optional = 0;
  double rectification;
  bool rectified;  // enough steps for the variance to be known
  void advance(OptimNumbers& n);
};

struct AdamaxRule : AdamRule {
  static constexpr const char* name = "adamax";
  static constexpr int states = 2;
  static constexpr unsigned optional = 0;
};

struct RmspropRule : OptimBasics {
  static constexpr const char* name = "rmsprop";
  static constexpr int states = 3, numbers = 1;
  static constexpr unsigned optional = 1 << 1 | 1 << 2;  // momentum, centered
  double alpha, eps, momentum;
  void advance(OptimNumbers& n);
};

struct AdagradRule : OptimBasics {
  static constexpr const char* name = "adagrad";
  static constexpr int states = 1, numbers = 1;
  static constexpr unsigned optional = 0;
  double lr_decay, eps;
  double rate;
  void advance(OptimNumbers& n);
};

struct AdadeltaRule : OptimBasics {
  static constexpr const char* name = "adadelta";
  static constexpr int states = 2, numbers = 1;
  static constexpr unsigned optional = 0;
  double rho, eps;
  void advance(OptimNumbers& n);
};

struct AsgdRule : OptimBasics {
  static constexpr const char* name = "asgd";
  static constexpr int states = 1, numbers = 3;
  static constexpr unsigned optional = 0;
  double lambd, alpha, t0;
  double eta, mu;
  void advance(OptimNumbers& n);
};

struct RpropRule : OptimBasics {
  static constexpr const char* name = "rprop";
  static constexpr int states = 2, numbers = 1;
  static constexpr unsigned optional = 0;
  double eta_minus, eta_plus, step_min, step_max;
  void advance(OptimNumbers& n);
};

template <class Rule, class T>
using OptimKernel = void (*)(const Rule& rule, unsigned has, T* param, const T* grad,
                             T* const* states, std::int64_t n);

template <class Rule> struct OptimKernels {
  OptimKernel<Rule, float> f32;
  OptimKernel<Rule, double> f64;
};
template <class... Rules> struct OptimRules : OptimKernels<Rules>... {};

using OptimTable = OptimRules<SgdRule, AdamRule, NadamRule, RadamRule, AdamaxRule, RmspropRule,
                              AdagradRule, AdadeltaRule, AsgdRule, RpropRule>;
const OptimTable& optim_table();

}  // namespace backlit
