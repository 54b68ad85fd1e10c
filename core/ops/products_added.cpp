// Products with something added: addmm, addmv, addr, baddbmm, addbmm and their in-place forms.
#include <type_traits>

#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

bool is(const Scalar& s, double value) {
  if (s.kind == Scalar::Kind::Complex) return s.d == value && s.im == 0;
  return s.kind == Scalar::Kind::Float ? s.d == value : static_cast<double>(s.i) == value;
}
Tensor times(const Tensor& x, const Scalar& s) { return is(s, 1) ? x : mul(x, s); }
// The number's part in a gradient.
Scalar conj(Scalar s) {
  s.im = -s.im;
  return s;
}
using ops::conj;

// y starts as `input`, broadcast; with beta = 0 what input holds is ignored, NaN too.
Tensor start_from(const Tensor& input, Span sizes, Dtype dtype, const Scalar& beta) {
  BACKLIT_CHECK(input.dtype() == dtype, Runtime, "self and mat2 must have the same dtype, but got ",
                info(input.dtype()).scalar_name, " and ", info(dtype).scalar_name);
  const Tensor source = expand(detach(input), sizes);
  Tensor y = new_result(sizes, dtype);
  if (!is(beta, 0)) copy_in_place(y, source);
  return y;
}

struct Factors {
  Dims sizes;  // of the input
  Scalar beta, alpha;
};

// The same operation as y = op(...) and as input.op_(...), with one rule.
template <class Op>
Tensor run_added(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                 const Scalar& alpha) {
  Tensor y = Op::value(input, a, b, beta, alpha);
  const Factors f{input.sizes(), beta, alpha};
  return record(Op::node, std::move(y), {input, a, b}, {read_by(b, a), read_by(a, b)},
                [f](Vjp& v) { Op::rule(v, f); });
}
template <class Op>
Tensor run_added_in_place(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                          const Scalar& alpha) {
  const Tensor y = Op::value(input, a, b, beta, alpha);
  BACKLIT_CHECK(y.layout().same_sizes(input.layout()), Runtime,
                "Bad in-place call: input tensor size ", to_string(input.sizes()),
                " and output tensor size ", to_string(y.sizes()), " should match");
  const Factors f{input.sizes(), beta, alpha};
  return record_in_place(
      Op::node, input, {input, a, b}, {read_by(b, a), read_by(a, b)},
      [&] { copy_in_place(input, y); }, [f](Vjp& v) { Op::rule(v, f); });
}
template <class Op>
Tensor run_added_out(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                     const Scalar& alpha, const Tensor& out) {
  Tensor y = run_added<Op>(input, a, b, beta, alpha);
  return out.defined() ? into_out(Op::name, std::move(y), out) : y;
}

struct Addmm {
  static constexpr const char* name = "addmm";
  static constexpr const char* node = "AddmmBackward0";
  static Tensor value(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                      const Scalar& alpha) {
    const auto matrix = [](const char* which, const Tensor& x) {
      BACKLIT_CHECK(x.dim() == 2, Runtime, which, " must be a matrix, got ", x.dim(), "-D tensor");
    };
    matrix("mat1", a);
    matrix("mat2", b);
    check_matrices(a, b, "mat1", "mat2");
    check_not_bool("addmm_impl_cpu_", a.dtype());
    Tensor y = start_from(input, Dims{a.layout().size(0), b.layout().size(1)}, a.dtype(), beta);
    multiply_into(y, a, false, b, false, beta, alpha);
    return y;
  }
  static void rule(Vjp& v, const Factors& f) {
    if (v.needs(0)) v.set(0, times(sum_to(v.g(), f.sizes), conj(f.beta)));
    if (v.needs(1)) v.set(1, times(mm(v.g(), false, conj(v.saved(1)), true), conj(f.alpha)));
    if (v.needs(2)) v.set(2, times(mm(conj(v.saved(0)), true, v.g(), false), conj(f.alpha)));
  }
};

struct Addmv {
  static constexpr const char* name = "addmv";
  static constexpr const char* node = "AddmvBackward0";
  static Tensor value(const Tensor& input, const Tensor& a, const Tensor& x, const Scalar& beta,
                      const Scalar& alpha) {
    const std::int64_t rows = a.dim() == 2 ? a.layout().size(0) : 0;
    check_matrix_vector(a, x, input.dim(), input.dim() ? input.numel() : rows, input.dtype());
    Tensor y = start_from(input, Dims{rows}, a.dtype(), beta);
    multiply_vector_into(y, a, false, x, beta, alpha);
    return y;
  }
  static void rule(Vjp& v, const Factors& f) {
    if (v.needs(0)) v.set(0, times(sum_to(v.g(), f.sizes), conj(f.beta)));
    if (v.needs(1)) v.set(1, times(outer(v.g(), conj(v.saved(1))), conj(f.alpha)));
    if (v.needs(2)) v.set(2, times(mv(conj(transpose(v.saved(0), 0, 1)), v.g()), conj(f.alpha)));
  }
};

void check_factor(const char* name, const Scalar& factor, Dtype dtype) {
  BACKLIT_CHECK(is_differentiable(dtype) || factor.kind != Scalar::Kind::Float, Runtime,
                "For integral input tensors, argument ", name,
                " must not be a floating point number.");
}

// Promotes dtypes, as PyTorch's does.
struct Addr {
  static constexpr const char* name = "addr";
  static constexpr const char* node = "AddrBackward0";
  static Tensor value(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
                      const Scalar& alpha) {
    BACKLIT_CHECK(x.dim() == 1, Runtime, "addr: Expected 1-D argument vec1, but got ", x.dim(),
                  "-D");
    BACKLIT_CHECK(y.dim() == 1, Runtime, "addr: Expected 1-D argument vec2, but got ", y.dim(),
                  "-D");
    const GradMode off(false);
    const Tensor start = expand(input, Dims{x.numel(), y.numel()});
    const Tensor plain = outer(x, y);
    const Dtype dtype = promote_types(input.dtype(), plain.dtype());
    check_factor("beta", beta, dtype);
    check_factor("alpha", alpha, dtype);
    const Tensor product = times(plain, alpha);
    return to_dtype(is(beta, 0) ? product : add(times(start, beta), product), dtype);
  }
  static void rule(Vjp& v, const Factors& f) {
    if (v.needs(0)) v.set(0, times(sum_to(v.g(), f.sizes), conj(f.beta)));
    if (v.needs(1))
      v.set(1, times(mv(v.g(), conj(to_dtype(v.saved(1), v.g().dtype()))), conj(f.alpha)));
    if (v.needs(2))
      v.set(2, times(mv(transpose(v.g(), 0, 1), conj(to_dtype(v.saved(0), v.g().dtype()))),
                     conj(f.alpha)));
  }
};

struct Baddbmm {
  static constexpr const char* name = "baddbmm";
  static constexpr const char* node = "BaddbmmBackward0";
  static Tensor value(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                      const Scalar& alpha) {
    check_batches(a, b);
    check_not_bool("baddbmm", a.dtype());
    const Dims sizes{a.layout().size(0), a.layout().size(1), b.layout().size(2)};
    Tensor y = start_from(input, sizes, a.dtype(), beta);
    multiply_batches_into(y, a, false, b, false, beta, alpha);
    return y;
  }
  static void rule(Vjp& v, const Factors& f) {
    if (v.needs(0)) v.set(0, times(sum_to(v.g(), f.sizes), conj(f.beta)));
    if (v.needs(1)) v.set(1, times(bmm(v.g(), false, conj(v.saved(1)), true), conj(f.alpha)));
    if (v.needs(2)) v.set(2, times(bmm(conj(v.saved(0)), true, v.g(), false), conj(f.alpha)));
  }
};

struct Addbmm {
  static constexpr const char* name = "addbmm";
  static constexpr const char* node = "AddbmmBackward0";
  static Tensor value(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                      const Scalar& alpha) {
    check_batches(a, b);
    check_not_bool("addbmm", a.dtype());
    const GradMode off(false);
    Tensor y = start_from(input, Dims{a.layout().size(1), b.layout().size(2)}, a.dtype(), beta);
    if (a.layout().size(0) == 0)
      return is(beta, 0) ? (fill_in_place(y, Scalar(0)), y) : times(y, beta);
    for (std::int64_t i = 0; i < a.layout().size(0); ++i)
      multiply_into(y, select(a, 0, i), false, select(b, 0, i), false, i == 0 ? beta : Scalar(1),
                    alpha);
    return y;
  }
  static void rule(Vjp& v, const Factors& f) {
    if (v.needs(0)) v.set(0, times(sum_to(v.g(), f.sizes), conj(f.beta)));
    const auto repeated = [&](const Tensor& like) {
      return expand(unsqueeze(v.g(), 0), Dims{like.layout().size(0), v.g().size(0), v.g().size(1)});
    };
    if (v.needs(1)) {
      const Tensor b = conj(v.saved(1));
      v.set(1, times(bmm(repeated(b), false, b, true), conj(f.alpha)));
    }
    if (v.needs(2)) {
      const Tensor a = conj(v.saved(0));
      v.set(2, times(bmm(a, true, repeated(a), false), conj(f.alpha)));
    }
  }
};

#define BACKLIT_ADDED(Op, name, a, b, ...)                                     \
  const RegisterComplex row_of_##Op(                                           \
      #name "(Tensor input, Tensor " a ", Tensor " b                           \
            ", *, Scalar beta=1, Scalar alpha=1, Tensor? out=None) -> Tensor", \
      run_added_out<Op>, {__VA_ARGS__});                                       \
  const RegisterComplex in_place_row_of_##Op(                                  \
      #name "_(Tensor input, Tensor " a ", Tensor " b                          \
            ", *, Scalar beta=1, Scalar alpha=1) -> Tensor",                   \
      run_added_in_place<Op>, {__VA_ARGS__, .function = false});

BACKLIT_ADDED(Addmm, addmm, "mat1", "mat2",
              .meaning = "beta times a matrix plus alpha times the product of two.",
              .formula = "C = β·M + α·A·B",
              .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂A = α·∂L/∂C · Bᵀ, ∂L/∂B = α·Aᵀ · ∂L/∂C")
BACKLIT_ADDED(Addmv, addmv, "mat", "vec",
              .meaning = "beta times a vector plus alpha times a matrix times a vector.",
              .formula = "y = β·m + α·A·x",
              .gradient = "∂L/∂m = β·∂L/∂y, ∂L/∂A = α·∂L/∂y · xᵀ, ∂L/∂x = α·Aᵀ · ∂L/∂y")
BACKLIT_ADDED(Addr, addr, "vec1", "vec2",
              .meaning = "beta times a matrix plus alpha times the outer product of two vectors.",
              .formula = "Z = β·M + α·x·yᵀ",
              .gradient = "∂L/∂M = β·∂L/∂Z, ∂L/∂x = α·∂L/∂Z · y, ∂L/∂y = α·∂L/∂Zᵀ · x")
BACKLIT_ADDED(
    Baddbmm, baddbmm, "batch1", "batch2",
    .meaning = "beta times a batch of matrices plus alpha times the products of two batches.",
    .formula = "Cᵢ = β·Mᵢ + α·Aᵢ·Bᵢ",
    .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂Aᵢ = α·∂L/∂Cᵢ · Bᵢᵀ, ∂L/∂Bᵢ = α·Aᵢᵀ · ∂L/∂Cᵢ")
BACKLIT_ADDED(
    Addbmm, addbmm, "batch1", "batch2",
    .meaning = "beta times a matrix plus alpha times the sum of the products of two batches.",
    .formula = "C = β·M + α·Σᵢ Aᵢ·Bᵢ",
    .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂Aᵢ = α·∂L/∂C · Bᵢᵀ, ∂L/∂Bᵢ = α·Aᵢᵀ · ∂L/∂C")

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
             const Scalar& alpha) {
  return run_added<Addmm>(input, a, b, beta, alpha);
}

}  // namespace backlit::ops
