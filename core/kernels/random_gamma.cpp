#include "kernels/random_gamma.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "formulas/math_special.h"
#include "kernels/random_fill.h"

namespace backlit {
namespace {

using math::digamma;
using math::lgamma;

}  // namespace

// G. Marsaglia, W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
template <class T> double sample_gamma(T shape, Generator& gen) {
  double scale = 1;
  if (shape < 1) {
    if (shape == 0) return 0;
    scale = std::pow(1 - unit_double(gen), 1 / shape);
    shape += 1;
  }
  const double d = shape - 1.0f / 3, c = 1 / std::sqrt(9 * d);  // as PyTorch rounds it
  while (true) {
    const double x = normal_double(0, 1, gen), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root, u = 1 - unit_double(gen), xx = x * x;
    if (u < 1 - 0.0331 * xx * xx) return scale * d * v;
    if (std::log(u) < 0.5 * xx + d * (1 - v + std::log(v))) return scale * d * v;
  }
}

template double sample_gamma<float>(float, Generator&);
template double sample_gamma<double>(double, Generator&);

namespace {

// For few expected successes: waiting times until they pass the count.
double binomial_by_waiting(double count, double p, Generator& gen) {
  const double log_failure = std::log1p(-p);
  double trials = 0, successes = 0;
  while (true) {
    trials += std::ceil(std::log(unit_double(gen)) / log_failure);
    if (trials > count) return successes;
    ++successes;
  }
}

// Hörmann's transformed rejection, BTRS (1993), with the constants of its paper.
double binomial_by_rejection(double count, double p, Generator& gen) {
  const double deviation = std::sqrt(count * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * deviation;
  const double mode = std::floor((count + 1) * p), log_odds = std::log(p / (1 - p));
  const double at_mode = lgamma(mode + 1) + lgamma(count - mode + 1);
  while (true) {
    const double u = unit_double(gen) - 0.5, v = unit_double(gen), edge = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / edge + b) * u + count * p + 0.5);
    if (k < 0 || k > count) continue;
    if (edge >= 0.07 && v <= squeeze) return k;
    const double proposed = std::log(v * alpha / (a / (edge * edge) + b));
    const double target = at_mode - lgamma(k + 1) - lgamma(count - k + 1) + (k - mode) * log_odds;
    if (proposed <= target) return k;
  }
}

}  // namespace

double sample_binomial(double count, double p, Generator& gen) {
  if (std::isnan(p)) return std::numeric_limits<double>::quiet_NaN();
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  const double rare = std::min(p, 1 - p);
  const double drawn = count * rare >= 10 ? binomial_by_rejection(count, rare, gen)
                                          : binomial_by_waiting(count, rare, gen);
  return p <= 0.5 ? drawn : count - drawn;
}

namespace {

// The integral of f from 0 to infinity by the trapezoid rule in v, s = exp(v - exp(-v)): f is
// smooth at every scale from `finest` on and decays at least exponentially.
template <class F> double integrate(double finest, F f) {
  constexpr double step = 0.2;
  double sum = 0, largest = 0;
  for (double v = -3.2; v < 50; v += step) {
    const double shrink = std::exp(-v), s = finest * std::exp(v - shrink);
    const double term = f(s) * s * (1 + shrink);
    sum += term;
    largest = std::max(largest, term);
    if (v > 0 && term < 1e-16 * largest) break;
  }
  return sum * step;
}

}  // namespace

// The derivative of F is the integral of (ln t - ψ(a)) times the density over all t below x, or
// less that over all above: taken on the side where ln t - ψ(a) keeps its sign, nothing cancels.
double gamma_sample_slope(double a, double x) {
  if (!(a > 0 && x > 0)) return a != a || x != x ? a + x : 0;
  const double log_x = std::log(x);
  if (a < 1 && x < 1)  // there the density is flat over a length of -ln x: step up to a + 1
    return x / a * (gamma_sample_slope(a + 1, x) + digamma(a + 1) - log_x);
  const double offset = log_x - digamma(a), finest = 1 / (std::abs(a - x) + std::sqrt(x));
  if (offset < 0)  // t = x e^-s
    return x * integrate(finest, [=](double s) {
             return (s - offset) * std::exp(-a * s - x * std::expm1(-s));
           });
  return integrate(x * finest, [=](double s) {  // t = x + s
    const double bend = std::log1p(s / x);
    return (offset + bend) * std::exp((a - 1) * bend - s);
  });
}

// The same in u = ln(t / (1 - t)), where the density is e^(au) / (1 + e^u)^(a + b).
double beta_sample_slope(double x, double a, double b) {
  if (!(a > 0 && b > 0 && x > 0 && x < 1)) return a != a || b != b || x != x ? a + b + x : 0;
  const double log_x = std::log(x);
  if (a < 1 && x < 0.5)
    return x / a *
           ((a + b) * beta_sample_slope(x, a + 1, b) + digamma(a + 1) - digamma(a + b) - log_x);
  const double offset = log_x - (digamma(a) - digamma(a + b));
  if (b < 1 && x > 0.5)  // as above, towards 1
    return ((1 - x) * (a + b) * beta_sample_slope(x, a, b + 1) + x * offset) / b;
  const bool below = offset < 0;
  const double near = below ? x : 1 - x, rate = below ? a : b;
  const double finest = 1 / (1 + std::abs(a - (a + b) * x) + std::sqrt((a + b) * x * (1 - x)));
  return x * integrate(finest, [=](double s) {
           const double bend = std::log1p(near * std::expm1(-s));
           return std::abs(offset - bend - (below ? s : 0)) * std::exp(-rate * s - (a + b) * bend);
         });
}

}  // namespace backlit
