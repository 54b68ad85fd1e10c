// Special functions: error, gamma, Bessel and entropy functions.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Erf : Unary {
  static constexpr const char* name = "erf";
  static constexpr const char* aliases = "special.erf";
  static constexpr const char* signature = "erf(Tensor input)";
  static constexpr const char* meaning = "Error function.";
  static constexpr const char* formula = "y = erf x";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return erf(x); }
  template <class T> static T local(T x, T) {
    return T(2 * std::numbers::inv_sqrtpi) * exp(-(x * x));
  }
};
BACKLIT_FORMULA(Erf)

struct Erfc : Unary {
  static constexpr const char* name = "erfc";
  static constexpr const char* aliases = "special.erfc";
  static constexpr const char* signature = "erfc(Tensor input)";
  static constexpr const char* meaning = "1 minus the error function, accurate where that is tiny.";
  static constexpr const char* formula = "y = 1 - erf x";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return erfc(x); }
  template <class T> static T local(T x, T) {
    return T(-2 * std::numbers::inv_sqrtpi) * exp(-(x * x));
  }
};
BACKLIT_FORMULA(Erfc)

struct Erfinv : Unary {
  static constexpr const char* name = "erfinv";
  static constexpr const char* aliases = "special.erfinv";
  static constexpr const char* signature = "erfinv(Tensor input)";
  static constexpr const char* meaning = "Inverse of the error function.";
  static constexpr const char* formula = "y = erf⁻¹ x";
  static constexpr bool inplace_function = false;
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-0.9, 0.9}};
  template <class T> static T value(T x) { return erfinv(x); }
  template <class T> static T local(T, T y) {
    return T(0.5 / std::numbers::inv_sqrtpi) * exp(y * y);
  }
};
BACKLIT_FORMULA(Erfinv)

// What functions that live in torch.special only have in common.
template <class Base> struct Special : Base {
  static constexpr const char* home = "special";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool inplace = false;
  static constexpr bool method = false;
};

struct Erfcx : Special<Unary> {
  static constexpr const char* name = "erfcx";
  static constexpr const char* signature = "erfcx(Tensor input)";
  static constexpr const char* meaning = "Scaled complementary error function.";
  static constexpr const char* formula = "y = exp(x²) erfc x";
  static constexpr const char* node = "SpecialErfcxBackward0";
  template <class T> static T value(T x) { return erfcx(x); }
  template <class T> static T local(T x, T y) {
    return 2 * x * y - T(2 * std::numbers::inv_sqrtpi);
  }
};
BACKLIT_FORMULA(Erfcx)

inline constexpr double kSqrtTwoPi = std::numbers::sqrt2 / std::numbers::inv_sqrtpi;

struct Ndtr : Special<Unary> {
  static constexpr const char* name = "ndtr";
  static constexpr const char* signature = "ndtr(Tensor input)";
  static constexpr const char* meaning =
      "Cumulative distribution function of the normal distribution.";
  static constexpr const char* formula = "y = P(N ≤ x)";
  static constexpr const char* node = "MulBackward1";
  template <class T> static T value(T x) { return ndtr(x); }
  template <class T> static T local(T x, T) { return T(1 / kSqrtTwoPi) * exp(T(-0.5) * (x * x)); }
};
BACKLIT_FORMULA(Ndtr)

struct Ndtri : Special<Unary> {
  static constexpr const char* name = "ndtri";
  static constexpr const char* signature = "ndtri(Tensor input)";
  static constexpr const char* meaning = "Quantile function of the normal distribution.";
  static constexpr const char* formula = "P(N ≤ y) = x";
  static constexpr const char* node = "SpecialNdtriBackward0";
  static constexpr Domain domain[] = {{0.1, 0.9}};
  template <class T> static T value(T x) { return ndtri(x); }
  template <class T> static T local(T, T y) { return T(kSqrtTwoPi) * exp(T(0.5) * (y * y)); }
};
BACKLIT_FORMULA(Ndtri)

struct LogNdtr : Special<Unary> {
  static constexpr const char* name = "log_ndtr";
  static constexpr const char* signature = "log_ndtr(Tensor input)";
  static constexpr const char* meaning = "Logarithm of the normal distribution function.";
  static constexpr const char* formula = "y = ln P(N ≤ x)";
  static constexpr const char* node = "SpecialLogNdtrBackward0";
  template <class T> static T value(T x) { return log_ndtr(x); }
  template <class T> static T local(T x, T) {
    constexpr double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    return T(scale) / erfcx(x * T(-std::numbers::sqrt2 / 2));
  }
};
BACKLIT_FORMULA(LogNdtr)

// Without eps (a negative one stands for it) numbers outside [0, 1] have no logit.
struct Logit : Unary {
  static constexpr const char* name = "logit";
  static constexpr const char* aliases = "special.logit";
  static constexpr const char* signature = "logit(Tensor input, float? eps=None)";
  static constexpr const char* meaning = "Inverse of the sigmoid, of x limited to [eps, 1 - eps].";
  static constexpr const char* formula = "y = ln(x / (1 - x))";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr int params = 1;
  static constexpr bool masks = true;
  static constexpr Domain domain[] = {{0.1, 0.9}};
  template <class T> static constexpr T none[] = {T(-1)};
  template <class T> static T value(T x, T eps) {
    const T limited = where(x < eps, eps, where(x > 1 - eps, 1 - eps, x));
    const T p = where(eps < 0, x, limited);
    return log(p / (1 - p));
  }
  template <class T> static T local(T x, T, T eps) {
    const T outside = where(eps < 0, T(kNaN), T(0));
    const T edge = maximum(T(0), eps);
    return where((x < edge) | (x > 1 - edge), outside, 1 / (x * (1 - x)));
  }
};
BACKLIT_FORMULA(Logit)

struct Entr : Special<Unary> {
  static constexpr const char* name = "entr";
  static constexpr const char* signature = "entr(Tensor input)";
  static constexpr const char* meaning = "Entropy of each element: 0 at 0, -inf below.";
  static constexpr const char* formula = "y = -x ln x";
  static constexpr const char* node = "SpecialEntrBackward0";
  static constexpr Domain domain[] = {{0.1, 3}};
  template <class T> static T value(T x) {
    return where(x < 0, T(-kInfinity), where(x == 0, T(0), -x * log(x)));
  }
  template <class T> static T local(T x, T) { return -log(x) - 1; }
};
BACKLIT_FORMULA(Entr)

struct Lgamma : Unary {
  static constexpr const char* name = "lgamma";
  static constexpr const char* aliases = "special.gammaln";
  static constexpr const char* signature = "lgamma(Tensor input)";
  static constexpr const char* meaning = "Logarithm of the absolute value of the gamma function.";
  static constexpr const char* formula = "y = ln |Γ(x)|";
  static constexpr bool inplace_function = false;
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.2, 4}};
  template <class T> static T value(T x) { return lgamma(x); }
  template <class T> static T local(T x, T) { return digamma(x); }
};
BACKLIT_FORMULA(Lgamma)

struct Digamma : Unary {
  static constexpr const char* name = "digamma";
  static constexpr const char* aliases = "special.digamma special.psi";
  static constexpr const char* signature = "digamma(Tensor input)";
  static constexpr const char* meaning = "Logarithmic derivative of the gamma function.";
  static constexpr const char* formula = "y = Γ′(x) / Γ(x)";
  static constexpr bool inplace_function = false;
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.2, 4}};
  template <class T> static T value(T x) { return digamma(x); }
  template <class T> static T local(T x, T) { return polygamma(T(1), x); }
};
BACKLIT_FORMULA(Digamma)

// PyTorch's argument order has n first; the formula's parameter comes last, as everywhere.
struct Polygamma : Unary {
  static constexpr const char* name = "polygamma";
  static constexpr const char* aliases = "special.polygamma";
  static constexpr const char* signature = "polygamma(int n, Tensor input)";
  static constexpr const char* meaning = "The n-th derivative of the digamma function.";
  static constexpr const char* formula = "y = ψ⁽ⁿ⁾(x)";
  static constexpr bool inplace_function = false;
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr int params = 1;
  static constexpr Domain domain[] = {{0.2, 4}};
  template <class T> static T value(T x, T n) { return polygamma(n, x); }
  template <class T> static T local(T x, T, T n) { return polygamma(n + 1, x); }
};
BACKLIT_FORMULA(Polygamma)

struct Zeta : Special<Binary> {
  static constexpr const char* name = "zeta";
  static constexpr const char* signature = "zeta(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "Hurwitz zeta function.";
  static constexpr const char* formula = "y = Σₖ (k + b)⁻ᵃ";
  static constexpr const char* node_a_number = "SpecialZetaBackward1";
  static constexpr const char* node_b_number = "SpecialZetaBackward2";
  static constexpr const char* node = "SpecialZetaBackward0";
  static constexpr const char* why = "the derivative by the first argument has no closed form";
  static constexpr Rule a_rule = Rule::NotImplemented;
  static constexpr Domain domain[] = {{1.5, 4}, {0.5, 4}};
  template <class T> static T value(T a, T b) { return zeta(a, b); }
  template <class T> static T local_b(T a, T b, T) { return -a * zeta(a + 1, b); }
};
BACKLIT_FORMULA(Zeta)

// Density of the gamma distribution with shape a.
template <class T> BACKLIT_INLINE T gamma_density(T a, T x) {
  return exp((a - 1) * log(x) - x - lgamma(a));
}

struct Igamma : Binary {
  static constexpr const char* name = "igamma";
  static constexpr const char* aliases = "special.gammainc";
  static constexpr const char* signature = "igamma(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Regularised lower incomplete gamma function.";
  static constexpr const char* formula = "y = γ(a, b) / Γ(a)";
  static constexpr const char* why = "the derivative by the first argument has no closed form";
  static constexpr Rule a_rule = Rule::NotImplemented;
  static constexpr Domain domain[] = {{0.5, 4}, {0.1, 4}};
  template <class T> static T value(T a, T b) { return igamma(a, b); }
  template <class T> static T local_b(T a, T b, T) { return gamma_density(a, b); }
};
BACKLIT_FORMULA(Igamma)

struct Igammac : Binary {
  static constexpr const char* name = "igammac";
  static constexpr const char* aliases = "special.gammaincc";
  static constexpr const char* signature = "igammac(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Regularised upper incomplete gamma function.";
  static constexpr const char* formula = "y = Γ(a, b) / Γ(a)";
  static constexpr const char* why = Igamma::why;
  static constexpr Rule a_rule = Rule::NotImplemented;
  static constexpr Domain domain[] = {{0.5, 4}, {0.1, 4}};
  template <class T> static T value(T a, T b) { return igammac(a, b); }
  template <class T> static T local_b(T a, T b, T) { return -gamma_density(a, b); }
};
BACKLIT_FORMULA(Igammac)

struct I0 : Unary {
  static constexpr const char* name = "i0";
  static constexpr const char* aliases = "special.i0";
  static constexpr const char* signature = "i0(Tensor input)";
  static constexpr const char* meaning = "Modified Bessel function of the first kind, order 0.";
  static constexpr const char* formula = "y = I₀(x)";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return i0(x); }
  template <class T> static T local(T x, T) { return i1(x); }
};
BACKLIT_FORMULA(I0)

struct I0e : Special<Unary> {
  static constexpr const char* name = "i0e";
  static constexpr const char* signature = "i0e(Tensor input)";
  static constexpr const char* meaning =
      "Modified Bessel function of order 0, exponentially scaled.";
  static constexpr const char* formula = "y = e^(-|x|) I₀(x)";
  static constexpr const char* node = "SpecialI0EBackward0";
  template <class T> static T value(T x) { return i0e(x); }
  template <class T> static T local(T x, T y) { return i1e(x) - sign(x) * y; }
};
BACKLIT_FORMULA(I0e)

// Near 0 the derivatives of i1 and i1e tend to 1/2, where y / x would be 0 / 0.
inline constexpr double kNearZero = std::numeric_limits<double>::epsilon();

struct I1 : Special<Unary> {
  static constexpr const char* name = "i1";
  static constexpr const char* signature = "i1(Tensor input)";
  static constexpr const char* meaning = "Modified Bessel function of the first kind, order 1.";
  static constexpr const char* formula = "y = I₁(x)";
  static constexpr const char* node = "SpecialI1Backward0";
  template <class T> static T value(T x) { return i1(x); }
  template <class T> static T local(T x, T y) {
    const auto far = abs(x) > T(kNearZero);
    return where(far, i0(x) - y / where(far, x, T(1)), T(0.5));
  }
};
BACKLIT_FORMULA(I1)

struct I1e : Special<Unary> {
  static constexpr const char* name = "i1e";
  static constexpr const char* signature = "i1e(Tensor input)";
  static constexpr const char* meaning =
      "Modified Bessel function of order 1, exponentially scaled.";
  static constexpr const char* formula = "y = e^(-|x|) I₁(x)";
  static constexpr const char* node = "SpecialI1EBackward0";
  template <class T> static T value(T x) { return i1e(x); }
  template <class T> static T local(T x, T y) {
    const auto far = abs(x) > T(kNearZero);
    return where(far, i0e(x) - y * (sign(x) + 1 / where(far, x, T(1))), T(0.5));
  }
};
BACKLIT_FORMULA(I1e)

// As in PyTorch, the result never requires a gradient.
struct Bessel : Special<Unary> {
  static constexpr Rule rule = Rule::NotDifferentiable;
  static constexpr Domain domain[] = {{0.2, 9}};
};

struct BesselJ0 : Bessel {
  static constexpr const char* name = "bessel_j0";
  static constexpr const char* signature = "bessel_j0(Tensor input)";
  static constexpr const char* meaning = "Bessel function of the first kind, order 0.";
  static constexpr const char* formula = "y = J₀(x)";
  template <class T> static T value(T x) { return bessel_j0(x); }
};
BACKLIT_FORMULA(BesselJ0)

struct BesselJ1 : Bessel {
  static constexpr const char* name = "bessel_j1";
  static constexpr const char* signature = "bessel_j1(Tensor input)";
  static constexpr const char* meaning = "Bessel function of the first kind, order 1.";
  static constexpr const char* formula = "y = J₁(x)";
  template <class T> static T value(T x) { return bessel_j1(x); }
};
BACKLIT_FORMULA(BesselJ1)

struct BesselY0 : Bessel {
  static constexpr const char* name = "bessel_y0";
  static constexpr const char* signature = "bessel_y0(Tensor input)";
  static constexpr const char* meaning = "Bessel function of the second kind, order 0.";
  static constexpr const char* formula = "y = Y₀(x)";
  template <class T> static T value(T x) { return bessel_y0(x); }
};
BACKLIT_FORMULA(BesselY0)

struct BesselY1 : Bessel {
  static constexpr const char* name = "bessel_y1";
  static constexpr const char* signature = "bessel_y1(Tensor input)";
  static constexpr const char* meaning = "Bessel function of the second kind, order 1.";
  static constexpr const char* formula = "y = Y₁(x)";
  template <class T> static T value(T x) { return bessel_y1(x); }
};
BACKLIT_FORMULA(BesselY1)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
