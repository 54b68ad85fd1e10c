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

struct KlDivElementwise : Elementwise<Binary> {
  static constexpr const char* name = "kl_div_elementwise";
  static constexpr const char* signature = "kl_div_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Divergence of a log-probability a from a probability b.";
  static constexpr const char* formula = "y = b (ln b - a)";
  static constexpr const char* node = "SubBackward0";
  static constexpr Domain domain[] = {{-3, 0}, {0.1, 0.9}};
  template <class T> static T value(T a, T b) { return where(b == 0, T(0), b * log(b)) - b * a; }
  template <class T> static T local_a(T, T b, T) { return -b; }
  template <class T> static T local_b(T a, T b, T) { return log(b) + b / b - a; }  // nan at b = 0
};
BACKLIT_FORMULA(KlDivElementwise)

struct KlDivLogElementwise : Elementwise<Binary> {
  static constexpr const char* name = "kl_div_log_elementwise";
  static constexpr const char* signature = "kl_div_log_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Divergence of two log-probabilities.";
  static constexpr const char* formula = "y = eᵇ (b - a)";
  static constexpr const char* node = "MulBackward0";
  static constexpr Domain domain[] = {{-3, 0}, {-3, 0}};
  template <class T> static T value(T a, T b) { return exp(b) * (b - a); }
  template <class T> static T local_a(T, T b, T) { return -exp(b); }
  template <class T> static T local_b(T, T b, T y) { return y + exp(b); }
};
BACKLIT_FORMULA(KlDivLogElementwise)

struct PoissonNllLogElementwise : Elementwise<Binary> {
  static constexpr const char* name = "poisson_nll_log_elementwise";
  static constexpr const char* signature =
      "poisson_nll_log_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning =
      "Negative log-likelihood of a count b, given the log rate a.";
  static constexpr const char* formula = "y = eᵃ - b a";
  static constexpr const char* node = "SubBackward0";
  static constexpr Domain domain[] = {{-3, 3}, {0, 9}};
  template <class T> static T value(T a, T b) { return exp(a) - b * a; }
  template <class T> static T local_a(T a, T b, T) { return exp(a) - b; }
  template <class T> static T local_b(T a, T, T) { return -a; }
};
BACKLIT_FORMULA(PoissonNllLogElementwise)

struct PoissonNllElementwise : Elementwise<Binary> {
  static constexpr const char* name = "poisson_nll_elementwise";
  static constexpr const char* signature =
      "poisson_nll_elementwise(Tensor input, Tensor target, Scalar eps=1e-08)";
  static constexpr const char* meaning = "Negative log-likelihood of a count b, given the rate a.";
  static constexpr const char* formula = "y = a - b ln(a + eps)";
  static constexpr const char* node = "SubBackward0";
  static constexpr int params = 1;
  static constexpr Domain domain[] = {{0.1, 4}, {0, 9}};
  template <class T> static T value(T a, T b, T eps) { return a - b * log(a + eps); }
  template <class T> static T local_a(T a, T b, T, T eps) { return 1 - b / (a + eps); }
  template <class T> static T local_b(T a, T, T, T eps) { return -log(a + eps); }
};
BACKLIT_FORMULA(PoissonNllElementwise)

// ln x! for the full Poisson likelihood; 0 up to 1, where it is exact.
struct Stirling : Elementwise<Unary> {
  static constexpr const char* name = "stirling";
  static constexpr const char* signature = "stirling(Tensor target)";
  static constexpr const char* meaning =
      "Stirling's approximation of the logarithm of a factorial.";
  static constexpr const char* formula = "y = x ln x - x + ln(2πx) / 2 if x > 1 else 0";
  static constexpr const char* node = "MaskedFillBackward0";
  static constexpr bool masks = true;
  static constexpr Domain domain[] = {{1.5, 9}};
  template <class T> static T value(T x) {
    const T full = x * log(x) - x + T(0.5) * log(T(2 * std::numbers::pi) * x);
    return where(x <= 1, T(0), full);
  }
  template <class T> static T local(T x, T) { return where(x <= 1, T(0), log(x) + T(0.5) / x); }
};
BACKLIT_FORMULA(Stirling)

struct GaussianNllElementwise : Elementwise<Ternary> {
  static constexpr const char* name = "gaussian_nll_elementwise";
  static constexpr const char* signature =
      "gaussian_nll_elementwise(Tensor input, Tensor target, Tensor var, Scalar eps=1e-06)";
  static constexpr const char* meaning =
      "Negative log-likelihood of b, given mean a and variance c.";
  static constexpr const char* formula = "y = (ln c + (a - b)² / c) / 2";
  static constexpr const char* node = "MulBackward0";
  static constexpr int params = 1;
  static constexpr Domain domain[] = {{-3, 3}, {-3, 3}, {0.5, 3}};
  template <class T> static T value(T a, T b, T c, T eps) {
    const T variance = maximum(eps, c);
    return T(0.5) * (log(variance) + (a - b) * (a - b) / variance);
  }
  template <class T> static T local_a(T a, T b, T c, T, T eps) { return (a - b) / maximum(eps, c); }
  template <class T> static T local_b(T a, T b, T c, T, T eps) { return (b - a) / maximum(eps, c); }
  // The lower bound of the variance is not seen by the gradient, as in PyTorch.
  template <class T> static T local_c(T a, T b, T c, T, T eps) {
    const T variance = maximum(eps, c);
    const T d = a - b;
    return T(0.5) * (1 / variance - d * d / (variance * variance));
  }
};
BACKLIT_FORMULA(GaussianNllElementwise)

struct SoftMarginElementwise : Elementwise<Binary> {
  static constexpr const char* name = "soft_margin_elementwise";
  static constexpr const char* signature = "soft_margin_elementwise(Tensor input, Tensor target)";
  static constexpr const char* meaning = "Logistic loss for targets 1 and -1.";
  static constexpr const char* formula = "y = ln(1 + exp(-b a))";
  static constexpr const char* node = "SoftMarginLossBackward0";
  static constexpr Rule b_rule = Rule::NotDifferentiable;
  template <class T> static T value(T a, T b) { return log1p(exp(-b * a)); }
  template <class T> static T local_a(T a, T b, T) {
    const T z = exp(-b * a);
    return -b * z / (1 + z);
  }
};
BACKLIT_FORMULA(SoftMarginElementwise)

// A target other than 1 and -1 adds both parts.
struct HingeEmbeddingElementwise : Elementwise<Binary> {
  static constexpr const char* name = "hinge_embedding_elementwise";
  static constexpr const char* signature =
      "hinge_embedding_elementwise(Tensor input, Tensor target, Scalar margin=1.0)";
  static constexpr const char* meaning =
      "Distance a of a pair: small for target 1, over margin for -1.";
  static constexpr const char* formula = "y = a if b = 1, max(0, margin - a) if b = -1";
  static constexpr const char* node = "AddBackward0";
  static constexpr int params = 1;
  static constexpr Rule b_rule = Rule::NotDifferentiable;
  template <class T> static T value(T a, T b, T margin) {
    const T apart = where(b != 1, maximum(T(0), margin - a), T(0));
    return apart + where(b != -1, a, T(0));
  }
  template <class T> static T local_a(T a, T b, T, T margin) {
    const T apart = where((b != 1) & (margin - a >= 0), T(-1), T(0));
    return apart + where(b != -1, T(1), T(0));
  }
};
BACKLIT_FORMULA(HingeEmbeddingElementwise)

struct MarginRankingElementwise : Elementwise<Ternary> {
  static constexpr const char* name = "margin_ranking_elementwise";
  static constexpr const char* signature =
      "margin_ranking_elementwise(Tensor input1, Tensor input2, Tensor target, Scalar margin=0.0)";
  static constexpr const char* meaning =
      "How far a and b are from the order that c (1 or -1) asks for.";
  static constexpr const char* formula = "y = max(0, margin - c (a - b))";
  static constexpr const char* node = "ClampMinBackward0";
  static constexpr int params = 1;
  template <class T> static T value(T a, T b, T c, T margin) {
    return maximum(T(0), gap(a, b, c, margin));
  }
  template <class T> static T local_a(T a, T b, T c, T, T margin) {
    return where(gap(a, b, c, margin) >= 0, -c, T(0));
  }
  template <class T> static T local_b(T a, T b, T c, T, T margin) {
    return where(gap(a, b, c, margin) >= 0, c, T(0));
  }
  template <class T> static T local_c(T a, T b, T c, T, T margin) {
    return where(gap(a, b, c, margin) >= 0, b - a, T(0));
  }
  template <class T> static T gap(T a, T b, T c, T margin) { return -c * (a - b) + margin; }
};
BACKLIT_FORMULA(MarginRankingElementwise)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
