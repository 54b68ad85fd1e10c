// Activation functions.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Sigmoid : Unary {
  static constexpr const char* name = "sigmoid";
  static constexpr const char* aliases = "special.expit nn.sigmoid";
  static constexpr const char* signature = "sigmoid(Tensor input)";
  static constexpr const char* meaning = "Logistic function, from 0 to 1.";
  static constexpr const char* formula = "y = 1 / (1 + e⁻ˣ)";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return sigmoid(x); }
  template <class T> static T local(T, T y) { return (1 - y) * y; }
};
BACKLIT_FORMULA(Sigmoid)

struct Relu : Unary {
  static constexpr const char* name = "relu";
  static constexpr const char* aliases = "nn.relu";
  static constexpr const char* signature = "relu(Tensor input)";
  static constexpr const char* meaning = "Rectified linear unit: negative elements become 0.";
  static constexpr const char* formula = "y = max(x, 0)";
  static constexpr const char* bool_error = "Boolean inputs not supported for relu";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  template <class T> static T value(T x) { return maximum(T(0), x); }
  template <class T> static T local(T, T y) { return where(y <= 0, T(0), T(1)); }
};
BACKLIT_FORMULA(Relu)

// What the functions of nn.functional have in common.
template <class Base> struct Activation : Base {
  static constexpr const char* home = "nn";
  static constexpr bool method = false;
  static constexpr bool inplace = false;
};

struct Relu6 : Activation<Unary> {
  static constexpr const char* name = "relu6";
  static constexpr const char* signature = "relu6(Tensor input)";
  static constexpr const char* meaning = "Rectified linear unit that stops at 6.";
  static constexpr const char* formula = "y = min(max(x, 0), 6)";
  static constexpr const char* bool_error = "Bool inputs not supported for hardtanh";
  static constexpr const char* node = "HardtanhBackward0";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  static constexpr Domain domain[] = {{-3, 9}};
  template <class T> static T value(T x) { return minimum(T(6), maximum(T(0), x)); }
  template <class T> static T local(T x, T) { return where((x <= 0) | (x >= 6), T(0), T(1)); }
};
BACKLIT_FORMULA(Relu6)

struct Hardtanh : Activation<Unary> {
  static constexpr const char* name = "hardtanh";
  static constexpr const char* signature =
      "hardtanh(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0)";
  static constexpr const char* meaning = "Limits each element to a range; no gradient on its ends.";
  static constexpr const char* formula = "y = min(max(x, min_val), max_val)";
  static constexpr const char* bool_error = "Bool inputs not supported for hardtanh";
  static constexpr int params = 2;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  static constexpr bool inplace = true;
  template <class T> static T value(T x, T min, T max) { return minimum(max, maximum(min, x)); }
  template <class T> static T local(T x, T, T min, T max) {
    return where((x <= min) | (x >= max), T(0), T(1));
  }
};
BACKLIT_FORMULA(Hardtanh)

struct LeakyRelu : Activation<Unary> {
  static constexpr const char* name = "leaky_relu";
  static constexpr const char* signature = "leaky_relu(Tensor input, Scalar negative_slope=0.01)";
  static constexpr const char* meaning = "Rectified linear unit with a small slope below 0.";
  static constexpr const char* formula = "y = x if x > 0 else negative_slope x";
  static constexpr int params = 1;
  static constexpr bool inplace = true;
  template <class T> static T value(T x, T slope) { return where(x > 0, x, x * slope); }
  template <class T> static T local(T x, T, T slope) { return where(x > 0, T(1), slope); }
};
BACKLIT_FORMULA(LeakyRelu)

// The weight already broadcast to the input's channels.
struct PreluKernel : Binary {
  static constexpr const char* name = "prelu_kernel";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "prelu_kernel(Tensor input, Tensor weight)";
  static constexpr const char* meaning = "Rectified linear unit with a learned slope below 0.";
  static constexpr const char* formula = "y = a if a > 0 else b a";
  template <class T> static T value(T a, T b) { return where(a > 0, a, b * a); }
  template <class T> static T local_a(T a, T b, T) { return where(a > 0, T(1), b); }
  template <class T> static T local_b(T a, T, T) { return where(a > 0, T(0), a); }
};
BACKLIT_FORMULA(PreluKernel)

struct Elu : Activation<Unary> {
  static constexpr const char* name = "elu";
  static constexpr const char* signature = "elu(Tensor input, Scalar alpha=1.0)";
  static constexpr const char* meaning = "Exponential linear unit: falls off to -alpha below 0.";
  static constexpr const char* formula = "y = x if x > 0 else alpha (eˣ - 1)";
  static constexpr int params = 1;
  static constexpr bool inplace = true;
  template <class T> static T value(T x, T alpha) { return where(x <= 0, alpha * expm1(x), x); }
  template <class T> static T local(T x, T, T alpha) { return where(x <= 0, alpha * exp(x), T(1)); }
};
BACKLIT_FORMULA(Elu)

// The fixed point of mean 0 and variance 1; constants from Klambauer et al., 2017.
struct Selu : Unary {
  static constexpr const char* name = "selu";
  static constexpr const char* aliases = "nn.selu";
  static constexpr const char* signature = "selu(Tensor input)";
  static constexpr const char* meaning = "Scaled exponential linear unit, self-normalising.";
  static constexpr const char* formula = "y = λ x if x > 0 else λ α (eˣ - 1)";
  static constexpr const char* node = "EluBackward0";
  static constexpr bool method = false;
  static constexpr double alpha = 1.6732632423543772848170429916717;
  static constexpr double scale = 1.0507009873554804934193349852946;
  template <class T> static T value(T x) {
    return where(x <= 0, T(alpha * scale) * expm1(x), T(scale) * x);
  }
  template <class T> static T local(T x, T) {
    return where(x <= 0, T(alpha * scale) * exp(x), T(scale));
  }
};
BACKLIT_FORMULA(Selu)

struct Celu : Unary {
  static constexpr const char* name = "celu";
  static constexpr const char* aliases = "nn.celu";
  static constexpr const char* signature = "celu(Tensor input, Scalar alpha=1.0)";
  static constexpr const char* meaning = "Exponential linear unit whose slope is continuous.";
  static constexpr const char* formula = "y = x if x > 0 else alpha (exp(x / alpha) - 1)";
  static constexpr int params = 1;
  static constexpr bool method = false;
  template <class T> static T value(T x, T alpha) {
    return where(x <= 0, alpha * expm1(x / alpha), x);
  }
  template <class T> static T local(T x, T, T alpha) { return where(x <= 0, exp(x / alpha), T(1)); }
};
BACKLIT_FORMULA(Celu)

using math::normal;
template <class T> math::Normal<T> normal(T x) {
  constexpr double top = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return {T(0.5) * (1 + erf(x * T(std::numbers::sqrt2 / 2))), exp(T(-0.5) * (x * x)) * T(top)};
}

struct Gelu : Activation<Unary> {
  static constexpr const char* name = "gelu";
  static constexpr const char* signature = "gelu(Tensor input, *, str approximate='none')";
  static constexpr const char* meaning = "Gaussian error linear unit: x times P(N ≤ x).";
  static constexpr const char* formula = "y = x (1 + erf(x / √2)) / 2";
  template <class T> static T value(T x) { return x * normal(x).below; }
  template <class T> static T local(T x, T) {
    const auto [below, density] = normal(x);
    return below + x * density;
  }
};
BACKLIT_FORMULA(Gelu)

// 0.044715 is part of the approximation's definition (Hendrycks and Gimpel, 2016).
struct GeluTanh : Unary {
  static constexpr const char* name = "gelu_tanh";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "gelu_tanh(Tensor input)";
  static constexpr const char* meaning = "Gaussian error linear unit, approximated with tanh.";
  static constexpr const char* formula = "y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2";
  static constexpr const char* node = "GeluBackward0";
  static constexpr double slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  static constexpr double cubic = 0.044715;
  template <class T> static T value(T x) { return T(0.5) * x * (1 + bend(x)); }
  template <class T> static T local(T x, T) {
    const T t = bend(x);
    const T inner = T(slope) * (1 + T(3 * cubic) * (x * x));
    return T(0.5) * (1 + t) + T(0.5) * x * ((1 - t * t) * inner);
  }
  template <class T> static T bend(T x) { return tanh(T(slope) * (x + T(cubic) * (x * x * x))); }
};
BACKLIT_FORMULA(GeluTanh)

struct Silu : Activation<Unary> {
  static constexpr const char* name = "silu";
  static constexpr const char* signature = "silu(Tensor input)";
  static constexpr const char* meaning = "Sigmoid linear unit, also called swish.";
  static constexpr const char* formula = "y = x σ(x)";
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return x / (1 + exp(-x)); }
  template <class T> static T local(T x, T) {
    const T s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};
BACKLIT_FORMULA(Silu)

template <class T> T mish_gate(T x) { return tanh(log1p(exp(x))); }
// The same with one exponential; from 20 on it is 1.
template <Floating T> BACKLIT_INLINE T mish_gate(T x) {
  const T e = exp(minimum(T(20), x));
  const T n = e * (e + 2);
  return n / (n + 2);
}

struct Mish : Activation<Unary> {
  static constexpr const char* name = "mish";
  static constexpr const char* signature = "mish(Tensor input)";
  static constexpr const char* meaning = "x times the hyperbolic tangent of its softplus.";
  static constexpr const char* formula = "y = x tanh(ln(1 + eˣ))";
  template <class T> static T value(T x) { return x * mish_gate(x); }
  template <class T> static T local(T x, T) {
    const T t = mish_gate(x);
    return t + x * sigmoid(x) * (1 - t * t);
  }
};
BACKLIT_FORMULA(Mish)

struct Hardsigmoid : Activation<Unary> {
  static constexpr const char* name = "hardsigmoid";
  static constexpr const char* signature = "hardsigmoid(Tensor input)";
  static constexpr const char* meaning = "Sigmoid made of straight lines, 0 at -3 and 1 at 3.";
  static constexpr const char* formula = "y = min(max(x + 3, 0), 6) / 6";
  static constexpr bool masks = true;
  static constexpr Domain domain[] = {{-5, 5}};
  template <class T> static T value(T x) { return minimum(T(6), maximum(T(0), x + 3)) / 6; }
  template <class T> static T local(T x, T) { return where((x > -3) & (x < 3), T(1.0 / 6), T(0)); }
};
BACKLIT_FORMULA(Hardsigmoid)

struct Hardswish : Activation<Unary> {
  static constexpr const char* name = "hardswish";
  static constexpr const char* signature = "hardswish(Tensor input)";
  static constexpr const char* meaning = "x times its hardsigmoid.";
  static constexpr const char* formula = "y = x min(max(x + 3, 0), 6) / 6";
  static constexpr bool masks = true;
  static constexpr Domain domain[] = {{-5, 5}};
  template <class T> static T value(T x) { return x * minimum(T(6), maximum(T(0), x + 3)) / 6; }
  template <class T> static T local(T x, T) {
    return where(x <= -3, T(0), where(x < 3, x / 3 + T(0.5), T(1)));
  }
};
BACKLIT_FORMULA(Hardswish)

// Above the threshold a straight line, to which it is equal in rounding.
struct Softplus : Activation<Unary> {
  static constexpr const char* name = "softplus";
  static constexpr const char* signature =
      "softplus(Tensor input, Scalar beta=1, Scalar threshold=20)";
  static constexpr const char* meaning = "Smooth rectified linear unit.";
  static constexpr const char* formula = "y = ln(1 + exp(beta x)) / beta";
  static constexpr int params = 2;
  template <class T> static T value(T x, T beta, T threshold) {
    return where(x * beta > threshold, x, log1p(exp(x * beta)) / beta);
  }
  template <class T> static T local(T x, T, T beta, T threshold) {
    const T z = exp(x * beta);
    return where(x * beta > threshold, T(1), z / (z + 1));
  }
};
BACKLIT_FORMULA(Softplus)

struct Softsign : Activation<Unary> {
  static constexpr const char* name = "softsign";
  static constexpr const char* signature = "softsign(Tensor input)";
  static constexpr const char* meaning = "x relative to 1 + |x|, from -1 to 1.";
  static constexpr const char* formula = "y = x / (1 + |x|)";
  static constexpr const char* node = "DivBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return x / (abs(x) + 1); }
  template <class T> static T local(T x, T) {
    const T r = 1 / (abs(x) + 1);
    return r * r;
  }
};
BACKLIT_FORMULA(Softsign)

struct Logsigmoid : Activation<Unary> {
  static constexpr const char* name = "logsigmoid";
  static constexpr const char* signature = "logsigmoid(Tensor input)";
  static constexpr const char* meaning = "Logarithm of the sigmoid, without underflow.";
  static constexpr const char* formula = "y = ln σ(x)";
  static constexpr const char* node = "LogSigmoidBackward0";
  template <class T> static T value(T x) { return minimum(T(0), x) - log1p(exp(-abs(x))); }
  template <class T> static T local(T x, T) { return sigmoid(-x); }
};
BACKLIT_FORMULA(Logsigmoid)

struct Tanhshrink : Activation<Unary> {
  static constexpr const char* name = "tanhshrink";
  static constexpr const char* signature = "tanhshrink(Tensor input)";
  static constexpr const char* meaning = "x minus its hyperbolic tangent.";
  static constexpr const char* formula = "y = x - tanh x";
  static constexpr const char* node = "SubBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return x - tanh(x); }
  template <class T> static T local(T x, T) {
    const T t = tanh(x);
    return t * t;
  }
};
BACKLIT_FORMULA(Tanhshrink)

struct Hardshrink : Unary {
  static constexpr const char* name = "hardshrink";
  static constexpr const char* aliases = "nn.hardshrink";
  static constexpr const char* signature = "hardshrink(Tensor input, Scalar lambd=0.5)";
  static constexpr const char* meaning = "Elements from -lambd to lambd become 0.";
  static constexpr const char* formula = "y = 0 if |x| ≤ lambd else x";
  static constexpr int params = 1;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  template <class T> static T value(T x, T lambd) {
    return where((x >= -lambd) & (x <= lambd), T(0), x);
  }
  template <class T> static T local(T x, T, T lambd) {
    return where((x >= -lambd) & (x <= lambd), T(0), T(1));
  }
};
BACKLIT_FORMULA(Hardshrink)

struct Softshrink : Activation<Unary> {
  static constexpr const char* name = "softshrink";
  static constexpr const char* signature = "softshrink(Tensor input, Scalar lambd=0.5)";
  static constexpr const char* meaning = "Moves each element towards 0 by up to lambd.";
  static constexpr const char* formula = "y = sign(x) max(|x| - lambd, 0)";
  static constexpr int params = 1;
  static constexpr bool masks = true;
  template <class T> static T value(T x, T lambd) {
    const T inside = where(x != x, x, T(0));
    return where(x > lambd, x - lambd, where(x < -lambd, x + lambd, inside));
  }
  template <class T> static T local(T x, T, T lambd) {
    return where((x >= -lambd) & (x <= lambd), T(0), T(1));
  }
};
BACKLIT_FORMULA(Softshrink)

struct Threshold : Unary {
  static constexpr const char* name = "threshold";
  static constexpr const char* aliases = "nn.threshold";
  static constexpr const char* signature =
      "threshold(Tensor input, Scalar threshold, Scalar value)";
  static constexpr const char* meaning =
      "Replaces each element that does not exceed the threshold.";
  static constexpr const char* formula = "y = x if x > threshold else value";
  static constexpr int params = 2;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  static constexpr bool method = false;
  template <class T> static T value(T x, T threshold, T replacement) {
    return where(x <= threshold, replacement, x);
  }
  template <class T> static T local(T x, T, T threshold, T) {
    return where(x <= threshold, T(0), T(1));
  }
};
BACKLIT_FORMULA(Threshold)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
