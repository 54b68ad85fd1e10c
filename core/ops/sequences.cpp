// Tensors whose elements follow a rule: linspace, logspace, eye, the indices of triangles.
#include <cmath>
#include <cstring>

#include "kernels/ranges.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/factory.h"

namespace backlit::ops {
namespace {

void check_steps(std::int64_t steps) {
  BACKLIT_CHECK(steps >= 0, Runtime, "number of steps must be non-negative");
}

// Element i of n integers from start to end: counted from the nearer end, so that both are met
// exactly.
template <class T, class Step>
Step position(T start, T end, Step step, std::int64_t i, std::int64_t n) {
  return i < n / 2 ? std::fma(step, static_cast<Step>(i), static_cast<Step>(start))
                   : std::fma(-step, static_cast<Step>(n - 1 - i), static_cast<Step>(end));
}

Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t n, Dtype d) {
  if (is_complex(d)) {
    const Dtype part = real_of(d);
    return complex(linspace(Scalar(start.d), Scalar(end.d), n, part),
                   linspace(Scalar(start.im), Scalar(end.im), n, part));
  }
  Tensor y = Tensor::empty(Dims{n}, d);
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    using Step = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    T* p = y.data<T>();
    T first, last;
    start.write(&first, d);
    end.write(&last, d);
    if (n == 1) p[0] = first;
    if (n < 2) return;
    const Step step =
        (static_cast<Step>(last) - static_cast<Step>(first)) / static_cast<Step>(n - 1);
    if constexpr (std::is_floating_point_v<T>) {
      const GilRelease release(n > kGilReleaseElements);
      return range_functions(zero).linspace(p, n, first, last, step);
    }
    for (std::int64_t i = 0; i < n; ++i)
      p[i] = static_cast<T>(position<T, Step>(first, last, step, i, n));
  });
  return y;
}

Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t n, double base, Dtype d) {
  if (is_complex(d)) return pow(Scalar(base), linspace(start, end, n, d));
  Tensor y = Tensor::empty(Dims{n}, d);
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    T* p = y.data<T>();
    if constexpr (std::is_floating_point_v<T>) {
      const auto first = static_cast<T>(start.d), last = static_cast<T>(end.d);
      const double b = static_cast<double>(static_cast<T>(base));
      if (n == 1) p[0] = static_cast<T>(std::pow(b, static_cast<double>(first)));
      if (n < 2) return;
      const T step = (last - first) / static_cast<T>(n - 1);
      range_functions(zero).linspace(p, n, first, last, step);
      for (std::int64_t i = 0; i < n; ++i) p[i] = std::pow(static_cast<T>(b), p[i]);
    } else {
      T first, last;
      start.write(&first, d);
      end.write(&last, d);
      if (n == 1) p[0] = static_cast<T>(std::pow(base, static_cast<double>(first)));
      if (n < 2) return;
      const float step =
          (static_cast<float>(last) - static_cast<float>(first)) / static_cast<float>(n - 1);
      for (std::int64_t i = 0; i < n; ++i) {
        const double v =
            std::pow(base, static_cast<double>(position<T, float>(first, last, step, i, n)));
        p[i] = static_cast<T>(static_cast<std::int64_t>(v < 9.2e18 ? v : 9.2e18));
      }
    }
  });
  return y;
}

Dtype floating_dtype(std::optional<Dtype> dtype, const Tensor& out) {
  return dtype ? *dtype : out.defined() ? out.dtype() : default_dtype();
}

Tensor linspace_op(const Scalar& start, const Scalar& end, std::int64_t steps, const Tensor& out,
                   BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  check_steps(steps);
  const Dtype d = floating_dtype(dtype, out);
  check_fits(start, d, nullptr);
  check_fits(end, d, nullptr);
  return finish_factory(linspace(start, end, steps, d), out, dtype, requires_grad);
}
// Ends that are tensors: 0-d ones mostly arrive as numbers already.
Scalar number_of(const Tensor& end) {
  return FromPython<Scalar>::get(reinterpret_cast<PyObject*>(end.get()));
}
void check_ends(const char* name, const Tensor& start, const Tensor& end) {
  BACKLIT_CHECK(start.dim() == 0 && end.dim() == 0, Runtime, name,
                " only supports 0-dimensional start and end tensors, but got start with ",
                start.dim(), " dimension(s) and end with ", end.dim(), " dimension(s).");
}
Tensor linspace_tensors_op(const Tensor& start, const Tensor& end, std::int64_t steps,
                           const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_ends("linspace", start, end);
  return linspace_op(number_of(start), number_of(end), steps, out, dtype, {}, device, {},
                     requires_grad);
}
const RegisterComplex linspace_row(
    "linspace(Scalar start, Scalar end, int steps, *, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    linspace_op,
    {.meaning = "steps numbers from start to end, both included, evenly apart.",
     .formula = "yᵢ = start + i·(end − start)/(steps − 1)",
     .example = "torch.linspace(0, 1, 3) -> tensor([0.0000, 0.5000, 1.0000])"});
const RegisterComplex linspace_tensors_row(
    "linspace(Tensor start, Tensor end, int steps, *, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    linspace_tensors_op, {.method = false});

Tensor logspace_op(const Scalar& start, const Scalar& end, std::int64_t steps, double base,
                   const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  check_steps(steps);
  const Dtype d = floating_dtype(dtype, out);
  return finish_factory(logspace(start, end, steps, base, d), out, dtype, requires_grad);
}
const RegisterComplex logspace_row(
    "logspace(Scalar start, Scalar end, int steps, float base=10.0, *, Tensor? "
    "out=None, " BACKLIT_FACTORY ") -> Tensor",
    logspace_op,
    {.meaning = "Powers of base whose exponents run evenly from start to end.",
     .formula = "yᵢ = base ^ (start + i·(end − start)/(steps − 1))",
     .example = "torch.logspace(0, 2, 3) -> tensor([  1.,  10., 100.])"});
Tensor logspace_tensors_op(const Tensor& start, const Tensor& end, std::int64_t steps, double base,
                           const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_ends("logspace", start, end);
  return logspace_op(number_of(start), number_of(end), steps, base, out, dtype, {}, device, {},
                     requires_grad);
}
const RegisterComplex logspace_tensors_row(
    "logspace(Tensor start, Tensor end, int steps, float base=10.0, *, Tensor? "
    "out=None, " BACKLIT_FACTORY ") -> Tensor",
    logspace_tensors_op, {.method = false});

Tensor eye_rows_op(std::int64_t n, std::int64_t m, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  BACKLIT_CHECK(n >= 0, Runtime, "n must be greater or equal to 0, got ", n);
  BACKLIT_CHECK(m >= 0, Runtime, "m must be greater or equal to 0, got ", m);
  Tensor y = Tensor::zeros(Dims{n, m}, floating_dtype(dtype, out));
  visit_stored(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* p = y.data<T>();
    for (std::int64_t i = 0; i < std::min(n, m); ++i) p[i * (m + 1)] = convert_number<T>(1.0F);
  });
  return finish_factory(std::move(y), out, dtype, requires_grad);
}
Tensor eye_op(std::int64_t n, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  return eye_rows_op(n, n, out, dtype, {}, device, {}, requires_grad);
}
const RegisterAny eye_row("eye(int n, *, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor", eye_op,
                          {.meaning = "Ones on the diagonal, zeros elsewhere.",
                           .formula = "yᵢⱼ = [i = j]"});
const RegisterAny eye_rows_row(
    "eye(int n, int m, *, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor", eye_rows_op,
    {.meaning = "Ones on the diagonal, zeros elsewhere.", .formula = "yᵢⱼ = [i = j]"});

Tensor range_op(const Scalar& start, const Scalar& end, const Scalar& step, const Tensor& out,
                BACKLIT_FACTORY_PARAMETERS) {
  if (PyErr_WarnEx(PyExc_UserWarning,
                   "torch.range is deprecated and will be removed in a future release because its "
                   "behavior is inconsistent with Python's range builtin. Instead, use "
                   "torch.arange, which produces values in [start, end).",
                   1) < 0)
    throw PythonErrorSet();
  check_device(device.object);
  BACKLIT_CHECK(step.d != 0, Runtime, "step must be nonzero");
  BACKLIT_CHECK(std::isfinite(start.d) && std::isfinite(end.d), Runtime,
                "unsupported range: ", start.d, " -> ", end.d);
  BACKLIT_CHECK(step.d > 0 ? end.d >= start.d : end.d <= start.d, Runtime,
                "upper bound and lower bound inconsistent with step sign");
  const auto n = static_cast<std::int64_t>((end.d - start.d) / step.d) + 1;
  Tensor y = Tensor::empty(Dims{n}, floating_dtype(dtype, out));
  visit(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < n; ++i)
      y.data<T>()[i] = static_cast<T>(start.d + static_cast<double>(i) * step.d);
  });
  return finish_factory(std::move(y), out, dtype, requires_grad);
}
const Register range_row(
    "range(Scalar start, Scalar end, Scalar step=1, *, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    range_op,
    {.meaning = "The numbers start, start + step, ... up to end, which is included; deprecated.",
     .formula = "yᵢ = start + i·step"});

// The (row, column) pairs with column - row <= offset (lower) or >= offset, row by row.
Tensor triangle(std::int64_t rows, std::int64_t columns, std::int64_t offset, bool lower, Dtype d) {
  BACKLIT_CHECK(rows >= 0, Runtime, "row must be non-negative, got", rows);
  BACKLIT_CHECK(columns >= 0, Runtime, "col must be non-negative, got", columns);
  const auto clip = [&](std::int64_t c) { return std::min(std::max<std::int64_t>(c, 0), columns); };
  const auto begin = [&](std::int64_t i) { return lower ? 0 : clip(i + offset); };
  const auto end = [&](std::int64_t i) { return lower ? clip(i + offset + 1) : columns; };
  // beyond these every row is empty or full: keeps i + offset from overflowing
  offset = std::min(std::max(offset, -rows - 1), columns + 1);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < rows; ++i) count += end(i) - begin(i);
  Tensor y = Tensor::empty(Dims{2, count}, Dtype::Int64);
  auto* p = y.data<std::int64_t>();
  for (std::int64_t i = 0, k = 0; i < rows; ++i)
    for (std::int64_t j = begin(i); j < end(i); ++j, ++k) {
      p[k] = i;
      p[count + k] = j;
    }
  return to_dtype(y, d);
}
template <bool kLower>
Tensor triangle_op(std::int64_t row, std::int64_t col, std::int64_t offset,
                   BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(triangle(row, col, offset, kLower, dtype.value_or(Dtype::Int64)),
                            requires_grad);
}
const RegisterAny tril_indices_row(
    "tril_indices(int row, int col, int offset=0, *, " BACKLIT_FACTORY ") -> Tensor",
    triangle_op<true>,
    {.meaning = "Row and column indices of the lower triangle of a row-by-col matrix.",
     .example = "torch.tril_indices(2, 2) -> tensor([[0, 1, 1], [0, 0, 1]])"});
const RegisterAny triu_indices_row(
    "triu_indices(int row, int col, int offset=0, *, " BACKLIT_FACTORY ") -> Tensor",
    triangle_op<false>,
    {.meaning = "Row and column indices of the upper triangle of a row-by-col matrix.",
     .example = "torch.triu_indices(2, 2) -> tensor([[0, 0, 1], [0, 1, 1]])"});

}  // namespace
}  // namespace backlit::ops
