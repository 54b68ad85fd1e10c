// Quantiles, differences, integrals, trace, and comparisons of whole tensors.
#include <algorithm>
#include <cmath>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "ops/arithmetic.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/scans.h"
#include "ops/sorting.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Tensor call(const char* formula, const Tensor& x) {
  return run_recorded(formula_named(formula), Recorded(x)).tensor();
}

// --- trace ---

Tensor trace_op(const Tensor& x) {
  BACKLIT_CHECK(x.dim() == 2, Runtime, "trace: expected a matrix, but got tensor with dim ",
                x.dim());
  const Tensor from = detach(x);
  const i64 n = std::min(x.size(0), x.size(1));
  const Tensor diagonal = from.alias(strided_layout(Dims{n}, Dims{x.stride(0) + x.stride(1)}));
  return record("TraceBackward0", sum(diagonal), {x}, {}, [sizes = Dims(x.sizes())](Vjp& v) {
    Tensor eye = Tensor::zeros(sizes, v.g().dtype());
    const auto step = static_cast<i64>(size_of(eye.dtype()));
    for (i64 k = 0; k < std::min(sizes[0], sizes[1]); ++k)
      write_double(eye.raw() + k * (sizes[1] + 1) * step, eye.dtype(), 1);
    v.set(0, mul(v.g(), eye));
  });
}
const RegisterAny trace_row("trace(Tensor input) -> Tensor", trace_op,
                            {.meaning = "Sum of the diagonal of a matrix.",
                             .formula = "y = Σᵢ xᵢᵢ",
                             .gradient = "∂L/∂x = ∂L/∂y · I"});

// --- quantile ---

enum class Between { Linear, Lower, Higher, Midpoint, Nearest };

Between parse_interpolation(const char* name, const std::string& text) {
  constexpr const char* names[] = {"linear", "lower", "higher", "midpoint", "nearest"};
  for (int i = 0; i < 5; ++i)
    if (text == names[i]) return static_cast<Between>(i);
  fail(ErrorKind::Runtime, name,
       "() interpolation must be one of linear, lower, higher, midpoint or nearest, but got ",
       text);
}

// q in positions of a line with n numbers.
double rank_of(double q, i64 n, Between between, Dtype dtype) {
  const double rank = dtype == Dtype::Float32
                          ? static_cast<double>(static_cast<float>(q) * static_cast<float>(n - 1))
                          : q * static_cast<double>(n - 1);
  switch (between) {
    case Between::Lower: return std::floor(rank);
    case Between::Higher: return std::ceil(rank);
    case Between::Nearest: return std::nearbyint(rank);
    default: return rank;
  }
}

// Positions below and above each quantile, and the weight of the upper one: (..., Q) at dimension
// d.
struct Ranks {
  Tensor low, high, weight;
  Tensor slope;  // d(rank) / dq
};
Ranks find_ranks(const Tensor& sorted, int d, const std::vector<double>& q, Between between,
                 bool skip_nan) {
  Dims sizes(sorted.sizes());
  sizes[d] = static_cast<i64>(q.size());
  Ranks r{Tensor::empty(sizes, Dtype::Int64), Tensor::empty(sizes, Dtype::Int64),
          Tensor::empty(sizes, Dtype::Float64), Tensor::empty(sizes, Dtype::Float64)};
  const Lines from(sorted.sizes(), d), to(sizes, d);
  const Tensor nan = contiguous(apply<formulas::Isnan>(detach(sorted)));
  for (i64 line = 0; line < from.count(); ++line) {
    i64 numbers = from.n;
    while (numbers > 0 && nan.data<bool>()[from.start(line) + (numbers - 1) * from.inner])
      --numbers;
    const bool poisoned = numbers == 0 || (!skip_nan && numbers < from.n);
    for (i64 k = 0; k < to.n; ++k) {
      const i64 at = to.start(line) + k * to.inner;
      const double rank =
          poisoned ? static_cast<double>(from.n - 1)
                   : rank_of(q[static_cast<std::size_t>(k)], numbers, between, sorted.dtype());
      const double below = std::floor(rank);
      r.low.data<i64>()[at] = static_cast<i64>(below);
      r.high.data<i64>()[at] = static_cast<i64>(std::ceil(rank));
      r.weight.data<double>()[at] = between == Between::Midpoint ? 0.5 : rank - below;
      r.slope.data<double>()[at] = poisoned ? 0 : static_cast<double>(numbers - 1);
    }
  }
  r.weight = to_dtype(r.weight, sorted.dtype());
  r.slope = to_dtype(r.slope, sorted.dtype());
  return r;
}

// The weight as a function of q, with its derivative: q minus itself, times the slope, is added.
Tensor weight_from(const Tensor& q, const Ranks& r, int d) {
  Dims sizes;
  for (int k = 0; k < r.slope.dim(); ++k) sizes.push_back(k == d ? q.numel() : 1);
  const Tensor line = reshape(q, sizes);
  return add(r.weight, mul(sub(line, detach(line)), r.slope));
}

// q as numbers; as a tensor too (or undefined), if it may require grad.
Tensor quantile(const char* name, const Tensor& input, const std::vector<double>& q,
                const Tensor& q_tensor, std::optional<i64> dim, bool keepdim,
                const std::string& interpolation, bool skip_nan) {
  const bool scalar_q = !q_tensor.defined() || q_tensor.dim() == 0;
  BACKLIT_CHECK(input.numel() > 0, Runtime, name, "() input tensor must be non-empty");
  BACKLIT_CHECK(input.is_floating(), Runtime, name,
                "() input tensor must be either float or double dtype");
  const Between between = parse_interpolation(name, interpolation);
  const int d = dim ? wrap_dim(*dim, input.dim()) : 0;
  const Tensor x = dim && input.dim() > 0 ? input : reshape(input, Dims{-1});
  const Tensor sorted = sort("SortBackward0", x, d, false).values;
  Ranks r = find_ranks(sorted, d, q, between, skip_nan);
  if (between == Between::Linear && q_tensor.defined() && q_tensor.requires_grad())
    r.weight = weight_from(q_tensor, r, d);
  Tensor y = take_along(sorted, d, r.low);
  if (between == Between::Linear || between == Between::Midpoint)
    y = apply<formulas::Lerp>(y, take_along(sorted, d, r.high), r.weight);
  // (..., Q at d, ...) -> (Q, ...), the reduced dimension dropped or 1
  Dims order{d};
  for (int k = 0; k < x.dim(); ++k)
    if (k != d) order.push_back(k);
  y = permute(y, order);
  Dims out;
  if (!scalar_q) out.push_back(static_cast<i64>(q.size()));
  for (int k = 0; k < input.dim(); ++k) {
    const bool reduced = !dim || k == d;
    if (!reduced)
      out.push_back(input.size(k));
    else if (keepdim)
      out.push_back(1);
  }
  return reshape(y, out);
}

template <bool kSkipNan>
Tensor quantile_op(const Tensor& x, const Tensor& q, std::optional<i64> dim, bool keepdim,
                   const std::string& interpolation) {
  const char* name = "quantile";  // for nanquantile as well
  BACKLIT_CHECK(q.dim() <= 1, Runtime, name, "() q must be a scalar or 1D tensor");
  BACKLIT_CHECK(q.dtype() == x.dtype() || !x.is_floating(), Runtime, name,
                "() q tensor must be same dtype as the input tensor");
  const Tensor dense = contiguous(to_dtype(detach(q), Dtype::Float64));
  const std::vector<double> values(dense.data<double>(), dense.data<double>() + dense.numel());
  for (const double v : values)
    BACKLIT_CHECK(v >= 0 && v <= 1, Runtime, name, "() q values must be in the range [0, 1]");
  return quantile(name, x, values, q, dim, keepdim, interpolation, kSkipNan);
}
template <bool kSkipNan>
Tensor quantile_number_op(const Tensor& x, double q, std::optional<i64> dim, bool keepdim,
                          const std::string& interpolation) {
  const char* name = "quantile";  // for nanquantile as well
  BACKLIT_CHECK(q >= 0 && q <= 1, Runtime, name, "() q must be in the range [0, 1] but got ", q);
  return quantile(name, x, {q}, Tensor(), dim, keepdim, interpolation, kSkipNan);
}
// The tensor first: as a number, one of shape (1) would lose its dimension.
#define BACKLIT_QUANTILE(name, skip, text)                                                         \
  const Register name##_row1(#name                                                                 \
                             "(Tensor input, Tensor q, int? dim=None, bool keepdim=False, *, str " \
                             "interpolation='linear', Tensor? out=None) -> Tensor",                \
                             quantile_op<skip>,                                                    \
                             {.meaning = text,                                                     \
                              .formula = "y = (1 − w) x₍ₗ₎ + w x₍ₗ₊₁₎ of the sorted x",            \
                              .gradient = "1 − w and w times ∂L/∂y at the two elements; "          \
                                          "∂L/∂q = (n − 1) (x₍ₗ₊₁₎ − x₍ₗ₎) ∂L/∂y"});               \
  const Register name##_row2(#name                                                                 \
                             "(Tensor input, float q, int? dim=None, bool keepdim=False, *, str "  \
                             "interpolation='linear', Tensor? out=None) -> Tensor",                \
                             quantile_number_op<skip>, {.meaning = text});
BACKLIT_QUANTILE(quantile, false, "The value below which the fraction q of the elements lies.")
BACKLIT_QUANTILE(nanquantile, true, "quantile of the elements that are not nan.")
#undef BACKLIT_QUANTILE

// --- diff, trapezoid ---

Tensor join(const Tensor& a, const Tensor& b, int d) {
  Dims sizes(a.sizes());
  const i64 first = a.size(d), second = b.size(d);
  sizes[d] = first + second;
  Tensor y = Tensor::empty(sizes, promote_types(a.dtype(), b.dtype()));
  const i64 step = y.stride(d);
  copy_in_place(y.alias(strided_layout(a.sizes(), y.strides())), a);
  copy_in_place(y.alias(strided_layout(b.sizes(), y.strides()), first * step), b);
  return record("CatBackward0", std::move(y), {a, b}, {}, [d, first, second](Vjp& v) {
    if (v.needs(0)) v.set(0, narrow(v.g(), d, 0, first));
    if (v.needs(1)) v.set(1, narrow(v.g(), d, first, second));
  });
}

Tensor diff_op(const Tensor& input, i64 n, i64 dim, const Tensor& prepend, const Tensor& append) {
  BACKLIT_CHECK(input.dim() > 0, Runtime, "diff expects input to be at least one-dimensional");
  BACKLIT_CHECK(n >= 0, Runtime, "order must be non-negative but got ", n);
  const int d = wrap_dim(dim, input.dim());
  for (const Tensor* t : {&prepend, &append}) {
    if (!t->defined()) continue;
    BACKLIT_CHECK(t->dim() == input.dim(), Runtime,
                  "diff expects prepend or append to be the same dimension as input");
    for (int k = 0; k < input.dim(); ++k)
      BACKLIT_CHECK(k == d || t->size(k) == input.size(k), Runtime,
                    "diff expects the shape of tensor to prepend or append to match that of input "
                    "except along the differencing dimension;");
  }
  if (n == 0) return clone(input);
  Tensor x = input;
  if (prepend.defined()) x = join(prepend, x, d);
  if (append.defined()) x = join(x, append, d);
  n = std::min(n, x.size(d));
  for (i64 i = 0; i < n; ++i) {
    const i64 size = x.size(d);
    const Tensor later = narrow(x, d, std::min<i64>(1, size), std::max<i64>(size - 1, 0));
    const Tensor earlier = narrow(x, d, 0, std::max<i64>(size - 1, 0));
    x = x.dtype() == Dtype::Bool ? apply<formulas::LogicalXor>(later, earlier)
                                 : sub(later, earlier);
  }
  return x;
}
const RegisterComplex diff_row(
    "diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None, *, Tensor? "
    "out=None) -> Tensor",
    diff_op,
    {.meaning = "Differences of neighbours along dim, n times.",
     .formula = "yₖ = xₖ₊₁ − xₖ",
     .gradient = "∂L/∂xₖ = ∂L/∂yₖ₋₁ − ∂L/∂yₖ"});

// Sums of neighbours along d.
Tensor pairs(const Tensor& y, int d) {
  const i64 n = std::max<i64>(y.size(d) - 1, 0);
  return add(narrow(y, d, y.size(d) - n, n), narrow(y, d, 0, n));
}
void check_has_dims(const Tensor& y, i64 dim) {
  BACKLIT_CHECK(y.dim() > 0, Index, "Dimension specified as ", dim,
                " but tensor has no dimensions");
}
Tensor trapezoid_dx_op(const Tensor& y, Scalar dx, i64 dim) {
  check_has_dims(y, dim);
  const int d = wrap_dim(dim, y.dim());
  return mul(sum(pairs(y, d), Dims{d}, false), Scalar(dx.d / 2));
}
// The distances of the places x along dimension d, in a shape that broadcasts to y's.
Tensor distances(const char* name, const Tensor& y, const Tensor& x, int d) {
  Tensor dx = diff_op(x, 1, x.dim() == 1 ? 0 : d, Tensor(), Tensor());
  if (x.dim() != 1) return dx;
  BACKLIT_CHECK(x.numel() == y.size(d), Runtime, name,
                ": There must be one `x` value for each sample point");
  Dims sizes;
  for (int k = 0; k < y.dim(); ++k) sizes.push_back(k == d ? dx.numel() : 1);
  return reshape(dx, sizes);
}
Tensor trapezoid_x_op(const Tensor& y, const Tensor& x, i64 dim) {
  check_has_dims(y, dim);
  const int d = wrap_dim(dim, y.dim());
  const Tensor dx = distances("trapezoid", y, x, d);
  return div(sum(mul(pairs(y, d), dx), Dims{d}, false), Scalar(2.0));
}
constexpr RowOptions kTrapezoid{.meaning = "Integral along dim by the trapezoidal rule.",
                                .formula = "Σₖ (xₖ₊₁ − xₖ) (yₖ + yₖ₊₁) / 2",
                                .gradient = "of the sums and products it is made of",
                                .aliases = "trapz",
                                .method = false};
const RegisterComplex trapezoid_x_row("trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
                                      trapezoid_x_op, kTrapezoid);
const RegisterComplex trapezoid_dx_row("trapezoid(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
                                       trapezoid_dx_op, kTrapezoid);

void check_sliceable(const Tensor& y) {
  BACKLIT_CHECK(y.dim() > 0, Index, "slice() cannot be applied to a 0-dim tensor.");
}
Tensor cumulative_trapezoid_dx_op(const Tensor& y, Scalar dx, i64 dim) {
  check_sliceable(y);
  const int d = wrap_dim(dim, y.dim());
  return cumsum(mul(pairs(y, d), Scalar(dx.d / 2)), d);
}
Tensor cumulative_trapezoid_x_op(const Tensor& y, const Tensor& x, i64 dim) {
  check_sliceable(y);
  const int d = wrap_dim(dim, y.dim());
  const Tensor dx = distances("cumulative_trapezoid", y, x, d);
  const Tensor areas = mul(pairs(y, d), dx);
  return div(cumsum(areas.is_differentiable() ? areas : to_dtype(areas, Dtype::Int64), d),
             Scalar(2.0));
}
constexpr RowOptions kCumulativeTrapezoid{
    .meaning = "Running integral along dim by the trapezoidal rule.",
    .formula = "zₖ = Σ_{i<k} (xᵢ₊₁ − xᵢ) (yᵢ + yᵢ₊₁) / 2",
    .gradient = "of the sums and products it is made of",
    .method = false};
const RegisterComplex cumulative_trapezoid_x_row(
    "cumulative_trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor", cumulative_trapezoid_x_op,
    kCumulativeTrapezoid);
const RegisterComplex cumulative_trapezoid_dx_row(
    "cumulative_trapezoid(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
    cumulative_trapezoid_dx_op, kCumulativeTrapezoid);

// --- comparisons ---

Tensor isclose_op(const Tensor& x, const Tensor& y, double rtol, double atol, bool equal_nan) {
  BACKLIT_CHECK(x.dtype() == y.dtype(), Runtime, info(x.dtype()).scalar_name, " did not match ",
                info(y.dtype()).scalar_name);
  BACKLIT_CHECK(rtol >= 0, Runtime, "rtol must be greater than or equal to zero, but got ", rtol);
  BACKLIT_CHECK(atol >= 0, Runtime, "atol must be greater than or equal to zero, but got ", atol);
  const Tensor a = detach(x), b = detach(y);
  Tensor close = apply<formulas::Eq>(a, b);
  if (equal_nan && a.is_differentiable())
    close = apply<formulas::LogicalOr>(
        close, apply<formulas::LogicalAnd>(apply<formulas::Isnan>(a), apply<formulas::Isnan>(b)));
  if (rtol == 0 && atol == 0) return close;
  const bool floating = a.is_differentiable();
  const Tensor u = floating ? a : to_dtype(a, Dtype::Float64),
               w = floating ? b : to_dtype(b, Dtype::Float64);
  const Tensor allowed = add(mul(call("abs", w), Scalar(rtol)), Scalar(atol));
  const Tensor distance = call("abs", sub(u, w));
  const Tensor near = apply<formulas::LogicalAnd>(call("isfinite", distance),
                                                  apply<formulas::Le>(distance, allowed));
  return apply<formulas::LogicalOr>(close, near);
}
bool allclose_op(const Tensor& x, const Tensor& y, double rtol, double atol, bool equal_nan) {
  return reduce_all(Reduction::All, isclose_op(x, y, rtol, atol, equal_nan)).item() != 0;
}
bool equal_op(const Tensor& x, const Tensor& y) {
  if (!x.layout().same_sizes(y.layout())) return false;
  const Tensor a = detach(x), b = detach(y);
  return reduce_all(Reduction::All, apply<formulas::Eq>(a, b)).item() != 0;
}
const RegisterComplex isclose_row(
    "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) "
    "-> Tensor",
    isclose_op,
    {.meaning = "Whether elements are equal up to a tolerance.",
     .formula = "|a − b| ≤ atol + rtol |b|"});
const RegisterComplex allclose_row(
    "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool "
    "equal_nan=False) -> bool",
    allclose_op,
    {.meaning = "Whether all elements are equal up to a tolerance.",
     .formula = "∀ |a − b| ≤ atol + rtol |b|"});
const RegisterAny equal_row("equal(Tensor input, Tensor other) -> bool", equal_op,
                            {.meaning = "Whether two tensors have the same shape and elements."});

}  // namespace
}  // namespace backlit::ops
