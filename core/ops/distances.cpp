// Geometry of vectors: cross products and distances between all pairs of rows.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/rounding.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// --- cross ---

// a × b along dimension d, of tensors of one shape.
Tensor cross_values(const Tensor& a, const Tensor& b, int d) {
  Tensor y = new_result(a.sizes(), a.dtype());
  const Tensor x = contiguous(detach(a)), z = contiguous(detach(b));
  i64 inner = 1;
  for (int k = d + 1; k < a.dim(); ++k) inner *= a.layout().size(k);
  const i64 outer = a.numel() ? a.numel() / (3 * inner) : 0;
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>)
      for (i64 o = 0; o < outer; ++o)
        for (i64 i = 0; i < inner; ++i) {
          const i64 at = o * 3 * inner + i;
          const T *p = x.data<T>() + at, *q = z.data<T>() + at;
          T* out = y.data<T>() + at;
          for (int k = 0; k < 3; ++k) {
            const i64 m = (k + 1) % 3 * inner, n = (k + 2) % 3 * inner;
            // int64 products wrap around
            if constexpr (std::is_integral_v<T>)
              out[k * inner] = static_cast<T>(
                  static_cast<std::uint64_t>(p[m]) * static_cast<std::uint64_t>(q[n]) -
                  static_cast<std::uint64_t>(p[n]) * static_cast<std::uint64_t>(q[m]));
            else
              out[k * inner] = p[m] * q[n] - p[n] * q[m];
          }
        }
  };
  a.is_complex() ? visit_complex(a.dtype(), run) : visit(a.dtype(), run);
  return y;
}

Tensor cross(const Tensor& a, const Tensor& b, i64 dim) {
  BACKLIT_CHECK(a.dim() == b.dim(), Runtime,
                "linalg.cross: inputs must have the same number of dimensions.");
  const int d = wrap_dim(dim, a.dim());
  BACKLIT_CHECK(a.dim() > 0 && a.layout().size(d) == 3 && b.layout().size(d) == 3, Runtime,
                "linalg.cross: inputs dimension ", dim, " must have length 3. Got ",
                a.dim() ? a.layout().size(d) : 1, " and ", b.dim() ? b.layout().size(d) : 1);
  const Dims sizes = broadcast_sizes(a.sizes(), b.sizes());
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, "expected scalar type ",
                info(a.dtype()).scalar_name, " but found ", info(b.dtype()).scalar_name);
  check_not_bool("cross", a.dtype());
  const Tensor x = expand(detach(a), sizes), y = expand(detach(b), sizes);
  return record("LinalgCrossBackward0", cross_values(x, y, d), {a, b},
                {read_by(b, a), read_by(a, b)},
                [d, size_a = Dims(a.sizes()), size_b = Dims(b.sizes()), sizes](Vjp& v) {
                  if (v.needs(0))
                    v.set(0, sum_to(cross(expand(conj(v.saved(1)), sizes), v.g(), d), size_a));
                  if (v.needs(1))
                    v.set(1, sum_to(cross(v.g(), expand(conj(v.saved(0)), sizes), d), size_b));
                });
}

Tensor linalg_cross_op(const Tensor& a, const Tensor& b, i64 dim) { return cross(a, b, dim); }
Tensor cross_op(const Tensor& a, const Tensor& b, std::optional<i64> dim) {
  if (dim) return cross(a, b, *dim);
  static bool warned = false;
  if (!std::exchange(warned, true) &&
      PyErr_WarnEx(PyExc_UserWarning,
                   "Using torch.cross without specifying the dim arg is deprecated.\nPlease either "
                   "pass the dim "
                   "explicitly or simply use torch.linalg.cross.\nThe default value of dim will "
                   "change to agree with "
                   "that of linalg.cross in a future release.",
                   1) < 0)
    throw PythonErrorSet();
  for (int d = 0; d < a.dim(); ++d)
    if (a.layout().size(d) == 3) return cross(a, b, d);
  fail(ErrorKind::Runtime, "no dimension of size 3 in input");
}

constexpr RowOptions cross_options(const char* home) {
  return {.meaning = "Cross product of vectors of three components along dim.",
          .formula = "z = x × y",
          .gradient = "∂L/∂x = y × ∂L/∂z, ∂L/∂y = ∂L/∂z × x",
          .home = home};
}
const RegisterComplex cross_row(
    "cross(Tensor input, Tensor other, int? dim=None, *, Tensor? out=None) -> Tensor", cross_op,
    cross_options("torch"));
const RegisterComplex linalg_cross_row(
    "cross(Tensor input, Tensor other, *, int dim=-1, Tensor? out=None) -> Tensor", linalg_cross_op,
    cross_options("linalg"));

// --- cdist ---

enum class Norm { Zero, One, Two, Infinity, Other };
Norm norm_of(double p) {
  return p == 0          ? Norm::Zero
         : p == 1        ? Norm::One
         : p == 2        ? Norm::Two
         : std::isinf(p) ? Norm::Infinity
                         : Norm::Other;
}

template <class T> T distance(const T* x, const T* y, i64 n, double p, Norm norm) {
  T sum = 0;
  for (i64 i = 0; i < n; ++i) {
    const T d = std::abs(x[i] - y[i]);
    switch (norm) {
      case Norm::Zero: sum += d != 0 ? T(1) : T(0); break;
      case Norm::One: sum += d; break;
      case Norm::Two: sum += d * d; break;
      case Norm::Infinity: sum = d > sum || d != d ? d : sum; break;
      case Norm::Other: sum += std::pow(d, static_cast<T>(p)); break;
    }
  }
  return norm == Norm::Two     ? std::sqrt(sum)
         : norm == Norm::Other ? std::pow(sum, static_cast<T>(1 / p))
                               : sum;
}

// (b, r, n) and (b, s, n) -> (b, r, s)
Tensor distances(const Tensor& a, const Tensor& b, double p) {
  const Tensor x = contiguous(detach(a)), y = contiguous(detach(b));
  const i64 batch = x.layout().size(0), r = x.layout().size(1), s = y.layout().size(1),
            n = x.layout().size(2);
  Tensor out = new_result(Dims{batch, r, s}, a.dtype());
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const i64 work = std::max<i64>(s * n, 1);
    const GilRelease release(batch * r * work >= kGilReleaseElements);
    parallel_for(batch * r, (1 << 14) / work + 1, [&](i64 begin, i64 end) {
      for (i64 i = begin; i < end; ++i)
        for (i64 j = 0; j < s; ++j)
          out.data<T>()[i * s + j] =
              distance(x.data<T>() + i * n, y.data<T>() + (i / r * s + j) * n, n, p, norm_of(p));
    });
  };
  a.dtype() == Dtype::Float32 ? run(float{}) : run(double{});
  return out;
}

// 1 / x, and 0 where x is 0: rows that coincide have no direction.
Tensor inverse_or_zero(const Tensor& x) {
  const Operand zero[] = {x, Scalar(0.0)};
  const Tensor none = elementwise(RecordOf<formulas::Eq>::op, zero);
  return where(none, Scalar(0.0), div(Scalar(1.0), where(none, Scalar(1.0), x)));
}

// Gradient of x (b, r, n) from g and distances d (b, r, s), recorded.
Tensor distance_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const Tensor& d,
                         double p) {
  const Norm norm = norm_of(p);
  if (norm == Norm::Two) {  // Σⱼ wᵢⱼ (xᵢ - yⱼ), w = g / d
    const Tensor w = mul(g, inverse_or_zero(d));
    return sub(mul(x, sum(w, Dims{2}, true)), bmm(w, y));
  }
  const Tensor gap = sub(unsqueeze(x, 2), unsqueeze(y, 1));  // (b, r, s, n)
  const Tensor sign = apply<formulas::Sign>(gap), wide = unsqueeze(g, 3);
  if (norm == Norm::Zero) return mul(x, Scalar(0.0));
  if (norm == Norm::One) return sum(mul(wide, sign), Dims{2}, false);
  const Tensor size = apply<formulas::Abs>(gap), far = unsqueeze(d, 3);
  if (norm == Norm::Infinity) {
    const Operand test[] = {size, far};
    const Tensor most = to_dtype(elementwise(RecordOf<formulas::Eq>::op, test), x.dtype());
    return sum(mul(wide, mul(sign, most)), Dims{2}, false);
  }
  const Tensor part = mul(sign, pow(mul(size, inverse_or_zero(far)), Scalar(p - 1)));
  return sum(mul(wide, part), Dims{2}, false);
}

Tensor cdist3(const Tensor& a, const Tensor& b, double p) {
  return record(
      "CdistBackward0", distances(a, b, p), {a, b}, {a, b},
      [p](Vjp& v) {
        const Tensor x = v.saved(0), y = v.saved(1), d = v.saved(2);
        if (v.needs(0)) v.set(0, distance_gradient(v.g(), x, y, d, p));
        if (v.needs(1))
          v.set(1, distance_gradient(transpose(v.g(), 1, 2), y, x, transpose(d, 1, 2), p));
      },
      true);
}

Tensor cdist_op(const Tensor& a, const Tensor& b, double p, const std::string&) {
  const auto check = [](const char* name, const Tensor& t) {
    BACKLIT_CHECK(t.is_floating(), Runtime, "cdist only supports floating-point dtypes, ", name,
                  " got: ", info(t.dtype()).scalar_name);
  };
  const auto check_dim = [](const char* name, const Tensor& t) {
    BACKLIT_CHECK(t.dim() >= 2, Runtime, "cdist only supports at least 2D tensors, ", name,
                  " got: ", t.dim(), "D");
  };
  check_dim("X1", a);
  check_dim("X2", b);
  BACKLIT_CHECK(a.size(-1) == b.size(-1), Runtime,
                "X1 and X2 must have the same number of columns. X1: ", a.size(-1),
                " X2: ", b.size(-1));
  check("X1", a);
  check("X2", b);
  BACKLIT_CHECK(p >= 0, Runtime, "cdist only supports non-negative p values");
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, "expected scalar type ",
                info(a.dtype()).scalar_name, " but found ", info(b.dtype()).scalar_name);
  const auto lead = [](const Tensor& t) {
    return t.sizes().first(static_cast<std::size_t>(t.dim() - 2));
  };
  const Dims batch = broadcast_sizes(lead(a), lead(b));
  const i64 n = product(batch);
  const auto three = [&](const Tensor& t) {
    Dims full(batch);
    full.push_back(t.size(-2));
    full.push_back(t.size(-1));
    return reshape(expand(t, full), Dims{n, t.size(-2), t.size(-1)});
  };
  Dims out(batch);
  out.push_back(a.size(-2));
  out.push_back(b.size(-2));
  return view(cdist3(three(a), three(b), p), out);
}
const Register cdist_row(
    "cdist(Tensor x1, Tensor x2, float p=2.0, str "
    "compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor",
    cdist_op,
    {.meaning = "Distances between all pairs of rows of two matrices, in the p-norm.",
     .formula = "dᵢⱼ = (Σₖ |xᵢₖ − yⱼₖ|ᵖ)^(1/p)",
     .gradient = "∂L/∂xᵢ = Σⱼ ∂L/∂dᵢⱼ (xᵢ − yⱼ) / dᵢⱼ for p = 2",
     .method = false});

}  // namespace
}  // namespace backlit::ops
