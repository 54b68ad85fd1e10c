// Triangular equations, Cholesky and QR factors.
#include "ops/arithmetic.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// The solution for matrices of equal batch sizes, without recording.
Tensor solved_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  const i64 n = a.size(-1), rows = b.size(-2), columns = b.size(-1);
  const Tensor matrices = columns_of(a);
  Tensor x = columns_of(b);
  if (x.numel() == 0) return x;
  const i64 count = x.numel() / (rows * columns);
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = matrices.data<T>();
    T* to = x.data<T>();
    const double work = static_cast<double>(n) * static_cast<double>(rows * columns);
    each_matrix(count, work, [&](i64 i) {
      Lapack<T>::solve_triangular(left, upper, unit, i32_of(rows), i32_of(columns),
                                  from + i * n * n, i32_of(n), to + i * rows * columns);
    });
  });
  return x;
}

}  // namespace

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  const char* name = "linalg.solve_triangular";
  check_square(name, a);
  check_matrix(name, b, "B");
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, name,
                ": Expected A and B to have the same dtype, but found A of type ",
                info(a.dtype()).scalar_name, " and B of type ", info(b.dtype()).scalar_name,
                " instead");
  BACKLIT_CHECK(b.size(left ? -2 : -1) == a.size(-1), Runtime, name,
                ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B",
                " (", a.size(-2), "x", a.size(-1), " and ", b.size(-2), "x", b.size(-1), ")");
  const Dims batch = broadcast_sizes(batch_of(a), batch_of(b));
  const Tensor wide_a = expand(a, with_matrix(batch, a.size(-2), a.size(-1)));
  const Tensor wide_b = expand(b, with_matrix(batch, b.size(-2), b.size(-1)));
  return record(
      "LinalgSolveTriangularBackward0", solved_triangular(wide_a, wide_b, upper, left, unit),
      {wide_a, wide_b}, {wide_a},
      [upper, left, unit](Vjp& v) {
        const Tensor gb = solve_triangular(mH(v.saved(0)), v.g(), !upper, left, unit);
        if (v.needs(1)) v.set(1, gb);
        if (!v.needs(0)) return;
        const Tensor x = mH(v.saved(1));
        const Tensor ga = neg(left ? matmul(gb, x) : matmul(x, gb));
        v.set(0, upper ? triu(ga, unit ? 1 : 0) : tril(ga, unit ? -1 : 0));
      },
      true);
}

namespace {

Tensor solve_triangular_op(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit,
                           const Tensor& out) {
  return into_out("linalg_solve_triangular", solve_triangular(a, b, upper, left, unit), out);
}
const RegisterComplex solve_triangular_row(
    "solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool "
    "unitriangular=False, Tensor? out=None) -> Tensor",
    solve_triangular_op,
    {.meaning = "The solution of A·X = B for triangular A, of X·A = B with left=False.",
     .formula = "A·X = B",
     .gradient = "∂L/∂B = A⁻ᵀ · ∂L/∂X; ∂L/∂A = −∂L/∂B · Xᵀ, the triangle of it",
     .home = "linalg",
     .method = false});

// --- Cholesky ---

std::string not_positive(int info) {
  return concat(
      "The factorization could not be completed because the input is not positive-definite (the "
      "leading minor of order ",
      info, " is not positive-definite).");
}

Named<2> cholesky_ex(const Tensor& a, bool upper, bool check_errors, const char* name) {
  check_square(name, a);
  const i64 n = a.size(-1);
  Tensor l = columns_of(a), info = Tensor::zeros(batch_of(a), Dtype::Int32);
  if (a.numel()) {
    visit_numbers(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* data = l.data<T>();
      auto* codes = info.data<std::int32_t>();
      each_matrix(info.numel(), cube(n), [&](i64 i) {
        T* matrix = data + i * n * n;
        codes[i] = Lapack<T>::cholesky(upper, i32_of(n), matrix);
        for (i64 column = 0; column < n; ++column)  // the half that LAPACK left as it was
          upper ? std::fill(matrix + column * n + column + 1, matrix + (column + 1) * n, T(0))
                : std::fill(matrix + column * n, matrix + column * n + column, T(0));
      });
    });
  }
  if (check_errors) check_info(name, info, not_positive);
  l = record(
      "LinalgCholeskyExBackward0", std::move(l), {a}, {},
      [upper](Vjp& v) {
        const Tensor L = upper ? mH(v.saved(0)) : v.saved(0), g = upper ? mH(v.g()) : v.g();
        const Tensor Lh = mH(L), lower = tril(matmul(Lh, g));
        const Tensor middle = mul(add(lower, mH(tril(lower, -1))), Scalar(0.5));
        v.set(0, solve_triangular(Lh, solve_triangular(L, middle, false, false), true));
      },
      true);
  return {"linalg_cholesky_ex", "L info", {std::move(l), std::move(info)}};
}
Named<2> cholesky_ex_op(const Tensor& a, bool upper, bool check_errors) {
  return cholesky_ex(a, upper, check_errors, "torch.linalg.cholesky_ex");
}
Tensor linalg_cholesky_op(const Tensor& a, bool upper, const Tensor& out) {
  return into_out("linalg_cholesky", cholesky_ex(a, upper, true, "linalg.cholesky").values[0], out);
}
Tensor cholesky_op(const Tensor& a, bool upper, const Tensor& out) {
  return into_out("cholesky", cholesky_ex(a, upper, true, "cholesky").values[0], out);
}

// X = A⁻¹·B from the factor of A; the gradient reads it as A = L·Lᴴ, all of L. (PyTorch's too: the
// triangle that the value does not depend on gets numbers.)
Tensor cholesky_solve(const Tensor& b, const Tensor& l, bool upper) {
  Tensor x;
  {
    const GradMode off(false);
    const Tensor L = upper ? mH(l) : l;
    x = solve_triangular(mH(L), solve_triangular(L, b, false), true);
  }
  return record(
      "CholeskySolveBackward0", std::move(x), {b, l}, {l},
      [upper](Vjp& v) {
        const Tensor factor = v.saved(0), gb = cholesky_solve(v.g(), factor, upper);
        if (v.needs(0)) v.set(0, gb);
        if (!v.needs(1)) return;
        const Tensor half = matmul(gb, mH(v.saved(1))), both = neg(add(half, mH(half)));
        v.set(1, upper ? matmul(factor, both) : matmul(both, factor));
      },
      true);
}
Tensor cholesky_solve_op(const Tensor& b, const Tensor& l, bool upper, const Tensor& out) {
  check_matrix("cholesky_solve", b, "B");
  check_square("cholesky_solve", l);
  BACKLIT_CHECK(b.size(-2) == l.size(-1), Runtime,
                "Incompatible matrix sizes for cholesky_solve: ", "each A matrix is ", l.size(-1),
                " by ", l.size(-1), " but each b matrix is ", b.size(-2), " by ", b.size(-1));
  const Dims batch = broadcast_sizes(batch_of(b), batch_of(l));
  const Tensor wide_b = expand(b, with_matrix(batch, b.size(-2), b.size(-1))),
               wide_l = expand(l, with_matrix(batch, l.size(-2), l.size(-1)));
  return into_out("cholesky_solve", cholesky_solve(wide_b, wide_l, upper), out);
}

Tensor cholesky_inverse(const Tensor& l, bool upper) {
  check_square("cholesky_inverse", l);
  Tensor y;
  {
    const GradMode off(false);
    const Tensor one = expand(identity(l.size(-1), l.dtype()), l.sizes());
    y = cholesky_solve(one, l, upper);
  }
  return record(
      "CholeskyInverseBackward0", std::move(y), {l}, {l},
      [upper](Vjp& v) {
        const Tensor factor = v.saved(0), y = v.saved(1), g = add(v.g(), mH(v.g()));
        const Tensor both = neg(matmul(y, matmul(g, y)));
        v.set(0, upper ? matmul(factor, both) : matmul(both, factor));
      },
      true);
}
Tensor cholesky_inverse_op(const Tensor& l, bool upper, const Tensor& out) {
  return into_out("cholesky_inverse", cholesky_inverse(l, upper), out);
}

constexpr const char* kCholesky = "A = L·Lᵀ";
constexpr const char* kCholeskyGradient =
    "∂L/∂A = ½ L⁻ᵀ · (T + Tᵀ) · L⁻¹ with T = tril(Lᵀ · ∂L/∂L), its diagonal halved";

const RegisterComplex cholesky_ex_row(
    "cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (Tensor, Tensor)",
    cholesky_ex_op,
    {.meaning = "The Cholesky factor of a positive-definite matrix, and where it failed.",
     .formula = kCholesky,
     .gradient = kCholeskyGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgCholeskyExBackward0"});
const RegisterComplex linalg_cholesky_row(
    "cholesky(Tensor A, *, bool upper=False, Tensor? out=None) -> Tensor", linalg_cholesky_op,
    {.meaning = "The Cholesky factor of a positive-definite matrix.",
     .formula = kCholesky,
     .gradient = kCholeskyGradient,
     .home = "linalg",
     .method = false,
     .node = "LinalgCholeskyExBackward0"});
const RegisterComplex cholesky_row(
    "cholesky(Tensor input, bool upper=False, *, Tensor? out=None) -> Tensor", cholesky_op,
    {.meaning = "The Cholesky factor of a positive-definite matrix.",
     .formula = kCholesky,
     .gradient = kCholeskyGradient,
     .node = "LinalgCholeskyExBackward0"});
const RegisterComplex cholesky_solve_row(
    "cholesky_solve(Tensor input, Tensor L, bool upper=False, *, Tensor? out=None) -> Tensor",
    cholesky_solve_op,
    {.meaning = "The solution of A·X = B from the Cholesky factor of A.",
     .formula = "X = L⁻ᵀ · L⁻¹ · B",
     .gradient = "∂L/∂B = A⁻¹ · ∂L/∂X; ∂L/∂L = −(∂L/∂B · Xᵀ + X · (∂L/∂B)ᵀ) · L"});
const RegisterComplex cholesky_inverse_row(
    "cholesky_inverse(Tensor input, bool upper=False, *, Tensor? out=None) -> Tensor",
    cholesky_inverse_op,
    {.meaning = "The inverse of a matrix from its Cholesky factor.",
     .formula = "Y = L⁻ᵀ · L⁻¹",
     .gradient = "∂L/∂L = −Y · (∂L/∂Y + (∂L/∂Y)ᵀ) · Y · L"});

// --- QR ---

enum class QrMode { Reduced, Complete, R };

QrMode mode_of(const std::string& mode) {
  if (mode == "reduced") return QrMode::Reduced;
  if (mode == "complete") return QrMode::Complete;
  BACKLIT_CHECK(mode == "r", Runtime, "qr received unrecognized mode '", mode,
                "' but expected one of 'reduced' (default), 'r', or 'complete'");
  return QrMode::R;
}

struct QrFactors {
  Tensor q, r;
};

QrFactors qr_of(const Tensor& a, QrMode mode) {
  const i64 m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  const i64 wide = mode == QrMode::Complete ? m : k;  // columns of Q, rows of R
  const Dims batch = batch_of(a);
  const i64 count = product(batch);
  Tensor packed = columns_of(a),
         q = empty_columns(batch, m, mode == QrMode::R ? 0 : wide, a.dtype());
  const Tensor r = Tensor::zeros(with_matrix(batch, wide, n), a.dtype());
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *from = packed.data<T>(), *to_q = q.data<T>(), *to_r = r.data<T>();
    each_matrix(count, cube(std::max<i64>(k, 1)), [&](i64 i) {
      std::vector<T> tau(static_cast<std::size_t>(std::max<i64>(k, 1)));
      T* matrix = from + i * m * n;
      if (k) Lapack<T>::qr(i32_of(m), i32_of(n), matrix, tau.data());
      for (i64 row = 0; row < k; ++row)
        for (i64 column = row; column < n; ++column)
          to_r[(i * wide + row) * n + column] = matrix[column * m + row];
      if (mode == QrMode::R || m * wide == 0) return;
      T* out = to_q + i * m * wide;
      std::copy(matrix, matrix + m * std::min(n, wide), out);
      std::fill(out + m * std::min(n, wide), out + m * wide, T(0));
      Lapack<T>::form_q(i32_of(m), i32_of(wide), i32_of(k), out, tau.data());
    });
  });
  return {std::move(q), r};
}

// ∂L/∂A for m ≥ n and square R: (gQ + Q · mirrored(M)) · R⁻ᴴ with M = R · gRᴴ − gQᴴ · Q.
Tensor qr_gradient(const Tensor& Q, const Tensor& R, const Tensor& gQ, const Tensor& gR) {
  Tensor M;
  if (gR.defined()) M = matmul(R, mH(gR));
  if (gQ.defined()) {
    const Tensor part = matmul(mH(gQ), Q);
    M = M.defined() ? sub(M, part) : neg(part);
  }
  Tensor middle = matmul(Q, mirrored(M));
  if (gQ.defined()) middle = add(middle, gQ);
  return solve_triangular(mH(R), middle, false, false);
}

Named<2> qr(const Tensor& a, const std::string& mode_name, const char* name) {
  check_matrix("linalg.qr", a);
  const QrMode mode = mode_of(mode_name);
  QrFactors f = qr_of(a, mode);
  if (mode == QrMode::R) f.q = Tensor::empty(Dims{0}, a.dtype());
  const i64 m = a.size(-2), n = a.size(-1);
  const Tensor outputs[] = {f.q, f.r}, inputs[] = {a};
  record_factors("LinalgQrBackward0", outputs, inputs, [m, n, mode](Vjp& v) {
    BACKLIT_CHECK(mode != QrMode::R, Runtime,
                  "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                  "Please use linalg.qr(A, mode='reduced') if you are going to differentiate "
                  "through linalg.qr.");
    BACKLIT_CHECK(mode != QrMode::Complete || m <= n, Runtime,
                  "The QR decomposition is not differentiable when mode='complete' and nrows > "
                  "ncols.");
    const Tensor Q = v.saved(0), R = v.saved(1);
    Tensor gQ = v.g(0), gR = v.g(1);
    if (m >= n) return v.set(0, qr_gradient(Q, R, gQ, gR));
    // A = [X, Y]: X = Q·R₁ is square, and Y = Q·R₂
    const Tensor R1 = narrow(R, -1, 0, m), R2 = narrow(R, -1, m, n - m);
    if (!gR.defined()) gR = Tensor::zeros(R.sizes(), R.dtype());
    const Tensor gR2 = narrow(gR, -1, m, n - m);
    const Tensor through = matmul(matmul(Q, R2), mH(gR2));  // Y · gR₂ᴴ
    gQ = gQ.defined() ? add(gQ, through) : through;
    const Tensor gX = qr_gradient(Q, R1, gQ, narrow(gR, -1, 0, m));
    v.set(0, cat({gX, matmul(Q, gR2)}, -1));
  });
  return {name, "Q R", {outputs[0], outputs[1]}};
}
Named<2> linalg_qr_op(const Tensor& a, const std::string& mode) { return qr(a, mode, "linalg_qr"); }
Named<2> qr_op(const Tensor& a, bool some) { return qr(a, some ? "reduced" : "complete", "qr"); }

constexpr const char* kQr = "A = Q·R";
constexpr const char* kQrGradient =
    "∂L/∂A = (∂L/∂Q + Q · copyltu(R · (∂L/∂R)ᵀ − (∂L/∂Q)ᵀ · Q)) · R⁻ᵀ";

const RegisterComplex linalg_qr_row("qr(Tensor A, str mode='reduced') -> (Tensor, Tensor)",
                                    linalg_qr_op,
                                    {.meaning = "An orthogonal and an upper triangular factor.",
                                     .formula = kQr,
                                     .gradient = kQrGradient,
                                     .home = "linalg",
                                     .method = false,
                                     .node = "LinalgQrBackward0"});
const RegisterComplex qr_row("qr(Tensor input, bool some=True) -> (Tensor, Tensor)", qr_op,
                             {.meaning = "An orthogonal and an upper triangular factor.",
                              .formula = kQr,
                              .gradient = kQrGradient,
                              .node = "LinalgQrBackward0"});

}  // namespace
}  // namespace backlit::ops
