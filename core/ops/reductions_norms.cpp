// Norms and variances.
#include <cmath>
#include <cstring>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/exponential.h"
#include "formulas/logic.h"
#include "formulas/power.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/linalg.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Tensor call(const char* formula, const Tensor& x) {
  return run_recorded(formula_named(formula), Recorded(x)).tensor();
}
Tensor zero_where(const Tensor& condition, const Tensor& x) {
  return where(condition, Scalar(0.0), x);
}
Tensor is_zero(const Tensor& x) { return apply<formulas::Eq>(x, Scalar(0.0)); }

// --- var, std ---

struct Moments {
  ReducedDims dims;
  double correction;
  double divisor() const { return std::max(0.0, static_cast<double>(dims.count) - correction); }
};

Tensor mean64(const Tensor& x, const ReducedDims& r) {
  Tensor m = reduce(Reduction::WideSum, x, r, true);
  for (i64 i = 0; i < m.numel(); ++i) m.data<double>()[i] /= static_cast<double>(r.count);
  return m;
}

// Not recorded.
Tensor variance(const Tensor& x, const Moments& m, bool keepdim, bool root) {
  const Tensor center = mean64(x, m.dims);
  Tensor y = reduce(Reduction::Deviation, x, m.dims, keepdim, center.raw());
  for (i64 i = 0; i < y.numel(); ++i) {
    double& v = y.data<double>()[i];
    v /= m.divisor();
    if (root) v = std::sqrt(v);
  }
  return to_dtype(y, x.dtype());
}

// g and x's dimensions agree: reduced ones are 1.
Tensor var_gradient(const Tensor& g, const Tensor& x, const Moments& m, Span dims) {
  return mul(mul(g, Scalar(2.0 / m.divisor())), sub(x, mean(x, dims, true)));
}
Tensor std_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const Moments& m,
                    Span dims) {
  return var_gradient(zero_where(is_zero(y), div(g, mul(y, Scalar(2.0)))), x, m, dims);
}

Moments moments(const char* name, const Tensor& x, Span dims, double correction) {
  BACKLIT_CHECK(x.is_differentiable(), Runtime, std::strchr(name, '_') ? name : "std and var",
                " only support floating point and complex dtypes");
  Moments m{ReducedDims(x, dims), correction};
  const double per_result = product(m.dims.dropped) == 0 ? 0 : static_cast<double>(m.dims.count);
  if (per_result - correction <= 0 &&
      PyErr_WarnFormat(
          PyExc_UserWarning, 1,
          "%s(): degrees of freedom is <= 0. Correction should be strictly less than the "
          "reduction factor (input numel divided by output numel).",
          name) < 0)
    throw PythonErrorSet();
  return m;
}

Tensor var_or_std(const Tensor& x, Span over, const Moments& m, bool keepdim, bool root) {
  if (x.is_complex()) {  // the variances of the parts
    const Tensor both = add(var_or_std(real(x), over, m, keepdim, false),
                            var_or_std(imag(x), over, m, keepdim, false));
    return root ? call("sqrt", both) : both;
  }
  Tensor y = variance(x, m, keepdim, root);
  const Dims dims(over);
  if (root)
    return record(
        "StdBackward0", std::move(y), {x}, {x},
        [m, dims](Vjp& v) {
          v.set(0, std_gradient(view_or_reshape(v.g(), m.dims.kept), v.saved(0),
                                view_or_reshape(v.saved(1), m.dims.kept), m, dims));
        },
        true);
  return record("VarBackward0", std::move(y), {x}, {x}, [m, dims](Vjp& v) {
    v.set(0, var_gradient(view_or_reshape(v.g(), m.dims.kept), v.saved(0), m, dims));
  });
}

Tensor var_or_std(const Tensor& x, Span over, double correction, bool keepdim, bool root) {
  return var_or_std(x, over, moments(root ? "std" : "var", x, over, correction), keepdim, root);
}

std::tuple<Tensor, Tensor> moment_and_mean(const Tensor& x, Span over, double correction,
                                           bool keepdim, bool root) {
  const Moments m = moments(root ? "std_mean" : "var_mean", x, over, correction);
  const Dims dims(over);
  if (x.is_complex()) return {var_or_std(x, over, m, keepdim, root), mean(x, over, keepdim)};
  const Tensor y = variance(x, m, keepdim, root);
  const Tensor center = to_dtype(mean64(x, m.dims), x.dtype());
  const Tensor average = center.alias(contiguous_layout(m.dims.sizes(keepdim)));
  const Tensor outputs[] = {y, average}, inputs[] = {x};
  record_outputs(root ? "StdMeanBackward0" : "VarMeanBackward0", outputs, inputs, inputs,
                 [m, dims, root](Vjp& v) {
                   const Tensor x = v.saved(0);
                   Tensor total;
                   if (v.g(0).defined()) {
                     const Tensor g = view_or_reshape(v.g(0), m.dims.kept);
                     total = root ? std_gradient(g, x, var_or_std(x, dims, m, true, true), m, dims)
                                  : var_gradient(g, x, m, dims);
                   }
                   if (v.g(1).defined()) {
                     const Tensor part = expand(div(view_or_reshape(v.g(1), m.dims.kept),
                                                    Scalar(static_cast<double>(m.dims.count))),
                                                x.sizes());
                     total = total.defined() ? add(total, part) : part;
                   }
                   v.set(0, total);
                 });
  return {y, average};
}

Span span_of(const std::optional<Dims>& dims) { return dims ? Span(*dims) : Span(); }

template <bool kRoot> Tensor spread_unbiased_op(const Tensor& x, bool unbiased) {
  return var_or_std(x, {}, unbiased ? 1 : 0, false, kRoot);
}
template <bool kRoot>
Tensor spread_dim_op(const Tensor& x, std::optional<Dims> dims, bool unbiased, bool keepdim) {
  return var_or_std(x, span_of(dims), unbiased ? 1 : 0, keepdim, kRoot);
}
template <bool kRoot>
Tensor spread_op(const Tensor& x, std::optional<Dims> dims, std::optional<double> correction,
                 bool keepdim) {
  return var_or_std(x, span_of(dims), correction.value_or(1), keepdim, kRoot);
}
template <bool kRoot> std::tuple<Tensor, Tensor> both_unbiased_op(const Tensor& x, bool unbiased) {
  return moment_and_mean(x, {}, unbiased ? 1 : 0, false, kRoot);
}
template <bool kRoot>
std::tuple<Tensor, Tensor> both_dim_op(const Tensor& x, std::optional<Dims> dims, bool unbiased,
                                       bool keepdim) {
  return moment_and_mean(x, span_of(dims), unbiased ? 1 : 0, keepdim, kRoot);
}
template <bool kRoot>
std::tuple<Tensor, Tensor> both_op(const Tensor& x, std::optional<Dims> dims,
                                   std::optional<double> correction, bool keepdim) {
  return moment_and_mean(x, span_of(dims), correction.value_or(1), keepdim, kRoot);
}

constexpr RowOptions kVar{.meaning = "Variance of all elements, or of those along dim.",
                          .formula = "y = 1/(n − correction) Σᵢ (xᵢ − mean x)²",
                          .gradient = "∂L/∂x = 2/(n − correction) (x − mean x) ∂L/∂y"};
constexpr RowOptions kStd{
    .meaning = "Standard deviation of all elements, or of those along dim.",
    .formula = "y = √(1/(n − correction) Σᵢ (xᵢ − mean x)²)",
    .gradient = "∂L/∂x = 1/((n − correction) y) (x − mean x) ∂L/∂y; 0 where y = 0"};
constexpr RowOptions kBoth{.meaning = "Spread and mean of all elements, or of those along dim.",
                           .gradient = "the sum of those of its two results",
                           .method = false};
#define BACKLIT_SPREAD(name, root, options)                                                        \
  const RegisterComplex name##_row1(#name "(Tensor input, *, bool unbiased) -> Tensor",            \
                                    spread_unbiased_op<root>, options);                            \
  const RegisterComplex name##_row2(#name "(Tensor input, bool unbiased) -> Tensor",               \
                                    spread_unbiased_op<root>, options);                            \
  const RegisterComplex name##_row3(                                                               \
      #name                                                                                        \
      "(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool "                         \
      "keepdim=False, Tensor? out=None) -> Tensor",                                                \
      spread_op<root>, options);                                                                   \
  const RegisterComplex name##_row4(#name                                                          \
                                    "(Tensor input, int[1]? dim, bool unbiased=True, bool "        \
                                    "keepdim=False, *, Tensor? out=None) -> Tensor",               \
                                    spread_dim_op<root>, options);                                 \
  const RegisterComplex name##_mean_row1(#name                                                     \
                                         "_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)", \
                                         both_unbiased_op<root>, kBoth);                           \
  const RegisterComplex name##_mean_row2(                                                          \
      #name                                                                                        \
      "_mean(Tensor input, int[1]? dim=None, *, Scalar? "                                          \
      "correction=None, bool keepdim=False) -> (Tensor, Tensor)",                                  \
      both_op<root>, kBoth);                                                                       \
  const RegisterComplex name##_mean_row3(                                                          \
      #name                                                                                        \
      "_mean(Tensor input, int[1]? dim, bool unbiased=True, bool "                                 \
      "keepdim=False) -> (Tensor, Tensor)",                                                        \
      both_dim_op<root>, kBoth);
BACKLIT_SPREAD(var, false, kVar)
BACKLIT_SPREAD(std, true, kStd)
#undef BACKLIT_SPREAD

// --- norms ---

Tensor norm_value(const Tensor& x, double p, const ReducedDims& r, bool keepdim) {
  const auto run = [&](Reduction kind, const Tensor& t) { return reduce(kind, t, r, keepdim); };
  if (p == 2) return call("sqrt", run(Reduction::SumSquares, x));
  if (p == 1) return run(Reduction::SumAbs, x);
  if (p == 0) return to_dtype(run(Reduction::Count, x), x.dtype());
  if (p == INFINITY) return run(Reduction::MaxAbs, x);
  if (p == -INFINITY) return run(Reduction::MinAbs, x);
  return pow(run(Reduction::Sum, pow(call("abs", x), Scalar(p))), Scalar(1 / p));
}

// g and y have the reduced dimensions as 1.
Tensor norm_gradient(const Tensor& g, const Tensor& x, const Tensor& y, double p, Span dims) {
  if (p == 0) return mul(x, Scalar(0.0));
  // 0 at the tip of the cone, where the second derivative is nan, as in PyTorch
  if (p == 2) return mul(g, zero_where(is_zero(y), div(x, y)));
  const Tensor sign = call("sgn", x);
  if (p == 1) return mul(sign, g);
  const Tensor size = call("abs", x);
  if (std::isinf(p)) return mul(sign, share_evenly(g, size, y, dims, true));
  if (p < 1) {
    const Tensor scaled = zero_where(is_zero(x), mul(sign, pow(size, Scalar(p - 1))));
    return mul(mul(scaled, g), pow(y, Scalar(1 - p)));
  }
  const Tensor scale = zero_where(is_zero(y), div(g, pow(y, Scalar(p - 1))));
  return mul(p < 2 ? mul(sign, pow(size, Scalar(p - 1))) : mul(x, pow(size, Scalar(p - 2))), scale);
}

// Extrema of nothing do not exist.
void check_has_norm(const ReducedDims& r, double p, Span over, const Tensor& x) {
  if (r.count > 0 || (p >= 0 && p != INFINITY)) return;
  const char* order = p == INFINITY ? "inf" : p == -INFINITY ? "-inf" : "negative";
  BACKLIT_CHECK(!over.empty(), Runtime, "linalg.vector_norm cannot compute the ", order,
                " norm on an empty tensor because the operation does not have an identity");
  for (auto k : over)
    BACKLIT_CHECK(x.size(k) > 0, Runtime, "linalg.vector_norm cannot compute the ", order,
                  " norm on the dimension ", k,
                  "because this dimension is empty and the operation does not have an identity");
}

Tensor vector_norm(const Tensor& input, double p, Span over, bool keepdim,
                   std::optional<Dtype> dtype) {
  if (input.is_complex()) {  // of the absolute values
    BACKLIT_CHECK(!dtype || is_complex(*dtype), Runtime,
                  "linalg.vector_norm: dtype should be complex for complex inputs, but got ",
                  info(*dtype).scalar_name);
    const Tensor z = dtype ? to_dtype(input, *dtype) : input;
    return vector_norm(apply<formulas::Abs>(z), p, over, keepdim, {});
  }
  BACKLIT_CHECK(input.is_floating(), Runtime,
                "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ",
                info(input.dtype()).scalar_name);
  const Tensor x = dtype ? to_dtype(input, *dtype) : input;
  const ReducedDims r(x, over);
  check_has_norm(r, p, over, x);
  return record(
      "LinalgVectorNormBackward0", norm_value(detach(x), p, r, keepdim), {x}, {x},
      [p, kept = r.kept, dims = Dims(over)](Vjp& v) {
        v.set(0, norm_gradient(view_or_reshape(v.g(), kept), v.saved(0),
                               view_or_reshape(v.saved(1), kept), p, dims));
      },
      true);
}

// --- renorm ---

// What a slice of norm n is multiplied by.
Tensor shrinkage(const Tensor& n, double most) {
  const Tensor over = apply<formulas::Gt>(detach(n), Tensor::scalar(most, n.dtype()));
  return where(over, div(Scalar(most), add(n, Scalar(1e-7))), Scalar(1.0));
}

Tensor renorm(const Tensor& x, const Scalar& p, i64 dim, const Scalar& maxnorm) {
  BACKLIT_CHECK(p.d > 0, Runtime, "renorm: non-positive-norm not supported");
  BACKLIT_CHECK(maxnorm.d >= 0, Runtime, "renorm: expected maxnorm to be >= 0 but got ", maxnorm.d);
  BACKLIT_CHECK(x.dim() > 1, Runtime, "renorm: input needs at least 2 dimensions, got ", x.dim(),
                " dimensions");
  const int slices = wrap_dim(dim, x.dim());
  Dims others;
  for (int k = 0; k < x.dim(); ++k)
    if (k != slices) others.push_back(k);
  const double most = maxnorm.d, order = p.d;
  const auto scaled = [=](const Tensor& t) {
    return mul(t, shrinkage(vector_norm(t, order, others, true, {}), most));
  };
  // y = x f(|x|); the rule differentiates f by hand and the rest again
  return record("RenormBackward0", scaled(detach(x)), {x}, {x}, [=](Vjp& v) {
    const Tensor from = v.saved(0), n = vector_norm(from, order, others, true, {});
    const Tensor f = shrinkage(n, most);
    const Tensor over = apply<formulas::Gt>(detach(n), Tensor::scalar(most, n.dtype()));
    const Tensor slope = where(over, mul(mul(f, f), Scalar(most > 0 ? -1 / most : 0)), Scalar(0.0));
    const Tensor pull = mul(real(sum(mul(v.g(), conj(from)), others, true)), slope);
    v.set(0, add(mul(v.g(), f), norm_gradient(pull, from, n, order, others)));
  });
}
const RegisterComplex renorm_row(
    "renorm(Tensor input, Scalar p, int dim, Scalar maxnorm, *, Tensor? out=None) -> Tensor",
    renorm,
    {.meaning = "Slices along dim, those with a p-norm above maxnorm scaled down to it.",
     .formula = "y = x · maxnorm / |x| where |x| > maxnorm, else x",
     .gradient = "∂L/∂x = f ∂L/∂y + f' (x · ∂L/∂y) ∂|x|/∂x for the factor f"});
Tensor renorm_in_place(const Tensor& x, const Scalar& p, i64 dim, const Scalar& maxnorm) {
  return copy_(x, renorm(clone(x), p, dim, maxnorm));
}
const RegisterComplex renorm_in_place_row(
    "renorm_(Tensor input, Scalar p, int dim, Scalar maxnorm) -> Tensor", renorm_in_place,
    {.meaning = "renorm in place.", .function = false});

// --- norms of matrices ---

struct MatrixDims {
  int row, column;
};
MatrixDims matrix_dims(const Tensor& A, const Dims& dims) {
  const MatrixDims d{wrap_dim(dims[0], A.dim()), wrap_dim(dims[1], A.dim())};
  BACKLIT_CHECK(d.row != d.column, Runtime, "linalg.matrix_norm: dims must be different. Got (",
                dims[0], ", ", dims[1], ")");
  return d;
}

// y has size 1 at the two dimensions; without keepdim they go.
Tensor without_matrix(const Tensor& y, MatrixDims d, bool keepdim) {
  if (keepdim) return y;
  Dims kept(y.sizes()), out;
  for (int k = 0; k < kept.size(); ++k)
    if (k != d.row && k != d.column) out.push_back(kept[k]);
  return reshape(y, out);
}

enum class OfSingular { Sum, Largest, Smallest };

Tensor singular_norm(const Tensor& A, OfSingular which, MatrixDims d, bool keepdim,
                     std::optional<Dtype> dtype) {
  Dims order, sizes(A.sizes());
  for (int k = 0; k < A.dim(); ++k)
    if (k != d.row && k != d.column) order.push_back(k);
  order.push_back(d.row);
  order.push_back(d.column);
  const Tensor s = svdvals(permute(dtype ? to_dtype(A, *dtype) : A, order));
  const Tensor y = which == OfSingular::Sum
                       ? sum(s, Dims{-1}, true)
                       : extreme_over_dims(s, Dims{-1}, which == OfSingular::Largest);
  if (!keepdim) return squeeze(y, Dims{-1});
  sizes[d.row] = sizes[d.column] = 1;
  return reshape(y, sizes);
}

// max or min over one matrix dimension of the sums of |x| over the other.
Tensor absolute_sums_norm(const Tensor& A, double p, MatrixDims d, bool keepdim,
                          std::optional<Dtype> dtype) {
  const bool over_rows = std::abs(p) == 1;
  const int left = over_rows ? d.column : d.row;
  const Tensor sums = vector_norm(A, 1, Dims{over_rows ? d.row : d.column}, true, dtype);
  // the largest of no sums is 0: none is negative
  const bool none = p > 0 && A.layout().size(left) == 0;
  return without_matrix(
      none ? sum(sums, Dims{left}, true) : extreme_over_dims(sums, Dims{left}, p > 0), d, keepdim);
}

Tensor matrix_norm(const Tensor& A, PyObject* ord, Dims dims, bool keepdim,
                   std::optional<Dtype> dtype) {
  BACKLIT_CHECK(A.dim() >= 2, Runtime,
                "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.");
  BACKLIT_CHECK(dims.size() == 2, Runtime, "linalg.matrix_norm: dim must be a 2-tuple. Got ",
                to_string(dims));
  if (PyUnicode_Check(ord)) {
    const std::string name = FromPython<std::string>::get(ord);
    if (name == "fro") {
      matrix_dims(A, dims);  // checks them
      return vector_norm(A, 2, dims, keepdim, dtype);
    }
    BACKLIT_CHECK(name == "nuc", Runtime, "linalg.matrix_norm: Order ", name, " not supported.");
    return singular_norm(A, OfSingular::Sum, matrix_dims(A, dims), keepdim, dtype);
  }
  const double p = FromPython<double>::get(ord), size = std::abs(p);
  BACKLIT_CHECK(size == 1 || size == 2 || size == INFINITY, Runtime, "linalg.matrix_norm: Order ",
                p, " not supported.");
  const MatrixDims d = matrix_dims(A, dims);
  if (size != 2) return absolute_sums_norm(A, p, d, keepdim, dtype);
  return singular_norm(A, p > 0 ? OfSingular::Largest : OfSingular::Smallest, d, keepdim, dtype);
}

bool is_number_order(PyObject* ord) { return ord != Py_None && !PyUnicode_Check(ord); }

Tensor norm_op(const Tensor& x, Any p, std::optional<Dims> dims, bool keepdim,
               std::optional<Dtype> dtype) {
  if (PyUnicode_Check(p.object)) {
    const std::string name = FromPython<std::string>::get(p.object);
    if (name != "fro") return matrix_norm(x, p.object, dims ? *dims : Dims{-2, -1}, keepdim, dtype);
  }
  return vector_norm(x, is_number_order(p.object) ? FromPython<double>::get(p.object) : 2,
                     span_of(dims), keepdim, dtype);
}
const RegisterComplex norm_row(
    "norm(Tensor input, any p='fro', int[1]? dim=None, bool keepdim=False, dtype? dtype=None, *, "
    "Tensor? out=None) -> "
    "Tensor",
    norm_op,
    {.meaning = "The p-norm of all elements, or of those along dim.",
     .formula = "y = (Σᵢ |xᵢ|ᵖ)^(1/p)",
     .gradient = "∂L/∂xᵢ = sgn(xᵢ) (|xᵢ| / y)^(p−1) ∂L/∂y; 0 where y = 0"});

Tensor vector_norm_op(const Tensor& x, Scalar ord, std::optional<Dims> dims, bool keepdim,
                      std::optional<Dtype> dtype) {
  return vector_norm(x, ord.d, span_of(dims), keepdim, dtype);
}
const RegisterComplex vector_norm_row(
    "vector_norm(Tensor x, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, dtype? "
    "dtype=None, Tensor? out=None) -> Tensor",
    vector_norm_op,
    {.meaning = "The norm of vectors.",
     .formula = "y = (Σᵢ |xᵢ|ᵖ)^(1/p)",
     .gradient = "∂L/∂xᵢ = sgn(xᵢ) (|xᵢ| / y)^(p−1) ∂L/∂y; 0 where y = 0",
     .home = "linalg"});

Tensor matrix_norm_op(const Tensor& A, Any ord, std::optional<Dims> dims, bool keepdim,
                      std::optional<Dtype> dtype) {
  return matrix_norm(A, ord.object, dims ? *dims : Dims{-2, -1}, keepdim, dtype);
}
const RegisterComplex matrix_norm_row(
    "matrix_norm(Tensor A, any ord='fro', int[]? dim=None, bool keepdim=False, *, dtype? "
    "dtype=None, Tensor? out=None) -> Tensor",
    matrix_norm_op,
    {.meaning = "The norm of matrices: 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.",
     .formula = "‖A‖_F = √Σ A²; ‖A‖₁ = maxⱼ Σᵢ |Aᵢⱼ|; ‖A‖_∞ = maxᵢ Σⱼ |Aᵢⱼ|; ‖A‖₂ = maxₖ sₖ; "
                "‖A‖_nuc = Σₖ sₖ",
     .gradient = "of the sums, singular values and the extremum it is made of",
     .home = "linalg"});

Tensor linalg_norm_op(const Tensor& A, Any ord, std::optional<Dims> dims, bool keepdim,
                      std::optional<Dtype> dtype) {
  const bool matrix = ord.object != Py_None &&
                      (PyUnicode_Check(ord.object) || (dims ? dims->size() == 2 : A.dim() == 2));
  if (matrix) return matrix_norm(A, ord.object, dims ? *dims : Dims{-2, -1}, keepdim, dtype);
  BACKLIT_CHECK(ord.object == Py_None || dims || A.dim() == 1 || A.dim() == 2, Runtime,
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ",
                A.dim(), "D.");
  return vector_norm(A, ord.object == Py_None ? 2 : FromPython<double>::get(ord.object),
                     span_of(dims), keepdim, dtype);
}
const RegisterComplex linalg_norm_row(
    "norm(Tensor A, any ord=None, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None, "
    "Tensor? out=None) -> "
    "Tensor",
    linalg_norm_op,
    {.meaning = "The norm of vectors or matrices.",
     .formula = "y = (Σᵢ |xᵢ|ᵖ)^(1/p)",
     .gradient = "as vector_norm and matrix_norm",
     .home = "linalg"});

Tensor dist_op(const Tensor& a, const Tensor& b, Scalar p) {
  if (a.is_complex() || b.is_complex()) return vector_norm(sub(a, b), p.d, {}, false, {});
  const Tensor x = sub(detach(a), detach(b));
  check_has_norm(ReducedDims(x, {}), p.d, {}, x);
  BACKLIT_CHECK(x.is_floating(), Runtime,
                "norm(): input dtype should be either floating point or complex. Got ",
                info(x.dtype()).scalar_name, " instead.");
  return record(
      "DistBackward0", norm_value(x, p.d, ReducedDims(x, {}), false), {a, b}, {a, b},
      [p](Vjp& v) {
        const Tensor a = v.saved(0), b = v.saved(1);
        const Tensor g = norm_gradient(v.g(), sub(a, b), v.saved(2), p.d, {});
        if (v.needs(0)) v.set(0, sum_to(g, a.sizes()));
        if (v.needs(1)) v.set(1, sum_to(neg(g), b.sizes()));
      },
      true);
}
const RegisterComplex dist_row("dist(Tensor input, Tensor other, Scalar p=2) -> Tensor", dist_op,
                               {.meaning = "The p-norm of the difference.",
                                .formula = "y = (Σᵢ |aᵢ − bᵢ|ᵖ)^(1/p)",
                                .gradient = "∂L/∂a = −∂L/∂b = sgn(a − b) (|a − b| / y)^(p−1) ∂L/∂y",
                                .mixed = Mixed::Promoted});

}  // namespace
}  // namespace backlit::ops
