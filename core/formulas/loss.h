// Losses before they are reduced: a is the prediction, b the target.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

template <class Base> struct Elementwise : Base {
  static constexpr const char* home = "internal";
  static constexpr bool inplace = false;
  static constexpr bool method = false;
};

struct MseElementwise : Elementwise<Binary> {
  static constexpr const char* name = "mse_elementwise";
  static constexpr const char* signature = "mse_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Squared error.";
  static constexpr const char* formula = "y = (a - b)²";
  static constexpr const char* node = "MseLossBackward0";
  template <class T> static T value(T a, T b) { return (a - b) * (a - b); }
  template <class T> static T local_a(T a, T b, T) { return 2 * (a - b); }
  template <class T> static T local_b(T a, T b, T) { return -2 * (a - b); }
};
BACKLIT_FORMULA(MseElementwise)

struct L1Elementwise : Elementwise<Binary> {
  static constexpr const char* name = "l1_elementwise";
  static constexpr const char* signature = "l1_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Absolute error.";
  static constexpr const char* formula = "y = |a - b|";
  static constexpr const char* node = "AbsBackward0";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T a, T b) { return abs(T(wrapping(a) - wrapping(b))); }
  template <class T> static T local_a(T a, T b, T) { return sign(a - b); }
  template <class T> static T local_b(T a, T b, T) { return -sign(a - b); }
};
BACKLIT_FORMULA(L1Elementwise)

// beta = 0 is l1_elementwise: here it would divide 0 by 0.
struct SmoothL1Elementwise : Elementwise<Binary> {
  static constexpr const char* name = "smooth_l1_elementwise";
  static constexpr const char* signature =
      "smooth_l1_elementwise(Tensor input, Tensor target, Scalar beta=1.0)";
  static constexpr const char* meaning = "Absolute error, with a parabola below beta.";
  static constexpr const char* formula =
      "y = (a - b)² / (2 beta) if |a - b| < beta else |a - b| - beta / 2";
  static constexpr const char* node = "SmoothL1LossBackward0";
  static constexpr int params = 1;
  template <class T> static T value(T a, T b, T beta) {
    const T z = abs(a - b);
    return where(z < beta, T(0.5) * (z * z) / beta, z - T(0.5) * beta);
  }
  template <class T> static T local_a(T a, T b, T, T beta) {
    const T d = a - b;
    return where(d <= -beta, T(-1), where(d >= beta, T(1), d / beta));
  }
  template <class T> static T local_b(T a, T b, T y, T beta) { return -local_a(a, b, y, beta); }
};
BACKLIT_FORMULA(SmoothL1Elementwise)

struct HuberElementwise : Elementwise<Binary> {
  static constexpr const char* name = "huber_elementwise";
  static constexpr const char* signature =
      "huber_elementwise(Tensor input, Tensor target, Scalar delta=1.0)";
  static constexpr const char* meaning =
      "Half the squared error, with straight lines beyond delta.";
  static constexpr const char* formula =
      "y = (a - b)² / 2 if |a - b| ≤ delta else delta (|a - b| - delta / 2)";
  static constexpr const char* node = "HuberLossBackward0";
  static constexpr int params = 1;
  template <class T> static T value(T a, T b, T delta) {
    const T z = abs(a - b);
    return where(z <= delta, T(0.5) * (z * z), delta * (z - T(0.5) * delta));
  }
  template <class T> static T local_a(T a, T b, T, T delta) {
    const T d = a - b;
    return where(d <= -delta, -delta, where(d >= delta, delta, d));
  }
  template <class T> static T local_b(T a, T b, T y, T delta) { return -local_a(a, b, y, delta); }
};
BACKLIT_FORMULA(HuberElementwise)

// The logarithms stop at -100, the denominator at 10⁻¹²: a certain but wrong prediction costs much
// instead of everything.
struct BinaryCrossEntropyElementwise : Elementwise<Binary> {
  static constexpr const char* name = "binary_cross_entropy_elementwise";
  static constexpr const char* signature =
      "binary_cross_entropy_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Cross entropy of a probability and a target in [0, 1].";
  static constexpr const char* formula = "y = -b ln a - (1 - b) ln(1 - a)";
  static constexpr const char* node = "BinaryCrossEntropyBackward0";
  static constexpr Domain domain[] = {{0.1, 0.9}, {0, 1}};
  template <class T> static T value(T a, T b) {
    return (b - 1) * maximum(T(-100), log1p(-a)) - b * maximum(T(-100), log(a));
  }
  template <class T> static T local_a(T a, T b, T) {
    return (a - b) / maximum(T(1e-12), (1 - a) * a);
  }
  template <class T> static T local_b(T a, T, T) { return log1p(-a) - log(a); }
};
BACKLIT_FORMULA(BinaryCrossEntropyElementwise)

// ln σ(x) without underflow.
template <class T> BACKLIT_INLINE T log_sigmoid(T x) {
  return minimum(T(0), x) - log1p(exp(-abs(x)));
}

struct BceWithLogitsElementwise : Elementwise<Binary> {
  static constexpr const char* name = "bce_with_logits_elementwise";
  static constexpr const char* signature =
      "bce_with_logits_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Cross entropy of σ(a) and a target in [0, 1].";
  static constexpr const char* formula = "y = (1 - b) a - ln σ(a)";
  static constexpr const char* node = "BinaryCrossEntropyWithLogitsBackward0";
  static constexpr Domain domain[] = {{-3, 3}, {0, 1}};
  template <class T> static T value(T a, T b) { return (1 - b) * a - log_sigmoid(a); }
  template <class T> static T local_a(T a, T b, T) { return sigmoid(a) - b; }
  template <class T> static T local_b(T a, T, T) { return -a; }
};
BACKLIT_FORMULA(BceWithLogitsElementwise)

struct BceWithLogitsWeighted : Elementwise<Ternary> {
  static constexpr const char* name = "bce_with_logits_weighted";
  static constexpr const char* signature =
      "bce_with_logits_weighted(Tensor input, Tensor target, Tensor pos_weight)";
  static constexpr const char* meaning = "Cross entropy of σ(a) and b, where positives weigh c.";
  static constexpr const char* formula = "y = (1 - b) a - (1 + (c - 1) b) ln σ(a)";
  static constexpr const char* node = "BinaryCrossEntropyWithLogitsBackward0";
  static constexpr Rule c_rule = Rule::NotDifferentiable;
  static constexpr Domain domain[] = {{-3, 3}, {0, 1}, {0.5, 3}};
  template <class T> static T value(T a, T b, T c) {
    return (1 - b) * a - ((c - 1) * b + 1) * log_sigmoid(a);
  }
  template <class T> static T local_a(T a, T b, T c, T) {
    return (b * c + 1 - b) * sigmoid(a) - b * c;
  }
  template <class T> static T local_b(T a, T, T c, T) {
    return log_sigmoid(-a) - c * log_sigmoid(a);
  }
};
BACKLIT_FORMULA(BceWithLogitsWeighted)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
