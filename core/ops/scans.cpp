// Scans: running sums, products and extrema along one dimension.
#include "ops/scans.h"

#include <cmath>
#include <limits>

#include "formulas/comparison.h"
#include "formulas/math_complex.h"
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/floats.h"
#include "ops/linalg.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Tensor call(const char* formula, const Tensor& x) {
  return run_recorded(formula_named(formula), Recorded(x)).tensor();
}

// Float sums run in double, as PyTorch's do; integers wrap around.
template <class T> struct RunningType {
  using Type = std::uint64_t;
};
template <> struct RunningType<float> {
  using Type = double;
};
template <> struct RunningType<double> {
  using Type = double;
};
template <class T> struct RunningType<Complex<T>> {
  using Type = Complex<double>;
};

// Lines whose sums run side by side: one alone would wait for each addition.
constexpr i64 kRows = 4, kColumns = 64;

// y[k] = step(y[k-1], x[k]), `by` being the way from x[k-1] to x[k]: in kCount lines that are
// `apart` from each other,
template <i64 kCount, class T, class Acc, class F>
void scan_rows(const T* x, T* y, i64 apart, i64 n, i64 by, Acc start, F step) {
  Acc acc[kCount];
  std::fill_n(acc, kCount, start);
  for (i64 k = 0; k < n; ++k, x += by, y += by)
    for (i64 l = 0; l < kCount; ++l) {
      acc[l] = step(acc[l], static_cast<Acc>(x[l * apart]));
      y[l * apart] = static_cast<T>(acc[l]);
    }
}
// and in up to kColumns lines that are neighbours.
template <class T, class Acc, class F>
void scan_columns(const T* x, T* y, i64 count, i64 n, i64 by, Acc start, F step) {
  Acc acc[kColumns];
  std::fill_n(acc, count, start);
  for (i64 k = 0; k < n; ++k, x += by, y += by)
    for (i64 c = 0; c < count; ++c) {
      acc[c] = step(acc[c], static_cast<Acc>(x[c]));
      y[c] = static_cast<T>(acc[c]);
    }
}

// The same along d of contiguous tensors, from `start`; from the end when reverse.
template <class Acc, class T, class F>
void scan(const Tensor& from, const Tensor& to, int d, bool reverse, Acc start, F step) {
  const Lines lines(from.sizes(), d);
  const i64 by = reverse ? -lines.inner : lines.inner;
  const i64 most = lines.inner > 1 ? kColumns : kRows;
  lines.each_group(most, [&](i64 line, i64 count) {
    const i64 first = lines.start(line) + (reverse ? (lines.n - 1) * lines.inner : 0);
    const T* x = from.data<T>() + first;
    T* y = to.data<T>() + first;
    if (lines.inner > 1) return scan_columns(x, y, count, lines.n, by, start, step);
    if (count == kRows) return scan_rows<kRows>(x, y, lines.n, lines.n, by, start, step);
    for (i64 l = 0; l < count; ++l)
      scan_rows<1>(x + l * lines.n, y + l * lines.n, 0, lines.n, by, start, step);
  });
}

template <class F> void visit_number(Dtype d, F&& f) {
  switch (d) {
    case Dtype::UInt8: return f(std::uint8_t{});
    case Dtype::Int8: return f(std::int8_t{});
    case Dtype::Int16: return f(std::int16_t{});
    case Dtype::Int32: return f(std::int32_t{});
    case Dtype::Float32: return f(float{});
    case Dtype::Float64: return f(double{});
    case Dtype::Complex64: return f(Complex<float>{});
    case Dtype::Complex128: return f(Complex<double>{});
    case Dtype::Bool:
    case Dtype::Int64: return f(i64{});
    case Dtype::Float16:
    case Dtype::BFloat16: break;
  }
  fail_not_computed(d);
}

Tensor scan_sum(const Tensor& input, int d, bool reverse) {
  const Tensor x = contiguous(detach(input));
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  visit_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Acc = typename RunningType<T>::Type;
    scan<Acc, T>(x, y, d, reverse, Acc(0), [](Acc a, Acc b) { return a + b; });
  });
  return y;
}
Tensor scan_product(const Tensor& input, int d) {
  const Tensor x = contiguous(detach(input));
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  visit_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Acc = typename RunningType<T>::Type;
    scan<Acc, T>(x, y, d, false, Acc(1), [](Acc a, Acc b) { return a * b; });
  });
  return y;
}

double log_add(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  const double high = std::max(a, b), low = std::min(a, b);
  return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
}

// The same of complex numbers: the one with the larger real part comes first.
Complex<double> log_add(Complex<double> a, Complex<double> b) {
  if (a.re < b.re) std::swap(a, b);
  if (std::isinf(b.re) && b.re < 0) return a;
  return a + log1p(exp(b - a));
}

// --- cumprod ---

// Rows of the gradient for lines with zeros, without recorded operations.
Tensor cumprod_gradient_with_zeros(const Tensor& g, const Tensor& input, int d) {
  const Tensor x = contiguous(detach(input)), gc = contiguous(detach(g));
  Tensor out = Tensor::zeros(x.sizes(), x.dtype());
  const Lines lines(x.sizes(), d);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *gs = gc.data<T>();
    T* r = out.data<T>();
    lines.each([&](i64 line) {
      const i64 a = lines.start(line), by = lines.inner;
      const auto zero_from = [&](i64 k) {
        while (k < lines.n && in[a + k * by] != T(0)) ++k;
        return k;
      };
      const i64 first = zero_from(0), second = zero_from(first + 1);
      // before the first zero: Σ_{i≥k} g_i y_i / x_k, where y ends at the zero
      double product = 1;
      for (i64 k = 0; k < first; ++k) r[a + k * by] = static_cast<T>(product *= in[a + k * by]);
      double tail = 0;
      for (i64 k = first; k-- > 0;) {
        tail += static_cast<double>(gs[a + k * by]) * static_cast<double>(r[a + k * by]);
        r[a + k * by] = static_cast<T>(tail / in[a + k * by]);
      }
      if (first >= lines.n) return;
      double at_zero = 0;
      for (i64 k = first; k < std::min(second, lines.n); ++k) {
        if (k > first) product *= in[a + k * by];
        at_zero += gs[a + k * by] * product;
      }
      r[a + first * by] = static_cast<T>(at_zero);
    });
  };
  if (x.dtype() == Dtype::Float32)
    run(float{});
  else
    run(double{});
  return out;
}

Tensor cumprod(const Tensor& x, int d);

Tensor cumprod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int d) {
  if (x.numel() <= 1) return g;
  if (all_nonzero(x)) return div(cumsum(mul(g, conj(y)), d, true), conj(x));
  if (!modes.grad && !x.is_complex()) return cumprod_gradient_with_zeros(g, x, d);
  // dL/dx_k = Σ_{i≥k} g_i Π_{j≤i, j≠k} x_j
  const i64 n = x.size(d);
  const Tensor later = triangle(Tensor::full(Dims{n, n}, 1, real_of(g.dtype())), 0, false);
  Dims shape;
  for (int k = 0; k <= x.dim(); ++k) shape.push_back(k == d || k == d + 1 ? n : 1);
  const Tensor products = mul(cumprod(leave_one_out(x, d), d + 1), reshape(later, shape));
  return sum(mul(unsqueeze(g, d), conj(products)), Dims{d + 1}, false);
}

Tensor cumprod(const Tensor& x, int d) {
  return record(
      "CumprodBackward0", scan_product(x, d), {x}, {x},
      [d](Vjp& v) { v.set(0, cumprod_gradient(v.g(), v.saved(0), v.saved(1), d)); }, true);
}

// --- logcumsumexp ---

Tensor logcumsumexp(const Tensor& x, int d, bool reverse) {
  const Tensor from = contiguous(detach(x));
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  visit_numbers(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Acc = typename RunningType<T>::Type;
    scan<Acc, T>(from, y, d, reverse, Acc(-INFINITY), [](Acc a, Acc b) { return log_add(a, b); });
  });
  return record(
      "LogcumsumexpBackward0", std::move(y), {x}, {x},
      [d, reverse](Vjp& v) {
        // Σ_{i≥k} g_i exp(x_k − y_i), positive and negative g apart, in logarithms
        const Tensor x = v.saved(0), y = v.saved(1), g = v.g();
        if (x.is_complex()) {
          const Tensor sums = logcumsumexp(sub(call("log", g), conj(y)), d, !reverse);
          return v.set(0, call("exp", add(sums, conj(x))));
        }
        const double none = x.dtype() == Dtype::Float32 ? std::numeric_limits<float>::lowest()
                                                        : std::numeric_limits<double>::lowest();
        const auto part = [&](const Tensor& amount) {
          const Tensor positive = apply<formulas::Gt>(amount, Scalar(0.0));
          const Tensor log_g =
              where(positive, call("log", where(positive, amount, Scalar(1.0))), Scalar(none));
          return call("exp", add(logcumsumexp(sub(log_g, y), d, !reverse), x));
        };
        v.set(0, sub(part(g), part(neg(g))));
      },
      true);
}

// --- the operations ---

Tensor scan_input(const Tensor& x, std::optional<Dtype> dtype) {
  const Dtype d = dtype ? *dtype : x.is_differentiable() ? x.dtype() : Dtype::Int64;
  BACKLIT_CHECK(is_differentiable(d) || !x.requires_grad() || !modes.grad, Runtime,
                "Autograd not support dtype: ", info(d).scalar_name);
  return to_dtype(x, d == Dtype::Bool ? Dtype::Int64 : d);
}
Tensor cumsum_op(const Tensor& x, i64 dim, std::optional<Dtype> dtype) {
  return cumsum(scan_input(x, dtype), wrap_dim(dim, x.dim()));
}
Tensor cumprod_op(const Tensor& x, i64 dim, std::optional<Dtype> dtype) {
  return cumprod(scan_input(x, dtype), wrap_dim(dim, x.dim()));
}
Tensor logcumsumexp_op(const Tensor& x, i64 dim) {
  BACKLIT_CHECK(x.is_differentiable(), NotImplemented,
                "\"logcumsumexp_out_cpu\" not implemented for '", info(x.dtype()).scalar_name, "'");
  return logcumsumexp(x, wrap_dim(dim, x.dim()), false);
}
const RegisterComplex cumsum_row(
    "cumsum(Tensor input, int dim, *, dtype? dtype=None, Tensor? out=None) -> Tensor", cumsum_op,
    {.meaning = "Running sum along dim.",
     .formula = "yₖ = Σ_{i≤k} xᵢ",
     .gradient = "∂L/∂xₖ = Σ_{i≥k} ∂L/∂yᵢ"});
const RegisterComplex cumprod_row(
    "cumprod(Tensor input, int dim, *, dtype? dtype=None, Tensor? out=None) -> Tensor", cumprod_op,
    {.meaning = "Running product along dim.",
     .formula = "yₖ = Π_{i≤k} xᵢ",
     .gradient = "∂L/∂xₖ = Σ_{i≥k} ∂L/∂yᵢ Π_{j≤i, j≠k} xⱼ"});
const RegisterComplex logcumsumexp_row(
    "logcumsumexp(Tensor input, int dim, *, Tensor? out=None) -> Tensor", logcumsumexp_op,
    {.meaning = "Running logarithm of the sum of exponentials along dim.",
     .formula = "yₖ = log Σ_{i≤k} exp xᵢ",
     .gradient = "∂L/∂xₖ = Σ_{i≥k} exp(xₖ − yᵢ) ∂L/∂yᵢ"});

Tensor cumsum_in_place_op(const Tensor& x, i64 dim, std::optional<Dtype> dtype) {
  BACKLIT_CHECK(!dtype || *dtype == x.dtype(), Runtime, "Bad in-place call: input tensor dtype ",
                info(x.dtype()).name, " and output tensor dtype ", info(*dtype).name,
                " should match");
  const int d = wrap_dim(dim, x.dim());
  return record_in_place(
      "CumsumBackward0", x, {x}, {}, [&] { copy_in_place(x, scan_sum(x, d, false)); },
      [d](Vjp& v) { v.set(0, cumsum(v.g(), d, true)); });
}
const RegisterComplex cumsum_in_place_row(
    "cumsum_(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", cumsum_in_place_op,
    {.meaning = "cumsum, written into the input.", .function = false});

Tensor cumprod_in_place_op(const Tensor& x, i64 dim, std::optional<Dtype> dtype) {
  BACKLIT_CHECK(!dtype || *dtype == x.dtype(), Runtime, "Bad in-place call: input tensor dtype ",
                info(x.dtype()).name, " and output tensor dtype ", info(*dtype).name,
                " should match");
  const int d = wrap_dim(dim, x.dim());
  const Tensor before = x.is_differentiable() && should_record({x}) ? clone(x) : detach(x);
  return record_in_place(
      "CumprodBackward0", x, {x}, {before}, [&] { copy_in_place(x, scan_product(x, d)); },
      [d](Vjp& v) { v.set(0, cumprod_gradient(v.g(), v.saved(0), v.saved(1), d)); }, true);
}
const RegisterComplex cumprod_in_place_row(
    "cumprod_(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", cumprod_in_place_op,
    {.meaning = "cumprod, written into the input.", .function = false});

// The later of equals counts; a nan stays.
template <bool kMax> Named<2> running_extreme(const Tensor& input, i64 dim) {
  const int d = wrap_dim(dim, input.dim());
  const Tensor x = contiguous(detach(input));
  Tensor y = Tensor::empty(x.sizes(), x.dtype()), index = Tensor::empty(x.sizes(), Dtype::Int64);
  const Lines lines(x.sizes(), d);
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = y.data<T>();
    i64* at = index.data<i64>();
    lines.each([&](i64 line) {
      const i64 a = lines.start(line);
      i64 best = 0;
      for (i64 k = 0; k < lines.n; ++k) {
        const T v = in[a + k * lines.inner], held = in[a + best * lines.inner];
        if (v != v || (held == held && (kMax ? v >= held : v <= held))) best = k;
        out[a + k * lines.inner] = in[a + best * lines.inner];
        at[a + k * lines.inner] = best;
      }
    });
  });
  Tensor picked = record_picked(kMax ? "CummaxBackward0" : "CumminBackward0", std::move(y), input,
                                d, true, index);
  return {kMax ? "cummax" : "cummin", "values indices", {picked, index}};
}
const Register cummax_row(
    "cummax(Tensor input, int dim, *, Tensor[]? out=None) -> (Tensor values, Tensor indices)",
    running_extreme<true>,
    {.meaning = "Running maximum along dim and its position.",
     .formula = "yₖ = max_{i≤k} xᵢ",
     .gradient = "∂L/∂xᵢ = Σ of ∂L/∂yₖ whose index is i"});
const Register cummin_row(
    "cummin(Tensor input, int dim, *, Tensor[]? out=None) -> (Tensor values, Tensor indices)",
    running_extreme<false>,
    {.meaning = "Running minimum along dim and its position.",
     .formula = "yₖ = min_{i≤k} xᵢ",
     .gradient = "∂L/∂xᵢ = Σ of ∂L/∂yₖ whose index is i"});

}  // namespace

Tensor cumsum(const Tensor& x, int d, bool reverse) {
  return record("CumsumBackward0", scan_sum(x, d, reverse), {x}, {},
                [d, reverse](Vjp& v) { v.set(0, cumsum(v.g(), d, !reverse)); });
}

}  // namespace backlit::ops
