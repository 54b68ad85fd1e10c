// Linear equations: LU factors, inverse, solve, determinants.
#include <cmath>
#include <numeric>

#include "formulas/exponential.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

struct Factors {
  Tensor lu, pivots, info;  // packed, column by column; int32; int32
};

Factors factor(const Tensor& a) {
  const i64 m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  const Dims batch = batch_of(a);
  Dims pivot_sizes(batch);
  pivot_sizes.push_back(k);
  Factors f{columns_of(a), Tensor::empty(pivot_sizes, Dtype::Int32),
            Tensor::zeros(batch, Dtype::Int32)};
  if (a.numel() == 0) return f;
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* lu = f.lu.data<T>();
    auto *pivots = f.pivots.data<std::int32_t>(), *info = f.info.data<std::int32_t>();
    each_matrix(f.info.numel(), cube(k), [&](i64 i) {
      info[i] = Lapack<T>::lu(i32_of(m), i32_of(n), lu + i * m * n, pivots + i * k);
    });
  });
  return f;
}

std::string singular_inverse(int info) {
  return concat("The diagonal element ", info,
                " is zero, the inversion could not be completed because the input matrix is "
                "singular.");
}

// The inverses in place of the factors, not recorded.
void invert(const Tensor& a, Factors& f) {
  const i64 n = a.size(-1);
  if (a.numel()) {
    visit_numbers(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* lu = f.lu.data<T>();
      const auto* pivots = f.pivots.data<std::int32_t>();
      const auto* info = f.info.data<std::int32_t>();
      each_matrix(f.info.numel(), cube(n), [&](i64 i) {
        T* matrix = lu + i * n * n;
        if (info[i])
          return std::fill(matrix, matrix + n * n,
                           T(static_cast<typename Lapack<T>::Part>(INFINITY)));
        Lapack<T>::inverse_lu(i32_of(n), matrix, pivots + i * n);
      });
    });
  }
}

Named<2> inv_ex(const Tensor& a, bool check_errors, const char* name) {
  check_square(name, a);
  Factors f = factor(a);
  invert(a, f);
  if (check_errors) check_info(name, f.info, singular_inverse);
  Tensor y = record(
      "LinalgInvExBackward0", std::move(f.lu), {a}, {},
      [](Vjp& v) {
        const Tensor t = mH(v.saved(0));
        v.set(0, neg(matmul(matmul(t, v.g()), t)));
      },
      true);
  return {"linalg_inv_ex", "inverse info", {std::move(y), std::move(f.info)}};
}

// X = A⁻¹ B for matrices of equal batch sizes, without recording.
Tensor solved(const Tensor& a, const Tensor& b, Tensor& info) {
  const i64 n = a.size(-1), k = b.size(-1);
  const Factors f = factor(a);
  info = f.info;
  Tensor x = columns_of(b);
  if (x.numel() == 0) return x;
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* lu = f.lu.data<T>();
    const auto* pivots = f.pivots.data<std::int32_t>();
    T* out = x.data<T>();
    const auto columns = static_cast<double>(k);
    each_matrix(info.numel(), static_cast<double>(n) * static_cast<double>(n) * columns,
                [&](i64 i) {
                  Lapack<T>::solve_lu(i32_of(n), i32_of(k), lu + i * n * n, pivots + i * n,
                                      out + i * n * k);
                });
  });
  return x;
}

std::string singular_solve(int) {
  return "The solver failed because the input matrix is singular.";
}

// A and B of equal batch sizes; with `vector`, B and X have no last dimension.
Tensor solve_recorded(const Tensor& a, const Tensor& b, bool vector, Tensor& info) {
  Tensor x = solved(a, vector ? unsqueeze(detach(b), -1) : b, info);
  if (vector) x = x.alias(contiguous_layout(b.sizes()));
  return record(
      "LinalgSolveExBackward0", std::move(x), {a, b}, {a},
      [vector](Vjp& v) {
        const Tensor g = vector ? unsqueeze(v.g(), -1) : v.g();
        const Tensor gb = solve(mH(v.saved(0)), g);
        if (v.needs(1)) v.set(1, vector ? squeeze(gb, Dims{-1}) : gb);
        if (!v.needs(0)) return;
        const Tensor y = vector ? unsqueeze(v.saved(1), -1) : v.saved(1);
        v.set(0, neg(matmul(gb, mH(y))));
      },
      true);
}

bool is_vector(const Tensor& a, const Tensor& b) {
  if (b.dim() == 1) return true;
  const Dims lengths(a.sizes().first(static_cast<std::size_t>(a.dim() - 1)));
  return b.dim() == a.dim() - 1 && Dims(b.sizes()) == lengths;
}

Named<2> solve_ex(const Tensor& a, const Tensor& b, bool left, bool check_errors,
                  const char* check_name) {
  const char* name = "linalg.solve";
  check_square(name, a);
  check_matrix(name, b.dim() == 1 ? unsqueeze(detach(b), -1) : b, "B");
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, name,
                ": Expected A and B to have the same dtype, but found A of type ",
                info(a.dtype()).scalar_name, " and B of type ", info(b.dtype()).scalar_name,
                " instead");
  const bool vector = is_vector(a, b);
  BACKLIT_CHECK(left || !vector, Runtime, name,
                ": Vector broadcasting of the left hand side is not supported for left=False. In "
                "this case linalg.solve is equivalent to B / A.squeeze(-1)");
  const i64 rows = b.size(!vector && left ? -2 : -1), columns = vector ? 1 : b.size(-1);
  BACKLIT_CHECK(rows == a.size(-1), Runtime, name, ": Incompatible shapes of A and B for the ",
                "equation ", left ? "AX = B" : "XA = B", " (", a.size(-2), "x", a.size(-1), " and ",
                vector ? rows : b.size(-2), "x", columns, ")");
  const Dims batch_b =
      vector ? Dims(b.sizes().first(static_cast<std::size_t>(b.dim() - 1))) : batch_of(b);
  const Dims batch = broadcast_sizes(batch_of(a), batch_b);
  const Tensor wide_a = expand(a, with_matrix(batch, a.size(-2), a.size(-1)));
  Dims sizes_b(batch);
  if (!vector) sizes_b.push_back(b.size(-2));
  sizes_b.push_back(b.size(-1));
  const Tensor wide_b = expand(b, sizes_b);
  Tensor info;
  Tensor x = left ? solve_recorded(wide_a, wide_b, vector, info)
                  : mT(solve_recorded(mT(wide_a), mT(wide_b), false, info));
  if (check_errors) check_info(check_name, info, singular_solve);
  return {"linalg_solve_ex", "result info", {std::move(x), std::move(info)}};
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b, bool left) {
  return solve_ex(a, b, left, false, "linalg.solve").values[0];
}
Tensor inverse(const Tensor& a, bool check_errors) {
  return inv_ex(a, check_errors, "linalg.inv").values[0];
}

namespace {

Named<2> inv_ex_op(const Tensor& a, bool check_errors) {
  return inv_ex(a, check_errors, "linalg.inv");
}
Tensor inv_op(const Tensor& a, const Tensor& out) {
  return into_out("linalg_inv", inverse(a, true), out);
}
Named<2> solve_ex_op(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  return solve_ex(a, b, left, check_errors, "torch.linalg.solve_ex");
}
Tensor solve_op(const Tensor& a, const Tensor& b, bool left, const Tensor& out) {
  return into_out("linalg_solve", solve_ex(a, b, left, true, "torch.linalg.solve").values[0], out);
}

constexpr const char* kInverse = "Y = A⁻¹";
constexpr const char* kInverseGradient = "∂L/∂A = −Yᵀ · ∂L/∂Y · Yᵀ";
constexpr const char* kSolution = "A·X = B";
constexpr const char* kSolutionGradient = "∂L/∂B = A⁻ᵀ · ∂L/∂X; ∂L/∂A = −∂L/∂B · Xᵀ";

const RegisterComplex inv_ex_row("inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor, Tensor)",
                                 inv_ex_op,
                                 {.meaning = "The inverse of a square matrix, and where it failed.",
                                  .formula = kInverse,
                                  .gradient = kInverseGradient,
                                  .home = "linalg",
                                  .method = false,
                                  .node = "LinalgInvExBackward0"});
const RegisterComplex inv_row("inv(Tensor A, *, Tensor? out=None) -> Tensor", inv_op,
                              {.meaning = "The inverse of a square matrix.",
                               .formula = kInverse,
                               .gradient = kInverseGradient,
                               .home = "linalg",
                               .method = false,
                               .node = "LinalgInvExBackward0"});
const RegisterComplex inverse_row("inverse(Tensor input, *, Tensor? out=None) -> Tensor", inv_op,
                                  {.meaning = "The inverse of a square matrix.",
                                   .formula = kInverse,
                                   .gradient = kInverseGradient,
                                   .node = "LinalgInvExBackward0"});
const RegisterComplex solve_ex_row(
    "solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor, Tensor)",
    solve_ex_op,
    {.meaning = "The solution of linear equations, and where it failed.",
     .formula = kSolution,
     .gradient = kSolutionGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgSolveExBackward0"});
const RegisterComplex solve_row(
    "solve(Tensor A, Tensor B, *, bool left=True, Tensor? out=None) -> Tensor", solve_op,
    {.meaning = "The solution X of A·X = B, or of X·A = B with left=False.",
     .formula = kSolution,
     .gradient = kSolutionGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgSolveExBackward0"});

// --- determinants ---

struct Determinant {
  Tensor sign, log;  // det = sign · exp(log); the logarithm is real
  Tensor value;
};

// x / |x|, and 0 or nan where x is.
template <class T> T direction(T x) { return std::isnan(x) ? x : T((x > 0) - (x < 0)); }
template <class T> Complex<T> direction(Complex<T> z) {
  const T size = std::hypot(z.re, z.im);
  return size == 0 ? Complex<T>() : Complex<T>(z.re / size, z.im / size);
}
template <class T> T magnitude(T x) { return std::abs(x); }
template <class T> T magnitude(Complex<T> z) { return std::hypot(z.re, z.im); }

Determinant determinant_of(const Tensor& a) {
  const i64 n = a.size(-1);
  const Factors f = factor(a);
  const Dims batch = batch_of(a);
  Determinant d{Tensor::full(batch, 1, a.dtype()), Tensor::zeros(batch, real_of(a.dtype())),
                Tensor::full(batch, 1, a.dtype())};
  if (a.numel() == 0) return d;
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Part = typename Lapack<T>::Part;
    const auto* pivots = f.pivots.data<std::int32_t>();
    for (i64 i = 0; i < f.info.numel(); ++i) {
      const T* lu = f.lu.data<T>() + i * n * n;
      T sign = 1, value = 1;
      Part log = 0;
      for (i64 k = 0; k < n; ++k) {
        const bool swapped = pivots[i * n + k] != k + 1;
        const T pivot = swapped ? -lu[k * (n + 1)] : lu[k * (n + 1)];
        value = value * pivot;
        sign = sign * direction(pivot);
        log += std::log(magnitude(pivot));
      }
      d.sign.data<T>()[i] = sign;
      d.log.data<Part>()[i] = log;
      d.value.data<T>()[i] = value;
    }
  });
  return d;
}

Tensor as_matrices(const Tensor& numbers) { return unsqueeze(unsqueeze(numbers, -1), -1); }

// The conjugate of det(A), times A⁻ᴴ, by singular values: right where A has no inverse. With
// A = U·S·Vᴴ it is the conjugate of det(U)·det(Vᴴ), times U·C·Vᴴ, where C is diagonal with the
// products of the other singular values.
Tensor cofactors(const Tensor& a) {
  const i64 n = a.size(-1), count = a.numel() / (n * n);
  Tensor copy = columns_of(a), u = empty_columns(batch_of(a), n, n, a.dtype()),
         vh = empty_columns(batch_of(a), n, n, a.dtype());
  Dims length(batch_of(a));
  length.push_back(n);
  const Tensor s = Tensor::empty(length, real_of(a.dtype()));
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Part = typename Lapack<T>::Part;
    for (i64 i = 0; i < count; ++i) {
      Part* values = s.data<Part>() + i * n;
      Lapack<T>::svd(true, i32_of(n), i32_of(n), copy.data<T>() + i * n * n, values,
                     u.data<T>() + i * n * n, vh.data<T>() + i * n * n);
      std::vector<Part> others(static_cast<std::size_t>(n), Part(1));
      for (i64 k = 0; k < n; ++k)
        for (i64 j = 0; j < n; ++j)
          if (j != k) others[static_cast<std::size_t>(k)] *= values[j];
      std::copy(others.begin(), others.end(), values);
    }
  });
  const Tensor orientation = conj(mul(determinant_of(u).value, determinant_of(vh).value));
  return mul(as_matrices(orientation), matmul(mul(u, unsqueeze(s, -2)), vh));
}

Tensor det(const Tensor& a) {
  check_square("linalg.det", a);
  return record(
      "LinalgDetBackward0", determinant_of(a).value, {a}, {a},
      [](Vjp& v) {
        const Tensor A = v.saved(0), y = v.saved(1);
        if (A.numel() == 0) return v.set(0, Tensor::zeros(A.sizes(), A.dtype()));
        if (A.size(-1) == 1) return v.set(0, as_matrices(v.g()));
        if (all_nonzero(detach(y)))
          return v.set(0, mul(as_matrices(mul(v.g(), conj(y))), mH(inverse(A))));
        BACKLIT_CHECK(!modes.grad || !A.requires_grad(), NotImplemented,
                      "linalg.det: the second derivative at a singular matrix is not implemented; "
                      "call backward without create_graph=True");
        v.set(0, mul(as_matrices(v.g()), cofactors(A)));
      },
      true);
}

Named<2> slogdet(const Tensor& a) {
  check_square("linalg.slogdet", a);
  Determinant d = determinant_of(a);
  const Tensor outputs[] = {d.sign, d.log}, inputs[] = {a};
  record_outputs("LinalgSlogdetBackward0", outputs, inputs, inputs, [](Vjp& v) {
    const Tensor A = v.saved(0);
    Tensor g = v.g(1);
    if (v.g(0).defined() && A.is_complex()) {  // a real sign steps; a complex one turns
      const Tensor turn = neg(imag(mul(conj(v.g(0)), slogdet(A).values[0])));
      g = complex(g.defined() ? g : Tensor::zeros(turn.sizes(), turn.dtype()), turn);
    }
    if (!g.defined()) return v.set(0, Tensor::zeros(A.sizes(), A.dtype()));
    v.set(0, mul(as_matrices(g), mH(inverse(A))));
  });
  return {"linalg_slogdet", "sign logabsdet", {outputs[0], outputs[1]}};
}
Named<2> slogdet_op(const Tensor& a) {
  Named<2> result = slogdet(a);
  result.name = "slogdet";
  return result;
}

Tensor logdet(const Tensor& a) {
  check_square("logdet", a);
  const Named<2> d = slogdet(a);
  if (a.is_complex()) return add(apply<formulas::Log>(d.values[0]), d.values[1]);
  const Tensor undefined = Tensor::zeros(d.values[0].sizes(), a.dtype());  // 0, or nan
  visit_floats(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (i64 i = 0; i < undefined.numel(); ++i)
      if (d.values[0].data<T>()[i] < 0) undefined.data<T>()[i] = T(NAN);
  });
  return add(d.values[1], undefined);
}

constexpr const char* kLogGradient = "∂L/∂A = ∂L/∂y · A⁻ᵀ";

const RegisterComplex linalg_det_row("det(Tensor A) -> Tensor", det,
                                     {.meaning = "The determinant of a square matrix.",
                                      .formula = "y = det A",
                                      .gradient = "∂L/∂A = ∂L/∂y · det(A) · A⁻ᵀ",
                                      .home = "linalg",
                                      .method = false,
                                      .node = "LinalgDetBackward0"});
const RegisterComplex det_row("det(Tensor input) -> Tensor", det,
                              {.meaning = "The determinant of a square matrix.",
                               .formula = "y = det A",
                               .gradient = "∂L/∂A = ∂L/∂y · det(A) · A⁻ᵀ",
                               .node = "LinalgDetBackward0"});
const RegisterComplex linalg_slogdet_row(
    "slogdet(Tensor A) -> (Tensor, Tensor)", slogdet,
    {.meaning = "Sign and logarithm of the absolute value of the determinant.",
     .formula = "y = ln |det A|",
     .gradient = kLogGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgSlogdetBackward0"});
const RegisterComplex slogdet_row(
    "slogdet(Tensor input) -> (Tensor, Tensor)", slogdet_op,
    {.meaning = "Sign and logarithm of the absolute value of the determinant.",
     .formula = "y = ln |det A|",
     .gradient = kLogGradient,
     .node = "LinalgSlogdetBackward0"});
const RegisterComplex logdet_row(
    "logdet(Tensor input) -> Tensor", logdet,
    {.meaning = "Logarithm of the determinant; nan where it is negative.",
     .formula = "y = ln det A",
     .gradient = kLogGradient,
     .node = "LinalgSlogdetBackward0"});

// --- the factors themselves ---

std::string singular_lu(int info) {
  return concat("U[", info, ",", info,
                "] is zero and using it on lu_solve would result in a division by zero. If you "
                "still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
                "linalg.lu_factor_ex(A, pivot)");
}

// P of A = P·L·U from LAPACK's row interchanges.
Tensor permutation(const Tensor& pivots, i64 m, Dtype dtype) {
  const i64 k = pivots.size(-1), count = k ? pivots.numel() / k : 0;
  Dims batch(pivots.sizes().first(static_cast<std::size_t>(pivots.dim() - 1)));
  Tensor p = Tensor::zeros(with_matrix(batch, m, m), dtype);
  visit_numbers(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<i64> order(static_cast<std::size_t>(m));
    for (i64 b = 0; b < (k ? count : product(batch)); ++b) {
      std::iota(order.begin(), order.end(), i64{0});
      for (i64 i = 0; i < k; ++i) {
        const i64 with = pivots.data<std::int32_t>()[b * k + i] - 1;
        BACKLIT_CHECK(with >= i && with < m, Runtime,
                      "lu_unpack: LU_pivots should have values between 1 and ", m, ". Got ",
                      with + 1);
        std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(with)]);
      }
      for (i64 i = 0; i < m; ++i)
        p.data<T>()[b * m * m + order[static_cast<std::size_t>(i)] * m + i] = T(1);
    }
  });
  return p;
}

struct Unpacked {
  Tensor L, U;
};
Unpacked unpack_lu(const Tensor& lu) {
  const i64 m = lu.size(-2), n = lu.size(-1), k = std::min(m, n);
  const Tensor below = tril(narrow(lu, -1, 0, k), -1);
  Tensor one = Tensor::zeros(Dims{m, k}, lu.dtype());
  copy_in_place(narrow(one, 0, 0, k), identity(k, lu.dtype()));
  return {add(below, one), triu(narrow(lu, -2, 0, k))};
}

// Pᵀ·∂L/∂A from the cotangent of the packed factors. With k = min(m, n), the k by k part is
// L⁻ᴴ · (tril₋₁(Lᴴ·gL) + triu(gU·Uᴴ)) · U⁻ᴴ; the other columns, U₂ = L⁻¹·A₂, and rows,
// L₂ = A₂·U⁻¹, have gradients of their own and add to gL and gU.
Tensor lu_gradient(const Tensor& lu, const Tensor& g) {
  const i64 m = lu.size(-2), n = lu.size(-1), k = std::min(m, n);
  const auto [tall, wide] = unpack_lu(lu);
  const Tensor Lh = mH(narrow(tall, -2, 0, k)), Uh = mH(narrow(wide, -1, 0, k));
  const Tensor square = narrow(narrow(g, -2, 0, k), -1, 0, k);
  Tensor gL = tril(square, -1), gU = triu(square), other;
  if (n > k) {
    const Tensor rest = narrow(g, -1, k, n - k);
    other = solve_triangular(Lh, rest, true, true, true);
    gL = sub(gL, matmul(other, mH(narrow(wide, -1, k, n - k))));
  } else if (m > k) {
    const Tensor rest = narrow(g, -2, k, m - k);
    other = solve_triangular(Uh, rest, false, false);
    gU = sub(gU, matmul(mH(narrow(tall, -2, k, m - k)), other));
  }
  const Tensor middle = add(tril(matmul(Lh, gL), -1), triu(matmul(gU, Uh)));
  const Tensor right = solve_triangular(Uh, middle, false, false);
  const Tensor both = solve_triangular(Lh, right, true, true, true);
  return other.defined() ? cat({both, other}, n > k ? -1 : -2) : both;
}

Named<3> lu_factor_ex(const Tensor& a, bool pivot, bool check_errors, const char* name) {
  check_matrix(name, a);
  BACKLIT_CHECK(pivot, Runtime, name, ": LU without pivoting is not implemented on the CPU");
  Factors f = factor(a);
  if (check_errors) check_info(name, f.info, singular_lu);
  Tensor y = record(
      "LinalgLuFactorExBackward0", std::move(f.lu), {a}, {f.pivots},
      [](Vjp& v) {
        v.set(0, matmul(permutation(v.saved(0), v.saved(1).size(-2), v.g().dtype()),
                        lu_gradient(v.saved(1), v.g())));
      },
      true);
  return {"linalg_lu_factor_ex",
          "LU pivots info",
          {std::move(y), std::move(f.pivots), std::move(f.info)}};
}
Named<3> lu_factor_ex_op(const Tensor& a, bool pivot, bool check_errors) {
  return lu_factor_ex(a, pivot, check_errors, "torch.linalg.lu_factor_ex");
}
Named<2> lu_factor_op(const Tensor& a, bool pivot) {
  Named<3> f = lu_factor_ex(a, pivot, true, "torch.linalg.lu_factor");
  return {"linalg_lu_factor", "LU pivots", {f.values[0], f.values[1]}};
}
Named<3> lu_op(const Tensor& a, bool pivot) {
  const Named<3> f = lu_factor_ex(a, pivot, false, "linalg.lu");
  auto [L, U] = unpack_lu(f.values[0]);
  return {"linalg_lu",
          "P L U",
          {permutation(f.values[1], a.size(-2), a.dtype()), std::move(L), std::move(U)}};
}
Named<3> lu_unpack_op(const Tensor& lu, const Tensor& pivots, bool data, bool unpack_pivots) {
  check_matrix("lu_unpack", lu, "LU_data");
  BACKLIT_CHECK(pivots.dtype() == Dtype::Int32, Runtime,
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
                "dtype. Got ",
                info(pivots.dtype()).scalar_name);
  const Tensor none = Tensor::empty(Dims{0}, lu.dtype());
  Named<3> result{"lu_unpack", "P L U", {none, none, none}};
  if (unpack_pivots) result.values[0] = permutation(contiguous(pivots), lu.size(-2), lu.dtype());
  if (data) {
    auto [L, U] = unpack_lu(lu);
    result.values[1] = std::move(L);
    result.values[2] = std::move(U);
  }
  return result;
}

Tensor lu_solve_op(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint,
                   const Tensor& out) {
  check_square("linalg.lu_solve", lu);
  check_matrix("linalg.lu_solve", b, "B");
  const Tensor p = permutation(contiguous(pivots), lu.size(-2), lu.dtype());
  const auto [L, U] = unpack_lu(lu);
  // X·A = B means Aᴴ·Xᴴ = Bᴴ
  Tensor x = left ? b : mH(b);
  if (adjoint == left) {
    x = solve_triangular(mH(L), solve_triangular(mH(U), x, false), true, true, true);
    x = matmul(p, x);
  } else {
    x = solve_triangular(U, solve_triangular(L, matmul(mT(p), x), false, true, true), true);
  }
  return into_out("linalg_lu_solve", left ? x : mH(x), out);
}

constexpr const char* kLu = "A = P·L·U";
constexpr const char* kLuGradient =
    "∂L/∂A = P · L⁻ᵀ · (tril₋₁(Lᵀ · ∂L/∂L) + triu(∂L/∂U · Uᵀ)) · U⁻ᵀ";

const RegisterComplex lu_factor_ex_row(
    "lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor, Tensor, "
    "Tensor)",
    lu_factor_ex_op,
    {.meaning = "LU factors packed in one matrix, row interchanges, and where it failed.",
     .formula = kLu,
     .gradient = kLuGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgLuFactorExBackward0"});
const RegisterComplex lu_factor_row(
    "lu_factor(Tensor A, *, bool pivot=True) -> (Tensor, Tensor)", lu_factor_op,
    {.meaning = "LU factors packed in one matrix, and row interchanges.",
     .formula = kLu,
     .gradient = kLuGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgLuFactorExBackward0"});
const RegisterComplex lu_row("lu(Tensor A, *, bool pivot=True) -> (Tensor, Tensor, Tensor)", lu_op,
                             {.meaning = "The factors P, L and U of a matrix.",
                              .formula = kLu,
                              .gradient = kLuGradient,
                              .home = "linalg",
                              .method = false,
                              .node = "LinalgLuFactorExBackward0"});
const RegisterComplex lu_unpack_row(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) "
    "-> (Tensor, Tensor, Tensor)",
    lu_unpack_op,
    {.meaning = "P, L and U from what lu_factor gives.", .formula = kLu, .method = false});
const RegisterComplex lu_solve_row(
    "lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False, Tensor? "
    "out=None) -> Tensor",
    lu_solve_op,
    {.meaning = "The solution of A·X = B from the factors that lu_factor gives.",
     .formula = "X = U⁻¹ · L⁻¹ · Pᵀ · B",
     .gradient = "of the products and triangular solutions it is made of",
     .home = "linalg",
     .method = false});

}  // namespace
}  // namespace backlit::ops
