#include "kernels/random_fill.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "kernels/isa.h"
#include "kernels/random_transform.h"

namespace backlit {

const RandomKernels& random_kernels() {
  static const RandomKernels& table = best_table<RandomKernels>("RandomKernels");
  return table;
}

namespace {

using std::int64_t;
using std::uint32_t;
using std::uint64_t;

constexpr int64_t kBlock = 512;  // numbers drawn from the engine at once

// [0, 1) in steps of 2^-24 or 2^-53.
float unit(uint32_t v) { return static_cast<float>(v & 0xffffffu) * 0x1p-24f; }
double unit(uint64_t v) { return static_cast<double>(v & ((uint64_t{1} << 53) - 1)) * 0x1p-53; }

// Writes f(u) for n numbers u in [0, 1) of type U, drawn in order.
template <class U, class T, class F> void from_unit(T* out, int64_t n, Generator& gen, F f) {
  constexpr int64_t words = sizeof(U) / sizeof(uint32_t);
  uint32_t raw[kBlock * words];
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = std::min(kBlock, n - begin);
    gen.random(raw, count * words);
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (words == 1)
        out[begin + i] = f(unit(raw[i]), begin + i);
      else
        out[begin + i] = f(unit(uint64_t{raw[2 * i]} << 32 | raw[2 * i + 1]), begin + i);
    }
  }
}

// Writes f(v) for n integers v of 32 or 64 bits.
template <class V, class T, class F> void from_bits(T* out, int64_t n, Generator& gen, F f) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (sizeof(V) == 4)
      out[i] = f(gen.random());
    else
      out[i] = f(gen.random64());
  }
}

// Box and Muller's transform in place: 8 pairs (u[i], u[i + 8]) of each block of 16.
void normal_blocks(float* u, int64_t n, float mean, float std) {
  random_kernels().normal_float(u, n, mean, std);
}

void normal_blocks(double* u, int64_t n, double mean, double std) {
  for (int64_t k = 0; k < n; ++k) {
    if (k % 16 >= 8) continue;
    const double radius = std::sqrt(-2 * std::log(1 - u[k]));
    const double theta = 2 * std::numbers::pi * u[k + 8];
    u[k] = std::fma(radius * std::cos(theta), std, mean);
    u[k + 8] = std::fma(radius * std::sin(theta), std, mean);
  }
}

double exponential(double u, double lambda) { return -1 / lambda * std::log1p(-u); }

}  // namespace

double unit_double(Generator& gen) { return unit(gen.random64()); }

double normal_double(double mean, double std, Generator& gen) {
  if (gen.next_double_normal) {
    const double value = *gen.next_double_normal;
    gen.next_double_normal.reset();
    return std::fma(value, std, mean);
  }
  const double u1 = unit_double(gen), u2 = unit_double(gen);
  const double radius = std::sqrt(-2 * std::log1p(-u2));
  const double theta = 2 * std::numbers::pi * u1;
  gen.next_double_normal = radius * std::sin(theta);
  return std::fma(radius * std::cos(theta), std, mean);
}

template <class T> void fill_uniform(T* out, int64_t n, double lo, double hi, Generator& gen) {
  BACKLIT_CHECK(lo <= hi, Runtime,
                "uniform_ expects to return a [from, to) range, but found from=", lo, " > to=", hi);
  constexpr auto dtype = dtype_of<T>;
  BACKLIT_CHECK(lo >= std::numeric_limits<T>::lowest(), Runtime, "from is out of bounds for ",
                info(dtype).c_name);
  BACKLIT_CHECK(hi <= std::numeric_limits<T>::max(), Runtime, "to is out of bounds for ",
                info(dtype).c_name);
  BACKLIT_CHECK(hi - lo <= std::numeric_limits<T>::max(), Runtime,
                "uniform_ expects to-from <= std::numeric_limits<", info(dtype).scalar_name,
                ">::max(), but found to=", hi, " and from=", lo,
                " which result in to-from to exceed the limit");
  const T base = static_cast<T>(lo), width = static_cast<T>(hi) - base;
  from_unit<T>(out, n, gen, [](T u, int64_t) { return u; });
  if constexpr (sizeof(T) == 4)
    random_kernels().affine_float(out, n, width, base);
  else
    random_kernels().affine_double(out, n, width, base);
}

template <class T>
void fill_normal_serial(T* out, int64_t n, double mean, double std, Generator& gen) {
  BACKLIT_CHECK(std >= 0, Runtime, "normal expects std >= 0.0, but found std ", std);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(normal_double(mean, std, gen));
}

template <class T> void fill_normal(T* out, int64_t n, double mean, double std, Generator& gen) {
  if (n < 16) return fill_normal_serial(out, n, mean, std, gen);
  BACKLIT_CHECK(std >= 0, Runtime, "normal expects std >= 0.0, but found std ", std);
  const T m = static_cast<T>(mean), s = static_cast<T>(std);
  const auto draw = [&](T* block, int64_t count) {
    from_unit<T>(block, count, gen, [](T u, int64_t) { return u; });
  };
  draw(out, n);
  normal_blocks(out, n & ~int64_t{15}, m, s);
  if (n % 16 != 0) {
    draw(out + n - 16, 16);
    normal_blocks(out + n - 16, 16, m, s);
  }
}

template <class T> void fill_exponential(T* out, int64_t n, double lambda, Generator& gen) {
  BACKLIT_CHECK(lambda > 0, Runtime,
                "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  from_unit<double>(out, n, gen,
                    [=](double u, int64_t) { return static_cast<T>(exponential(u, lambda)); });
}

template <class T>
void fill_log_normal(T* out, int64_t n, double mean, double std, Generator& gen) {
  BACKLIT_CHECK(std > 0, Runtime, "log_normal_ expects std > 0.0, but found std=", std);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(std::exp(normal_double(mean, std, gen)));
}

template <class T>
void fill_cauchy(T* out, int64_t n, double median, double sigma, Generator& gen) {
  BACKLIT_CHECK(sigma > 0, Runtime, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  from_unit<double>(out, n, gen, [=](double u, int64_t) {
    return static_cast<T>(std::fma(sigma, std::tan(std::numbers::pi * (u - 0.5)), median));
  });
}

#define BACKLIT_INSTANTIATE(T)                                                  \
  template void fill_uniform<T>(T*, int64_t, double, double, Generator&);       \
  template void fill_normal<T>(T*, int64_t, double, double, Generator&);        \
  template void fill_normal_serial<T>(T*, int64_t, double, double, Generator&); \
  template void fill_exponential<T>(T*, int64_t, double, Generator&);           \
  template void fill_log_normal<T>(T*, int64_t, double, double, Generator&);    \
  template void fill_cauchy<T>(T*, int64_t, double, double, Generator&);
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

namespace {

// Moves the end of a range to the nearest integer that a float holds, so that rounding a draw does
// not leave the range.
template <class T> int64_t inner_from(int64_t from) {
  const auto next = static_cast<int64_t>(static_cast<T>(from + 1));
  if (next >= from) return from;
  const int log2 = 63 - __builtin_clzll(static_cast<uint64_t>(std::abs(from + 1)) | 1);
  return next + (int64_t{1} << (log2 - std::numeric_limits<T>::digits + 1));
}
template <class T> int64_t inner_to(int64_t to) {
  const auto rounded = static_cast<T>(to - 1);
  if (rounded >= static_cast<T>(0x1p63)) return to;  // no int64 there; PyTorch keeps `to` too
  const auto last = static_cast<int64_t>(rounded);
  if (last < to) return to;
  const int log2 = 63 - __builtin_clzll(static_cast<uint64_t>(std::abs(to - 1)) | 1);
  return last - (int64_t{1} << (log2 - std::numeric_limits<T>::digits + 1));
}

template <class T> void check_range(Dtype dtype, int64_t from, int64_t last) {
  if constexpr (std::is_integral_v<T>) {
    const auto fits = [](int64_t v) {
      return v >= static_cast<int64_t>(std::numeric_limits<T>::lowest()) &&
             v <= static_cast<int64_t>(std::numeric_limits<T>::max());
    };
    BACKLIT_CHECK(fits(from), Runtime, "from is out of bounds for ", info(dtype).c_name);
    BACKLIT_CHECK(fits(last), Runtime, "to - 1 is out of bounds for ", info(dtype).c_name);
  }
}

}  // namespace

RandomRange random_range(Dtype dtype, int64_t from, std::optional<int64_t> to) {
  return visit(dtype, [&](auto zero) -> RandomRange {
    using T = decltype(zero);
    constexpr bool floating = std::is_floating_point_v<T>;
    if (to) {
      int64_t end = *to;
      BACKLIT_CHECK(from < end, Runtime,
                    "random_ expects 'from' to be less than 'to', but got from=", from,
                    " >= to=", end);
      if constexpr (floating) {
        from = inner_from<T>(from);
        end = inner_to<T>(end);
        BACKLIT_CHECK(
            from < end, Runtime,
            "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, "
            "but got from=",
            from, " >= to=", end);
      }
      check_range<T>(dtype, from, end - 1);
      return {static_cast<uint64_t>(end) - static_cast<uint64_t>(from), from};
    }
    if (from == std::numeric_limits<int64_t>::lowest()) {
      BACKLIT_CHECK(floating || sizeof(T) == 8, Runtime,
                    "random_full_64_bits_range_kernel_cpu handles only int64, double, float and "
                    "bfloat16");
      return {0, 0};
    }
    int64_t last;
    if constexpr (floating) {
      last = int64_t{1} << std::numeric_limits<T>::digits;
      from = inner_from<T>(from);
      BACKLIT_CHECK(from < last, Runtime,
                    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' "
                    "casted to dtype, but got from=",
                    from, " > to_inc=", last);
    } else {
      last = static_cast<int64_t>(std::numeric_limits<T>::max());
    }
    check_range<T>(dtype, from, last);
    return {static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1, from};
  });
}

void fill_random_range(Dtype dtype, void* out, int64_t n, RandomRange r, Generator& gen) {
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto base = static_cast<uint64_t>(r.base);
    const auto shift = [base](uint64_t v) {
      return static_cast<T>(static_cast<int64_t>(v + base));
    };
    T* p = static_cast<T*>(out);
    if (r.range == 0) return from_bits<uint64_t>(p, n, gen, shift);
    // From here on 32 bits modulo the range would be more than 5 % uneven.
    if (r.range >= uint64_t{1} << 28)
      return from_bits<uint64_t>(p, n, gen, [&](uint64_t v) { return shift(v % r.range); });
    const auto range = static_cast<uint32_t>(r.range);
    from_bits<uint32_t>(p, n, gen, [&](uint32_t v) { return shift(v % range); });
  });
}

void fill_random(Dtype dtype, void* out, int64_t n, Generator& gen) {
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = static_cast<T*>(out);
    if constexpr (std::is_same_v<T, bool>) {
      from_bits<uint32_t>(p, n, gen, [](uint32_t v) { return (v & 1) != 0; });
    } else {
      using V = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
      // values up to 2^digits: reached by floats, wraps to none by integers
      constexpr uint64_t count =
          (uint64_t{1} << std::numeric_limits<T>::digits) + std::is_floating_point_v<T>;
      from_bits<V>(p, n, gen, [](uint64_t v) { return static_cast<T>(v % count); });
    }
  });
}

void fill_randperm(int64_t* out, int64_t n, Generator& gen) {
  // Beyond this, 32 bits modulo n would be visibly uneven.
  if (n < std::numeric_limits<uint32_t>::max() / 20) {
    std::iota(out, out + n, int64_t{0});
    for (int64_t i = 0; i < n - 1; ++i)
      std::swap(out[i], out[i + gen.random() % static_cast<uint32_t>(n - i)]);
    return;
  }
  // Fisher and Yates, inside out.
  for (int64_t i = 0; i < n; ++i) {
    const auto j = static_cast<int64_t>(gen.random64() % static_cast<uint64_t>(i + 1));
    out[i] = out[j];
    out[j] = i;
  }
}

void fill_bernoulli(Dtype dtype, void* out, int64_t n, double p, Generator& gen) {
  BACKLIT_CHECK(0 <= p && p <= 1, Runtime, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    from_unit<double>(static_cast<T*>(out), n, gen,
                      [=](double u, int64_t) { return static_cast<T>(u < p); });
  });
}

void fill_bernoulli(Dtype dtype, void* out, int64_t n, Dtype p_dtype, const void* p,
                    Generator& gen) {
  BACKLIT_CHECK(is_floating(p_dtype), Runtime, "bernoulli: p must be floating, got ",
                info(p_dtype).name);
  const auto fill = [&](auto* to, const auto* probability) {
    using T = std::remove_pointer_t<decltype(to)>;
    using U = std::remove_cvref_t<decltype(*probability)>;
    for (int64_t i = 0; i < n; ++i)
      BACKLIT_CHECK(0 <= probability[i] && probability[i] <= 1, Runtime,
                    "Expected p_in >= 0 && p_in <= 1 to be true, but got false. bernoulli: p[", i,
                    "] is ", probability[i]);
    from_unit<U>(to, n, gen, [=](U u, int64_t i) { return static_cast<T>(u < probability[i]); });
  };
  visit(dtype, [&](auto zero) {
    auto* to = static_cast<decltype(zero)*>(out);
    if (p_dtype == Dtype::Float64)
      fill(to, static_cast<const double*>(p));
    else
      fill(to, static_cast<const float*>(p));
  });
}

void fill_geometric(Dtype dtype, void* out, int64_t n, double p, Generator& gen) {
  BACKLIT_CHECK(0 < p && p < 1, Runtime, "geometric_ expects p to be in (0, 1), but got p=", p);
  const double log_q = std::log(1 - p);
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    from_unit<double>(static_cast<T*>(out), n, gen, [=](double u, int64_t) {
      const double v = std::ceil(std::log(u) / log_q);
      if constexpr (std::is_floating_point_v<T>)
        return static_cast<T>(v);
      else  // saturate first: out of int64 is undefined
        return static_cast<T>(static_cast<int64_t>(std::min(v, 0x1p62)));
    });
  });
}

namespace {

// Numbers are multiplied until their product falls to exp(-rate).
double poisson_by_products(double rate, Generator& gen) {
  const double least = std::exp(-rate);
  double product = unit_double(gen), count = 0;
  for (; product > least; product *= unit_double(gen)) ++count;
  return count;
}

// Hörmann's transformed rejection with squeeze, PTRS (1993), with the constants of its paper.
double poisson_by_rejection(double rate, Generator& gen) {
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const double u = unit_double(gen) - 0.5, v = unit_double(gen), edge = 0.5 - std::abs(u);
    const double count = std::floor((2 * a / edge + b) * u + rate + 0.43);
    if (edge >= 0.07 && v <= squeeze) return count;
    if (count < 0 || (edge < 0.013 && v > edge)) continue;
    const double proposed = std::log(v * inverse_alpha / (a / (edge * edge) + b));
    if (proposed <= count * std::log(rate) - rate - std::lgamma(count + 1)) return count;
  }
}

}  // namespace

template <class T> void fill_poisson(T* out, int64_t n, const T* rates, Generator& gen) {
  for (int64_t i = 0; i < n; ++i) {
    const double rate = rates[i];
    BACKLIT_CHECK(rate >= 0, Runtime, "invalid Poisson rate, expected rate to be non-negative");
    out[i] = static_cast<T>(rate == 0   ? 0
                            : rate < 10 ? poisson_by_products(rate, gen)
                                        : poisson_by_rejection(rate, gen));
  }
}
template void fill_poisson<float>(float*, int64_t, const float*, Generator&);
template void fill_poisson<double>(double*, int64_t, const double*, Generator&);

namespace {

// One row drawn from its cumulative distribution.
template <class T>
void draw_with_replacement(const T* weights, int64_t categories, int64_t samples, int64_t* out,
                           std::vector<T>& cumulative, Generator& gen) {
  T sum = 0;
  for (int64_t j = 0; j < categories; ++j) {
    BACKLIT_CHECK(weights[j] >= 0, Runtime,
                  "invalid multinomial distribution (encountering probability entry < 0)");
    BACKLIT_CHECK(
        std::isfinite(weights[j]), Runtime,
        "invalid multinomial distribution (encountering probability entry = infinity or NaN)");
    cumulative[static_cast<std::size_t>(j)] = sum += weights[j];
  }
  BACKLIT_CHECK(sum > 0, Runtime, "invalid multinomial distribution (sum of probabilities <= 0)");
  for (T& c : cumulative) c /= sum;
  cumulative.back() = 1;
  for (int64_t j = 0; j < samples; ++j)
    out[j] = std::lower_bound(cumulative.begin(), cumulative.end(), unit_double(gen)) -
             cumulative.begin();
}

}  // namespace

template <class T>
void multinomial(const T* weights, int64_t rows, int64_t categories, int64_t samples,
                 bool replacement, int64_t* out, Generator& gen) {
  BACKLIT_CHECK(samples > 0, Runtime, "cannot sample n_sample <= 0 samples");
  BACKLIT_CHECK(replacement || samples <= categories, Runtime,
                "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  std::vector<T> row(static_cast<std::size_t>(categories));
  if (replacement && samples > 1) {
    for (int64_t i = 0; i < rows; ++i)
      draw_with_replacement(weights + i * categories, categories, samples, out + i * samples, row,
                            gen);
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T* w = weights + i * categories;
    BACKLIT_CHECK(std::all_of(w, w + categories, [](T v) { return v >= 0 && std::isfinite(v); }),
                  Runtime, "probability tensor contains either `inf`, `nan` or element < 0");
    BACKLIT_CHECK(std::any_of(w, w + categories, [](T v) { return v > 0; }), Runtime,
                  "invalid multinomial distribution (sum of probabilities <= 0)");
  }
  // Exponential clocks: the categories in the order in which clocks of rate w ring are a sample
  // without replacement. P. Efraimidis, P. Spirakis, Inf. Process. Lett. 97 (2006).
  std::vector<int64_t> order(static_cast<std::size_t>(categories));
  for (int64_t i = 0; i < rows; ++i) {
    const T* w = weights + i * categories;
    fill_exponential(row.data(), categories, 1.0, gen);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = w[j] / row[j];
    std::iota(order.begin(), order.end(), int64_t{0});
    std::partial_sort(
        order.begin(), order.begin() + samples, order.end(), [&](int64_t a, int64_t b) {
          const T x = row[static_cast<std::size_t>(a)], y = row[static_cast<std::size_t>(b)];
          return x != y ? x > y : a < b;
        });
    std::copy_n(order.begin(), samples, out + i * samples);
  }
}

template void multinomial<float>(const float*, int64_t, int64_t, int64_t, bool, int64_t*,
                                 Generator&);
template void multinomial<double>(const double*, int64_t, int64_t, int64_t, bool, int64_t*,
                                  Generator&);

}  // namespace backlit
