// Largest error of every function of math.h, in units in the last place of the correct result.
//
// Prints `function dtype max_ulp worst arguments`; test_math_ulp.py compiles, runs and judges it.
// References: libm in double for float, in long double for double.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include "formulas/math.h"

namespace m = backlit::math;
using ld = long double;

template <class T> using Wide = std::conditional_t<std::is_same_v<T, float>, double, ld>;
template <class T> inline constexpr const char* type_name = sizeof(T) == 4 ? "float32" : "float64";

// inf stands for the first number beyond the range, so that one too early costs what it should.
template <class T> Wide<T> finite(Wide<T> x) {
  const Wide<T> top = std::ldexp(Wide<T>(1), std::numeric_limits<T>::max_exponent);
  return x > top ? top : x < -top ? -top : x;
}

template <class T> double ulps(T got, Wide<T> want, Wide<T> magnitude) {
  constexpr double wrong = 1e30;
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : wrong;
  if (want == 0)
    return got == 0 && std::signbit(want) != std::signbit(got) ? wrong : got == 0 ? 0 : wrong;
  const Wide<T> w = finite<T>(want), g = finite<T>(got);
  constexpr int digits = std::numeric_limits<T>::digits;
  int exponent;
  std::frexp(std::max(std::fabs(w), finite<T>(std::fabs(magnitude))), &exponent);
  exponent = std::min(std::max(exponent, std::numeric_limits<T>::min_exponent),
                      std::numeric_limits<T>::max_exponent);
  return static_cast<double>(std::ldexp(std::fabs(g - w), digits - exponent));
}

template <class T> const std::vector<T>& specials() {
  static const std::vector<T> all = [] {
    std::vector<T> v;
    for (double x : {0.0,
                     0.25,
                     0.5,
                     0.70710678,
                     0.75,
                     0.9,
                     0.95,
                     1.0,
                     1.41421356,
                     1.5,
                     2.0,
                     2.5,
                     3.0,
                     4.0,
                     5.0,
                     0.625,
                     0.34657359,
                     0.69314718,
                     0.78539816,
                     1.57079633,
                     3.14159265,
                     6.28318531,
                     7.0,
                     8.0,
                     9.0,
                     10.0,
                     16.0,
                     17.0,
                     20.0,
                     27.3,
                     64.0,
                     88.0,
                     88.7228394,
                     89.0,
                     89.416,
                     103.97,
                     126.0,
                     127.0,
                     128.0,
                     149.0,
                     150.0,
                     700.0,
                     709.782712893384,
                     710.4758600739439,
                     745.13,
                     1000.0,
                     1022.0,
                     1024.0,
                     1074.0,
                     0x1p23,
                     0x1p24,
                     0x1p31,
                     0x1p52,
                     0x1p53,
                     1e8,
                     1e15,
                     1e30,
                     1e300})
      v.push_back(static_cast<T>(x));
    using L = std::numeric_limits<T>;
    for (T x : {L::min(), L::denorm_min(), L::max(), L::epsilon(), T(L::min() / 2)}) v.push_back(x);
    std::vector<T> out;
    for (T x : v) {
      T up = x, down = x;
      for (int i = 0; i < 20; ++i) {
        for (T s : {up, down}) out.insert(out.end(), {s, T(-s)});
        up = std::nextafter(up, L::infinity());
        down = std::nextafter(down, -L::infinity());
      }
    }
    for (T x : {L::infinity(), -L::infinity(), L::quiet_NaN()}) out.push_back(x);
    return out;
  }();
  return all;
}

template <class T> std::vector<T> samples(std::size_t patterns, unsigned seed) {
  using U = m::BitsOf<T>;
  std::mt19937_64 random(seed);
  std::vector<T> v;
  const U step = static_cast<U>(~U{0} / patterns);
  for (std::size_t i = 0; i < patterns; ++i)  // one per stratum of the bit patterns
    v.push_back(m::from_bits<T>(static_cast<U>(i * step + random() % step)));
  for (double range : {1.0, 3.0, 10.0, 100.0, 1000.0, 1e6, 1e9}) {
    std::uniform_real_distribution<double> uniform(-range, range);
    for (std::size_t i = 0; i < patterns / 8; ++i) v.push_back(static_cast<T>(uniform(random)));
  }
  v.insert(v.end(), specials<T>().begin(), specials<T>().end());
  while (v.size() % 1024) v.push_back(T(1));
  return v;
}

template <class T> inline constexpr std::size_t kPatterns = sizeof(T) == 4 ? 1'000'000 : 250'000;

template <class T, class F, class R> void unary(const char* name, F f, R reference) {
  static const std::vector<T> in = samples<T>(kPatterns<T>, 1);
  std::vector<T> out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = f(in[i]);
  double worst = 0;
  T at = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double e = ulps<T>(out[i], reference(Wide<T>(in[i])), 0);
    if (e > worst) worst = e, at = in[i];
  }
  std::printf("%s %s %.3f %.17g\n", name, type_name<T>, worst, static_cast<double>(at));
}

template <class T, class F, class R, class M>
void binary(const char* name, F f, R reference, M magnitude) {
  static const auto pairs = [] {
    std::pair<std::vector<T>, std::vector<T>> p{samples<T>(kPatterns<T> / 4, 2),
                                                samples<T>(kPatterns<T> / 4, 3)};
    std::mt19937_64 random(4);
    std::shuffle(p.second.begin(), p.second.end(), random);
    std::uniform_real_distribution<double> base(0, 8), exponent(-20, 20), near(0.99, 1.01);
    for (int i = 0; i < 100'000; ++i) {
      p.first.push_back(static_cast<T>(i & 1 ? base(random) : near(random)));
      p.second.push_back(static_cast<T>((i & 1 ? 1 : 300) * exponent(random)));
    }
    const auto& s = specials<T>();
    for (std::size_t i = 0; i < s.size(); i += 13)
      for (std::size_t j = 0; j < s.size(); j += 11)
        p.first.push_back(s[i]), p.second.push_back(s[j]);
    using L = std::numeric_limits<T>;
    const std::vector<T> few = {0,
                                T(-0.0),
                                1,
                                -1,
                                2,
                                -2,
                                3,
                                -3,
                                T(0.5),
                                T(-0.5),
                                T(-1.5),
                                L::infinity(),
                                -L::infinity(),
                                L::quiet_NaN(),
                                L::max(),
                                L::min(),
                                L::denorm_min(),
                                -L::max(),
                                T(0x1p24),
                                T(0x1p24 - 1),
                                T(0x1p53 - 1)};
    for (T a : few)
      for (T b : few) p.first.push_back(a), p.second.push_back(b);
    return p;
  }();
  const auto& [a, b] = pairs;
  std::vector<T> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = f(a[i], b[i]);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide<T> x = a[i], y = b[i];
    const double e = ulps<T>(out[i], reference(x, y), magnitude(x, y));
    if (e > worst) worst = e, at = i;
  }
  std::printf("%s %s %.3f %.17g %.17g\n", name, type_name<T>, worst, static_cast<double>(a[at]),
              static_cast<double>(b[at]));
}

#define UNARY(name, reference) \
  unary<T>(#name, [](T x) { return m::name(x); }, [](W x) -> W { return reference; })
#define BINARY_NEAR(name, reference, magnitude)                                               \
  binary<T>(                                                                                  \
      #name, [](T x, T y) { return m::name(x, y); }, [](W x, W y) -> W { return reference; }, \
      [](W x, W y) -> W {                                                                     \
        (void)x, (void)y;                                                                     \
        return magnitude;                                                                     \
      })
#define BINARY(name, reference) BINARY_NEAR(name, reference, 0)

#define BOUNDED(name)                                                                       \
  unary<T>(                                                                                 \
      "bounded::" #name,                                                                    \
      [](T x) { return std::fabs(x) > m::bounded::limit<T> ? T(0) : m::bounded::name(x); }, \
      [](W x) -> W { return std::fabs(x) > m::bounded::limit<T> ? W(0) : std::name(x); })

template <class T> void exponentials() {
  using W = Wide<T>;
  UNARY(exp, std::exp(x));
  UNARY(exp2, std::exp2(x));
  UNARY(expm1, std::expm1(x));
  UNARY(sigmoid, x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)));
  UNARY(sinh, std::sinh(x));
  UNARY(cosh, std::cosh(x));
  UNARY(tanh, std::tanh(x));
  UNARY(erf, std::erf(x));
  UNARY(erfc, std::erfc(x));
}
template <class T> void logarithms() {
  using W = Wide<T>;
  UNARY(log, std::log(x));
  UNARY(log2, std::log2(x));
  UNARY(log10, std::log10(x));
  UNARY(log1p, std::log1p(x));
  UNARY(asinh, std::asinh(x));
  UNARY(acosh, std::acosh(x));
  UNARY(atanh, std::atanh(x));
  BINARY(pow, std::pow(x, y));
  BINARY_NEAR(logaddexp,
              x == y ? x + std::log(W(2))
              : std::isnan(x) || std::isnan(y)
                  ? x + y
                  : std::max(x, y) + std::log1p(std::exp(-std::fabs(x - y))),
              std::max(std::fabs(std::max(x, y)), W(0.7)));
}
template <class T> void trigonometry() {
  using W = Wide<T>;
  UNARY(sin, std::sin(x));
  UNARY(cos, std::cos(x));
  UNARY(tan, std::tan(x));
  BOUNDED(sin);
  BOUNDED(cos);
  BOUNDED(tan);
  UNARY(asin, std::asin(x));
  UNARY(acos, std::acos(x));
  UNARY(atan, std::atan(x));
  BINARY(atan2, std::atan2(x, y));
}
template <class T> void arithmetic() {
  using W = Wide<T>;
  UNARY(sqrt, std::sqrt(x));
  UNARY(rsqrt, 1 / std::sqrt(x));
  UNARY(floor, std::floor(x));
  UNARY(ceil, std::ceil(x));
  UNARY(trunc, std::trunc(x));
  UNARY(round, std::nearbyint(x));
  BINARY(hypot, std::hypot(x, y));
  BINARY(fmod, std::fmod(x, y));
  BINARY(nextafter, std::nextafter(static_cast<T>(x), static_cast<T>(y)));
  BINARY(maximum, std::isnan(x) || std::isnan(y) ? W(NAN) : x > y ? x : y);
  BINARY(minimum, std::isnan(x) || std::isnan(y) ? W(NAN) : x < y ? x : y);
}

// Integer arithmetic at its edges: the number of wrong answers.
template <class T> int integers() {
  constexpr T lowest = std::numeric_limits<T>::min(), highest = std::numeric_limits<T>::max();
  int wrong = 0;
  for (T a : {T(0), T(1), T(2), T(7), T(-1), T(-7), lowest, highest, T(lowest + 1)})
    for (T b : {T(1), T(2), T(3), T(-1), T(-3), lowest, highest}) {
      if (b == 0) continue;
      const __int128 x = a, y = b;
      __int128 q = x / y, r = x % y;
      wrong += m::trunc_divide(a, b) != static_cast<T>(q);
      wrong += m::fmod(a, b) != static_cast<T>(r);
      if (r != 0 && (r < 0) != (y < 0)) r += y, q -= 1;
      wrong += m::remainder(a, b) != static_cast<T>(r);
      wrong += m::floor_divide(a, b) != static_cast<T>(q);
      wrong += m::wrap_add(a, b) != static_cast<T>(x + y);
      wrong += m::wrap_sub(a, b) != static_cast<T>(x - y);
      wrong += m::wrap_mul(a, b) != static_cast<T>(static_cast<unsigned __int128>(x) *
                                                   static_cast<unsigned __int128>(y));
      wrong += m::abs(a) != static_cast<T>(x < 0 ? -x : x);
      wrong += m::sign(a) != static_cast<T>((x > 0) - (x < 0));
      wrong += m::maximum(a, b) != std::max(a, b);
    }
  return wrong;
}

int main() {
  std::printf("integers all %d\n", integers<std::int8_t>() + integers<std::int16_t>() +
                                       integers<std::int32_t>() + integers<std::int64_t>() +
                                       integers<std::uint8_t>());
  exponentials<float>(), logarithms<float>(), trigonometry<float>(), arithmetic<float>();
  exponentials<double>(), logarithms<double>(), trigonometry<double>(), arithmetic<double>();
}
