// Gamma functions and their relatives, inverse error functions, Bessel functions: one element at a
// time, computed in double. Poles, domains and signs follow torch.special.
#pragma once

#include <cstdint>

#include "math_erf.h"
#include "math_log.h"
#include "math_trig.h"

// Unlike lgamma, these write no global variable.
extern "C" double lgamma_r(double, int*) noexcept;
extern "C" float lgammaf_r(float, int*) noexcept;

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// --- inverse error functions ---

// y > 0 with erfc y = q, for 0 < q <= 1, from Winitzki's approximation (2008, error 2e-3).
inline double erfc_inverse(double q) {
  constexpr double a = 0.147;
  const double l = log(q * (2 - q)), t = 2 / (pi<double> * a) + 0.5 * l;
  double y = sqrt(sqrt(t * t - l / a) - t);
  const double slope = 0.5 * sqrt(pi<double>);
  if (q < 0.5) {  // Newton on ln erfc, nearly a parabola
    const double target = log(q);
    for (int i = 0; i < 4; ++i) {
      const double e = erfcx_positive(y);
      y += (log(e) - y * y - target) * slope * e;
    }
  } else {  // Halley on erf
    for (int i = 0; i < 3; ++i) {
      const double e = (erf(y) - (1 - q)) * slope * exp(y * y);
      y -= e / (1 + y * e);
    }
  }
  return y;
}

inline double erfinv(double x) {
  const double a = abs(x);
  if (a == 1) return copysign(inf<double>, x);
  if (!(a < 1)) return nan<double>;
  if (a < 0x1p-20) return 0.5 * sqrt(pi<double>) * x * (1 + pi<double> / 12 * x * x);
  if (a <= 0.5) {  // 1 - a would lose bits
    double y = erfc_inverse(1 - a);
    y -= (erf(y) - a) * 0.5 * sqrt(pi<double>) * exp(y * y);
    return copysign(y, x);
  }
  return copysign(erfc_inverse(1 - a), x);
}

constexpr double sqrt_half = 0.70710678118654752440;

inline double ndtr(double x) { return 0.5 * erfc(-x * sqrt_half); }
inline double log_ndtr(double x) {
  if (x < -1) return log(0.5 * erfcx(-x * sqrt_half)) - 0.5 * x * x;
  return log1p(-0.5 * erfc(x * sqrt_half));
}
inline double ndtri(double p) {
  if (p == 0) return -inf<double>;
  if (p == 1) return inf<double>;
  if (!(p > 0 && p < 1)) return nan<double>;
  if (p > 0.25 && p < 0.75) return erfinv(2 * p - 1) / sqrt_half;  // 2p - 1 is exact
  return p < 0.5 ? -erfc_inverse(2 * p) / sqrt_half : erfc_inverse(2 * (1 - p)) / sqrt_half;
}

// --- gamma ---

inline double lgamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
inline float lgamma(float x) {
  int sign;
  return lgammaf_r(x, &sign);
}

// Recurrence up to 12, then the asymptotic series (DLMF 5.11.2).
inline double digamma(double x) {
  if (x == 0) return copysign(inf<double>, -x);
  double y = 0;
  if (x < 0) {
    if (x == trunc(x)) return nan<double>;
    y = -pi<double> / tan(pi<double> * (x - trunc(x)));
    x = 1 - x;
  }
  for (; x < 12; x += 1) y -= 1 / x;
  const double z = 1 / (x * x);
  const double tail = polynomial(z, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132,
                                 -691.0 / 32760, 1.0 / 12, -3617.0 / 8160);
  return y + (log(x) - 0.5 / x - z * tail);
}

// Recurrence up to 12, then the derivative of the series above.
inline double trigamma(double x) {
  if (x == inf<double>) return 0;
  if (x < 0.5) {
    const double f = x - round(x), s = sin(pi<double> * f);
    return f == 0 ? inf<double> : pi<double> * pi<double> / (s * s) - trigamma(1 - x);
  }
  double y = 0;
  for (; x < 12; x += 1) y += 1 / (x * x);
  const double r = 1 / x, z = r * r;
  const double tail = polynomial(z, 1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66,
                                 -691.0 / 2730, 7.0 / 6, -3617.0 / 510);
  return y + (r + 0.5 * z + r * z * tail);
}

// Hurwitz: sum over k >= 0 of (q + k)^-s, by Euler and Maclaurin (DLMF 25.11.28) after 10 terms.
inline double zeta_positive(double s, double q) {
  if (q == inf<double>) return 0;
  double y = 0;
  for (int k = 0; k < 10; ++k, q += 1) y += pow(q, -s);
  const double b = pow(q, -s);
  if (b == 0) return y;  // else 0 times an infinite factor below
  y += b * q / (s - 1) + 0.5 * b;
  // B(2k) / (2k)!
  constexpr double bernoulli[] = {1.0 / 12,          -1.0 / 720,
                                  1.0 / 30240,       -1.0 / 1209600,
                                  1.0 / 47900160,    -691.0 / 1307674368000,
                                  1.0 / 74724249600, -3617.0 / 10670622842880000};
  double rising = s * b / q;  // s (s+1) ... (s+2k-2) q^(-s-2k+1)
  for (int k = 0; k < 8; ++k) {
    y += bernoulli[k] * rising;
    rising *= (s + 2 * k + 1) / q * ((s + 2 * k + 2) / q);
  }
  return y;
}
inline double zeta(double s, double q) {
  if (s == 1) return inf<double>;
  if (!(s > 1)) return nan<double>;
  if (q > 0 || q != q) return q != q ? q : zeta_positive(s, q);
  if (q == floor(q)) return inf<double>;
  if (s != floor(s)) return nan<double>;
  // The terms of negative base run from f - 1 down to q.
  const double f = q - floor(q), sign = floor(0.5 * s) == 0.5 * s ? 1 : -1;
  return zeta_positive(s, f) + sign * (zeta_positive(s, 1 - f) - zeta_positive(s, 1 - q));
}

inline double polygamma(std::int64_t n, double x) {
  if (n == 0) return digamma(x);
  if (n == 1) return trigamma(x);
  const double order = static_cast<double>(n);
  double factorial = 1;
  if (n > 170)
    factorial = inf<double>;
  else
    for (std::int64_t k = 2; k <= n; ++k) factorial *= static_cast<double>(k);
  return (n % 2 ? 1 : -1) * factorial * zeta(order + 1, x);
}

// --- incomplete gamma ---

// x^a e^-x / Γ(a + 1); for large a about its maximum, so that nothing large cancels.
inline double gamma_density(double a, double x) {
  if (a < 10) return exp(a * log(x) - x - lgamma(a + 1));
  const double u = (x - a) / a, v = 1 / (a * a);
  const double stirling =
      polynomial(v, 1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188) / a;
  const double l = abs(u) < 0.5 ? log1p(u) : log(x / a);
  return exp(a * (l - u) - stirling) / sqrt(2 * pi<double> * a);
}
// P by its series (DLMF 8.7.1).
inline double igamma_series(double a, double x) {
  double sum = 1, term = 1;
  for (double n = a + 1; term > sum * 0x1p-54; n += 1) sum += term *= x / n;
  return sum * gamma_density(a, x);
}
// Q by its continued fraction (DLMF 8.9.2), evaluated by Lentz's method.
inline double igammac_fraction(double a, double x) {
  double b = x + 1 - a, c = inf<double>, d = 1 / b, h = d;
  for (double n = 1; n < 100000; n += 1) {
    const double k = n * (a - n);
    b += 2;
    d = 1 / (k * d + b);
    c = b + k / c;
    h *= c * d;
    if (abs(c * d - 1) < 0x1p-52) break;
  }
  return h * a * gamma_density(a, x);
}
// 1 - P near 1 for small a and x: 1 - x^a / Γ(a + 1), less the rest of the series.
inline double igammac_series(double a, double x) {
  double sum = 0, term = 1;
  for (double n = 1; n < 200; n += 1) {
    term *= -x / n;
    sum += term / (a + n);
    if (abs(term) < 0x1p-54 * abs(sum)) break;
  }
  const double log_gamma = lgamma(a + 1), log_x = a * log(x);
  return -expm1(log_x - log_gamma) - exp(log_x - log_gamma) * a * sum;
}
// Temme's uniform expansion (DLMF 8.12.3) for a > 1e6, where two terms suffice; upper: Q, else P.
inline double igamma_temme(double a, double x, bool upper) {
  const double u = (x - a) / a, half_square = u - log1p(u);
  const double eta = copysign(sqrt(2 * half_square), u);
  const double c = polynomial(eta, -1.0 / 3, 1.0 / 12, -2.0 / 135, 1.0 / 864, 1.0 / 2835) +
                   polynomial(eta, -1.0 / 540, -1.0 / 288, 1.0 / 378) / a;
  const double r = exp(-a * half_square) / sqrt(2 * pi<double> * a) * c;
  const double t = eta * sqrt(0.5 * a);
  if (abs(t) > 28) return upper == (t < 0);  // and c may be nan
  return upper ? 0.5 * erfc(t) + r : 0.5 * erfc(-t) - r;
}

inline double igamma_either(double a, double x, bool upper) {
  if (!(a >= 0 && x >= 0)) return nan<double>;
  if (a == 0) return x > 0 ? !upper : nan<double>;
  if (x == 0) return upper;
  if (a == inf<double>) return x == inf<double> ? nan<double> : upper;
  if (x == inf<double>) return !upper;
  if (a > 1e6) return igamma_temme(a, x, upper);
  if (x < 1.1 && upper && a < 1.5 * x + 0.5) return igammac_series(a, x);
  if (x <= 1.1 || x < a + 1) {
    const double p = igamma_series(a, x);
    return upper ? 1 - p : p;
  }
  const double q = igammac_fraction(a, x);
  return upper ? q : 1 - q;
}
inline double igamma(double a, double x) { return igamma_either(a, x, false); }
inline double igammac(double a, double x) { return igamma_either(a, x, true); }

// --- Bessel functions ---

// e^-|x| I_order(|x|): power series (DLMF 10.25.2), or from 20 on Hankel's expansion (10.40.1).
inline double bessel_i_scaled(int order, double x) {
  if (x == inf<double>) return 0;
  double sum = 1, term = 1;
  if (x < 20) {
    const double z = 0.25 * x * x;
    for (int k = 1; term > sum * 0x1p-54; ++k) sum += term *= z / (k * (k + order));
    return (order ? 0.5 * x : 1) * sum * exp(-x);
  }
  const double square = 4 * order * order;
  for (int k = 1; k < 40 && abs(term) > 0x1p-54; ++k) {
    const double odd = 2 * k - 1;
    sum += term *= (odd * odd - square) / (8 * k * x);
  }
  return sum / sqrt(2 * pi<double> * x);
}
// In two factors, since e^x overflows before the product does.
inline double unscale(double y, double x) {
  return x == inf<double> ? x : y * exp(0.5 * x) * exp(0.5 * x);
}

inline double i0e(double x) { return bessel_i_scaled(0, abs(x)); }
inline double i1e(double x) { return copysign(bessel_i_scaled(1, abs(x)), x); }
inline double i0(double x) { return unscale(i0e(x), abs(x)); }
inline double i1(double x) { return copysign(unscale(abs(i1e(x)), abs(x)), x); }

// nan at infinity, as in PyTorch.
inline double bessel_j0(double x) { return isinf(x) ? nan<double> : __builtin_j0(x); }
inline double bessel_j1(double x) { return isinf(x) ? nan<double> : __builtin_j1(x); }
inline double bessel_y0(double x) {
  return x > 0    ? x < inf<double> ? __builtin_y0(x) : nan<double>
         : x == 0 ? -inf<double>
                  : nan<double>;
}
inline double bessel_y1(double x) {
  return x > 0    ? x < inf<double> ? __builtin_y1(x) : nan<double>
         : x == 0 ? -inf<double>
                  : nan<double>;
}

#define BACKLIT_UNARY(name) \
  inline float name(float x) { return static_cast<float>(name(static_cast<double>(x))); }
#define BACKLIT_BINARY(name)                                                         \
  inline float name(float x, float y) {                                              \
    return static_cast<float>(name(static_cast<double>(x), static_cast<double>(y))); \
  }
BACKLIT_UNARY(erfinv)
BACKLIT_UNARY(ndtr)
BACKLIT_UNARY(log_ndtr)
BACKLIT_UNARY(ndtri)
BACKLIT_UNARY(digamma)
BACKLIT_UNARY(trigamma)
BACKLIT_UNARY(i0)
BACKLIT_UNARY(i0e)
BACKLIT_UNARY(i1)
BACKLIT_UNARY(i1e)
BACKLIT_UNARY(bessel_j0)
BACKLIT_UNARY(bessel_j1)
BACKLIT_UNARY(bessel_y0)
BACKLIT_UNARY(bessel_y1)
BACKLIT_BINARY(zeta)
BACKLIT_BINARY(igamma)
BACKLIT_BINARY(igammac)
#undef BACKLIT_UNARY
#undef BACKLIT_BINARY
inline float polygamma(std::int64_t n, float x) {
  return static_cast<float>(polygamma(n, static_cast<double>(x)));
}

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
