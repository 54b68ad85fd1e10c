// Eigenvalues of symmetric matrices, singular values, pseudo-inverse, least squares, exponential.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/arithmetic.h"
#include "ops/closeness.h"
#include "ops/complex.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Dims with_vector(const Tensor& a, i64 n) {
  Dims sizes(batch_of(a));
  sizes.push_back(n);
  return sizes;
}

bool is_finite(double x) { return std::isfinite(x); }
template <class T> bool is_finite(Complex<T> z) {
  return std::isfinite(z.re) && std::isfinite(z.im);
}
template <class T> bool all_finite(const T* x, i64 n) {
  return std::all_of(x, x + n, [](T v) { return is_finite(v); });
}

std::string not_converged(int) {
  return "The algorithm failed to converge because the input matrix is ill-conditioned or has too "
         "many repeated values.";
}
std::string not_finite(int) {
  return "The algorithm failed to converge because the input matrix contained non-finite values.";
}

// x[…, i, j] = a[…, j] − a[…, i], with 1 on the diagonal.
Tensor differences(const Tensor& a) {
  return add(sub(unsqueeze(a, -2), unsqueeze(a, -1)), identity(a.size(-1), a.dtype()));
}

// A diagonal matrix from the last dimension.
Tensor on_diagonal(const Tensor& x) {
  return mul(unsqueeze(x, -1), identity(x.size(-1), x.dtype()));
}

// Eigenvectors and singular vectors of complex matrices may be turned by any phase; a loss that
// notices has no gradient. `turn` is what it gains along the phases, but for `back`.
void check_phases(const char* message, const Tensor& turn, const Tensor& back) {
  BACKLIT_CHECK(allclose(turn, back, 1e-2, 1e-2), Runtime, message);
}
Tensor phases(const Tensor& x) { return imag(diagonal(x, 0, -2, -1)); }

// --- symmetric eigenproblem ---

Tensor eigh_gradient(const Tensor& values, const Tensor& V, const Tensor& g_values,
                     const Tensor& gV) {
  Tensor inner;
  if (gV.defined()) {
    const Tensor turn = matmul(mH(V), gV);  // only its skew part moves eigenvectors
    if (V.is_complex())
      check_phases(
          "linalg_eigh_backward: The eigenvectors in the complex case are specified up to "
          "multiplication by e^{i phi}. The specified loss function depends on this quantity, so "
          "it is ill-defined.",
          phases(turn), Tensor::zeros(values.sizes(), values.dtype()));
    inner = div(mul(sub(turn, mH(turn)), Scalar(0.5)), differences(values));
  }
  if (g_values.defined())
    inner = inner.defined() ? add(inner, on_diagonal(g_values)) : on_diagonal(g_values);
  return matmul(matmul(V, to_dtype(inner, V.dtype())), mH(V));
}

Named<2> eigh(const Tensor& a, const std::string& half, bool vectors, const char* name) {
  check_square(name, a);
  BACKLIT_CHECK(half.size() == 1 && std::string("LUlu").find(half) != std::string::npos, Runtime,
                "Expected UPLO argument to be 'L' or 'U', but got ", half);
  const bool upper = half == "U" || half == "u";
  const bool keep_vectors = vectors || should_record({a});
  const i64 n = a.size(-1);
  Tensor V = columns_of(a), values = Tensor::empty(with_vector(a, n), real_of(a.dtype()));
  const Tensor info = Tensor::zeros(batch_of(a), Dtype::Int32);
  if (a.numel()) {
    visit_numbers(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      using Part = typename Lapack<T>::Part;
      T* matrices = V.data<T>();
      Part* out = values.data<Part>();
      auto* codes = info.data<std::int32_t>();
      each_matrix(info.numel(), 9 * cube(n), [&](i64 i) {
        T* matrix = matrices + i * n * n;
        if (all_finite(matrix, n * n)) {
          codes[i] = Lapack<T>::eigh(keep_vectors, upper, i32_of(n), matrix, out + i * n);
          return;
        }
        std::fill(matrix, matrix + n * n, T(static_cast<Part>(NAN)));
        std::fill(out + i * n, out + (i + 1) * n, static_cast<Part>(NAN));
      });
    });
  }
  check_info(name, info, not_converged);
  const Tensor outputs[] = {values, V}, inputs[] = {a};
  record_factors("LinalgEighBackward0", outputs, inputs,
                 [](Vjp& v) { v.set(0, eigh_gradient(v.saved(0), v.saved(1), v.g(0), v.g(1))); });
  return {"linalg_eigh", "eigenvalues eigenvectors", {outputs[0], outputs[1]}};
}
Named<2> eigh_op(const Tensor& a, const std::string& half) {
  return eigh(a, half, true, "linalg.eigh");
}
Tensor eigvalsh_op(const Tensor& a, const std::string& half, const Tensor& out) {
  return into_out("linalg_eigvalsh", eigh(a, half, false, "linalg.eigvalsh").values[0], out);
}

constexpr const char* kEigh = "A = V·diag(λ)·Vᵀ";
constexpr const char* kEighGradient =
    "∂L/∂A = V · (diag(∂L/∂λ) + ½ (M − Mᵀ) / (λⱼ − λᵢ)) · Vᵀ with M = Vᵀ · ∂L/∂V";

const RegisterComplex eigh_row(
    "eigh(Tensor A, str UPLO='L') -> (Tensor, Tensor)", eigh_op,
    {.meaning = "Eigenvalues in rising order and eigenvectors of a symmetric "
                "matrix, of which one half is read.",
     .formula = kEigh,
     .gradient = kEighGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgEighBackward0"});
const RegisterComplex eigvalsh_row(
    "eigvalsh(Tensor A, str UPLO='L', *, Tensor? out=None) -> Tensor", eigvalsh_op,
    {.meaning = "Eigenvalues of a symmetric matrix in rising order.",
     .formula = kEigh,
     .gradient = "∂L/∂A = V · diag(∂L/∂λ) · Vᵀ",
     .home = "linalg",
     .method = false,
     .node = "LinalgEighBackward0"});

// --- singular values ---

struct Svd {
  Tensor u, s, vh, info;
};

Svd svd_of(const Tensor& a, bool all, bool vectors) {
  const i64 m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  const Dims batch = batch_of(a);
  const i64 columns = all ? m : k, rows = all ? n : k;
  Tensor copy = columns_of(a);
  Svd f{empty_columns(batch, m, vectors ? columns : 0, a.dtype()),
        Tensor::empty(with_vector(a, k), real_of(a.dtype())),
        empty_columns(batch, vectors ? rows : 0, n, a.dtype()), Tensor::zeros(batch, Dtype::Int32)};
  if (a.numel() == 0) {
    if (m) copy_in_place(f.u, identity(f.u.size(-1), a.dtype()));
    if (n && f.vh.size(-2)) copy_in_place(f.vh, identity(n, a.dtype()));
    return f;
  }
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *from = copy.data<T>(), *u = f.u.data<T>(), *vh = f.vh.data<T>();
    auto* s = f.s.data<typename Lapack<T>::Part>();
    auto* codes = f.info.data<std::int32_t>();
    each_matrix(f.info.numel(), 20 * cube(std::max(m, n)), [&](i64 i) {
      T* matrix = from + i * m * n;
      codes[i] = !all_finite(matrix, m * n)
                     ? -1
                     : Lapack<T>::svd(all, i32_of(m), i32_of(n), matrix, s + i * k,
                                      vectors ? u + i * m * columns : nullptr,
                                      vectors ? vh + i * rows * n : nullptr);
    });
  });
  return f;
}

void check_converged(const char* name, const Tensor& info) {
  bool finite = true;
  for (i64 i = 0; i < info.numel(); ++i) finite = finite && info.data<std::int32_t>()[i] >= 0;
  check_info(name, info, finite ? not_converged : not_finite);
}

// ∂L/∂A of A = U·diag(s)·Vᴴ with k columns in U and V; undefined cotangents are left out.
Tensor svd_gradient(const Tensor& U, const Tensor& s, const Tensor& Vh, const Tensor& gU,
                    const Tensor& gs, const Tensor& gVh) {
  if (!gU.defined() && !gVh.defined()) return matmul(mul(U, unsqueeze(gs, -2)), Vh);
  const Tensor row = unsqueeze(s, -2), column = unsqueeze(s, -1);
  const Tensor gaps = differences(mul(s, s));
  const auto skew = [&](const Tensor& x) { return div(sub(x, mH(x)), gaps); };
  Tensor inner = gs.defined() ? on_diagonal(gs) : Tensor();
  const auto include = [&](const Tensor& x) { inner = inner.defined() ? add(inner, x) : x; };
  const Tensor turn_u = gU.defined() ? matmul(mH(U), gU) : Tensor(),
               turn_v = gVh.defined() ? matmul(Vh, mH(gVh)) : Tensor();
  if (turn_u.defined()) include(mul(skew(turn_u), row));
  if (turn_v.defined()) include(mul(column, skew(turn_v)));
  if (U.is_complex()) {
    const Tensor none = Tensor::zeros(s.sizes(), s.dtype());
    const Tensor u = turn_u.defined() ? phases(turn_u) : none,
                 v = turn_v.defined() ? phases(turn_v) : none;
    check_phases(
        "svd_backward: The singular vectors in the complex case are specified up to multiplication "
        "by e^{i phi}. The specified loss function depends on this phase term, making it "
        "ill-defined.",
        u, neg(v));
    if (turn_u.defined() && turn_v.defined()) include(on_diagonal(complex(none, div(u, s))));
  }
  Tensor g = matmul(matmul(U, inner), Vh);
  const i64 m = U.size(-2), k = s.size(-1), n = Vh.size(-1);
  if (gU.defined() && m > k) {  // the part of gU outside of U's columns
    const Tensor rest = sub(gU, matmul(U, turn_u));
    g = add(g, matmul(div(rest, row), Vh));
  }
  if (gVh.defined() && n > k) {
    const Tensor rest = sub(gVh, matmul(matmul(gVh, mH(Vh)), Vh));
    g = add(g, matmul(U, div(rest, column)));
  }
  return g;
}

Tensor first_columns(const Tensor& x, i64 k) { return x.defined() ? narrow(x, -1, 0, k) : x; }
Tensor first_rows(const Tensor& x, i64 k) { return x.defined() ? narrow(x, -2, 0, k) : x; }

Named<3> svd(const Tensor& a, bool all, const char* name) {
  check_matrix("linalg.svd", a);
  const i64 k = std::min(a.size(-2), a.size(-1));
  const Svd f = svd_of(a, all, true);
  check_converged("linalg.svd", f.info);
  const Tensor outputs[] = {f.u, f.s, f.vh}, inputs[] = {a};
  record_factors("LinalgSvdBackward0", outputs, inputs, [k](Vjp& v) {
    v.set(0, svd_gradient(first_columns(v.saved(0), k), v.saved(1), first_rows(v.saved(2), k),
                          first_columns(v.g(0), k), v.g(1), first_rows(v.g(2), k)));
  });
  return {name, "U S Vh", {outputs[0], outputs[1], outputs[2]}};
}
Named<3> linalg_svd_op(const Tensor& a, bool full_matrices, std::optional<std::string> driver) {
  BACKLIT_CHECK(!driver, Runtime,
                "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
                "cuSOLVER backend.");
  return svd(a, full_matrices, "linalg_svd");
}
Named<3> svd_op(const Tensor& a, bool some, bool compute_uv) {
  Named<3> f = svd(a, !some, "svd");
  f.fields = "U S V";
  f.values[2] = mH(f.values[2]);
  if (!compute_uv) {
    f.values[0] = Tensor::zeros(with_matrix(batch_of(a), a.size(-2), a.size(-2)), a.dtype());
    f.values[2] = Tensor::zeros(with_matrix(batch_of(a), a.size(-1), a.size(-1)), a.dtype());
  }
  return f;
}
}  // namespace

Tensor svdvals(const Tensor& a) {
  check_matrix("linalg.svd", a);
  if (should_record({a})) return svd(a, false, "linalg_svd").values[1];
  const Svd f = svd_of(a, false, false);
  check_converged("linalg.svd", f.info);
  return f.s;
}

namespace {

Tensor svdvals_op(const Tensor& a, std::optional<std::string> driver, const Tensor& out) {
  BACKLIT_CHECK(!driver, Runtime,
                "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
                "cuSOLVER backend.");
  return into_out("linalg_svdvals", svdvals(a), out);
}

constexpr const char* kSvd = "A = U·diag(s)·Vᵀ";
constexpr const char* kSvdGradient =
    "∂L/∂A = U · (diag(∂L/∂s) + E∘skew(Uᵀ·∂L/∂U)·diag(s) + diag(s)·E∘skew(Vᵀ·∂L/∂V)) · Vᵀ with "
    "Eᵢⱼ = 1 / (sⱼ² − sᵢ²), and the parts of ∂L/∂U and ∂L/∂V outside of U and V, divided by s";

const RegisterComplex linalg_svd_row(
    "svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor, Tensor, Tensor)",
    linalg_svd_op,
    {.meaning = "Singular values in falling order, with their vectors.",
     .formula = kSvd,
     .gradient = kSvdGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgSvdBackward0"});
const RegisterComplex svd_row(
    "svd(Tensor input, bool some=True, bool compute_uv=True) -> (Tensor, Tensor, Tensor)", svd_op,
    {.meaning = "Singular values in falling order, with their vectors; V is not transposed.",
     .formula = kSvd,
     .gradient = kSvdGradient,
     .node = "LinalgSvdBackward0"});
const RegisterComplex svdvals_row(
    "svdvals(Tensor A, *, str? driver=None, Tensor? out=None) -> Tensor", svdvals_op,
    {.meaning = "Singular values in falling order.",
     .formula = kSvd,
     .gradient = "∂L/∂A = U · diag(∂L/∂s) · Vᵀ",
     .home = "linalg",
     .method = false,
     .node = "LinalgSvdBackward0"});

// --- pseudo-inverse ---

// By singular values and vectors; cutoff(singular values) gives the largest number that counts as
// zero, per matrix.
template <class F> Tensor pseudo_inverse_above(const Tensor& a, bool hermitian, F cutoff) {
  check_matrix("linalg.pinv", a);
  const Svd f = svd_of(hermitian ? mirrored(detach(a)) : detach(a), false, true);
  check_converged("linalg.svd", f.info);
  const i64 k = f.s.size(-1);
  Tensor inverse = Tensor::empty(f.s.sizes(), f.s.dtype());
  visit_floats(f.s.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (i64 i = 0; k && i < inverse.numel() / k; ++i) {
      const T* s = f.s.data<T>() + i * k;
      const double limit = cutoff(i, static_cast<double>(s[0]));
      for (i64 j = 0; j < k; ++j)
        inverse.data<T>()[i * k + j] = static_cast<double>(s[j]) > limit ? 1 / s[j] : T(0);
    }
  });
  return record(
      "LinalgPinvBackward0", matmul(mul(mH(f.vh), unsqueeze(inverse, -2)), mH(f.u)), {a}, {a},
      [](Vjp& v) {
        const Tensor A = v.saved(0), P = v.saved(1), g = v.g(), Ph = mH(P), gh = mH(g);
        const Tensor direct = neg(matmul(matmul(Ph, g), Ph));
        const Tensor ghP = matmul(gh, P), Pgh = matmul(P, gh);
        // (I − A·P)·gᴴ·P·Pᴴ and Pᴴ·P·gᴴ·(I − P·A)
        const Tensor left = matmul(sub(ghP, matmul(A, matmul(P, ghP))), Ph);
        const Tensor right = matmul(Ph, sub(Pgh, matmul(matmul(Pgh, P), A)));
        v.set(0, add(direct, add(left, right)));
      },
      true);
}
Tensor pseudo_inverse(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  hermitian ? check_square("linalg.pinv", a) : check_matrix("linalg.pinv", a);
  const auto per_matrix = [&](const Tensor& t) {
    return contiguous(expand(to_dtype(detach(t), Dtype::Float64), batch_of(a)));
  };
  const Tensor absolute = per_matrix(atol), relative = per_matrix(rtol);
  return pseudo_inverse_above(a, hermitian, [&](i64 i, double largest) {
    return std::max(absolute.data<double>()[i], relative.data<double>()[i] * largest);
  });
}
Tensor pinverse(const Tensor& a, double rcond) {
  return pseudo_inverse_above(a, false, [&](i64, double largest) { return rcond * largest; });
}
const RegisterComplex pinv_row(
    "_pinv(Tensor A, Tensor atol, Tensor rtol, bool hermitian=False) -> Tensor", pseudo_inverse,
    {.meaning = "The pseudo-inverse; singular values up to max(atol, rtol times "
                "the largest) count as 0.",
     .formula = "P = V·diag(1/s)·Uᵀ",
     .gradient = "∂L/∂A = −Pᵀ·G·Pᵀ + (I − A·P)·Gᵀ·P·Pᵀ + Pᵀ·P·Gᵀ·(I − P·A) "
                 "with G = ∂L/∂P",
     .home = "_C",
     .method = false,
     .node = "LinalgPinvBackward0"});

const RegisterComplex pinverse_row(
    "pinverse(Tensor input, float rcond=1e-15) -> Tensor", pinverse,
    {.meaning = "The pseudo-inverse; singular values up to rcond times the "
                "largest count as 0.",
     .formula = "P = V·diag(1/s)·Uᵀ",
     .gradient = "that of torch.linalg.pinv",
     .node = "LinalgPinvBackward0"});

// --- least squares ---

Named<2> least_squares(const Tensor& a, const Tensor& b, double rcond) {
  const i64 m = a.size(-2), n = a.size(-1), k = b.size(-1), rows = std::max(m, n);
  const Dims batch = batch_of(a);
  Tensor copy = columns_of(a), x = empty_columns(batch, rows, k, a.dtype());
  const Tensor rank = Tensor::zeros(batch, Dtype::Int64);
  copy_in_place(narrow(x, -2, 0, m), detach(b));
  const i64 count = rank.numel();
  if (a.numel() == 0 || k == 0) {
    x = Tensor::zeros(with_matrix(batch, n, k), a.dtype());
    return {"least_squares", "solution rank", {x, rank}};
  }
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *matrices = copy.data<T>(), *sides = x.data<T>();
    for (i64 i = 0; i < count; ++i)
      BACKLIT_CHECK(all_finite(matrices + i * m * n, m * n), Runtime,
                    "torch.linalg.lstsq: The input matrix contained non-finite values.");
    each_matrix(count, 4 * cube(rows), [&](i64 i) {
      std::int32_t found = 0;
      Lapack<T>::least_squares(i32_of(m), i32_of(n), i32_of(k), matrices + i * m * n,
                               sides + i * rows * k, static_cast<typename Lapack<T>::Part>(rcond),
                               &found);
      rank.data<i64>()[i] = found;
    });
  });
  return {"least_squares", "solution rank", {contiguous(narrow(x, -2, 0, n)), rank}};
}
const RegisterComplex least_squares_row(
    "_least_squares(Tensor A, Tensor B, float rcond) -> (Tensor, Tensor)", least_squares,
    {.meaning = "The least-squares solution of least norm and the rank; not recorded.",
     .formula = "min ‖A·X − B‖",
     .home = "_C",
     .method = false});

// --- exponential ---

// Padé approximant of degree 13 after scaling by 2⁻ˢ, then s squarings (Higham 2005).
constexpr double kPade[] = {64764752532480000.,
                            32382376266240000.,
                            7771770303897600.,
                            1187353796428800.,
                            129060195264000.,
                            10559470521600.,
                            670442572800.,
                            33522128640.,
                            1323241920.,
                            40840800.,
                            960960.,
                            16380.,
                            182.,
                            1.};
constexpr double kPadeRadius = 5.371920351148152;

double size_of_number(double x) { return std::abs(x); }
template <class T> double size_of_number(Complex<T> z) {
  return std::hypot(static_cast<double>(z.re), static_cast<double>(z.im));
}

Tensor exponential_of_one(const Tensor& a) {
  const i64 n = a.size(-1);
  const Dtype wide = a.is_complex() ? Dtype::Complex128 : Dtype::Float64;
  double norm = 0;  // largest sum of a column's absolute values
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (i64 column = 0; column < n; ++column) {
      double total = 0;
      for (i64 row = 0; row < n; ++row) total += size_of_number(a.data<T>()[row * n + column]);
      norm = total > norm || std::isnan(total) ? total : norm;
    }
  });
  if (!std::isfinite(norm)) return Tensor::full(a.sizes(), NAN, a.dtype());
  const int squarings =
      norm > kPadeRadius ? static_cast<int>(std::ceil(std::log2(norm / kPadeRadius))) : 0;
  const Tensor x = mul(to_dtype(a, wide), Scalar(std::ldexp(1.0, -squarings)));
  const Tensor one = identity(n, wide), x2 = matmul(x, x), x4 = matmul(x2, x2), x6 = matmul(x4, x2);
  const auto combine = [&](int c6, int c4, int c2) {
    return add(add(mul(x6, Scalar(kPade[c6])), mul(x4, Scalar(kPade[c4]))),
               mul(x2, Scalar(kPade[c2])));
  };
  const Tensor odd = matmul(
      x, add(add(matmul(x6, combine(13, 11, 9)), combine(7, 5, 3)), mul(one, Scalar(kPade[1]))));
  const Tensor even =
      add(add(matmul(x6, combine(12, 10, 8)), combine(6, 4, 2)), mul(one, Scalar(kPade[0])));
  Tensor y = solve(sub(even, odd), add(even, odd));
  for (int i = 0; i < squarings; ++i) y = matmul(y, y);
  return to_dtype(y, a.dtype());
}

Tensor matrix_exp(const Tensor& a) {
  check_square("linalg.matrix_exp", a);
  const i64 n = a.size(-1), count = n ? a.numel() / (n * n) : 0;
  const Tensor x = contiguous(detach(a)), y = Tensor::empty(a.sizes(), a.dtype());
  const Tensor flat_x = x.alias(contiguous_layout(Dims{count, n, n})),
               flat_y = y.alias(contiguous_layout(Dims{count, n, n}));
  for (i64 i = 0; i < count; ++i)
    copy_in_place(select(flat_y, 0, i), exponential_of_one(select(flat_x, 0, i)));
  return record("LinalgMatrixExpBackward0", y, {a}, {a}, [n](Vjp& v) {
    // the upper right block of exp([[Aᴴ, G], [0, Aᴴ]]) is the gradient
    const Tensor Ah = mH(v.saved(0));
    const Tensor zero = Tensor::zeros(Ah.sizes(), Ah.dtype());
    const Tensor top = cat({Ah, v.g()}, -1), bottom = cat({zero, Ah}, -1);
    v.set(0, narrow(narrow(matrix_exp(cat({top, bottom}, -2)), -2, 0, n), -1, n, n));
  });
}
const RegisterComplex linalg_matrix_exp_row("matrix_exp(Tensor A) -> Tensor", matrix_exp,
                                            {.meaning = "The exponential of a square matrix.",
                                             .formula = "Y = Σₖ Aᵏ / k!",
                                             .gradient = "∂L/∂A = the upper right block of "
                                                         "exp([[Aᵀ, ∂L/∂Y], [0, Aᵀ]])",
                                             .home = "linalg",
                                             .method = false,
                                             .node = "LinalgMatrixExpBackward0"});
const RegisterComplex matrix_exp_row("matrix_exp(Tensor input) -> Tensor", matrix_exp,
                                     {.meaning = "The exponential of a square matrix.",
                                      .formula = "Y = Σₖ Aᵏ / k!",
                                      .gradient = "∂L/∂A = the upper right block of "
                                                  "exp([[Aᵀ, ∂L/∂Y], [0, Aᵀ]])",
                                      .node = "LinalgMatrixExpBackward0"});

}  // namespace
}  // namespace backlit::ops
