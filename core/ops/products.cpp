// Matrix products. Everything ends in `multiply_into` or `multiply_batches_into`, which look at
// strides: a transposed operand is read as it lies, any other order of elements is copied first.
#include "ops/products.h"

#include <algorithm>

#include "kernels/complex_gemm.h"
#include "kernels/gemm.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

constexpr double kLongProduct = 1 << 18;  // multiplications above which the GIL is released

// A matrix (or each matrix of a batch) as the kernels take it.
struct Memory {
  Tensor keep;
  std::int64_t ld;
  bool transposed;
};

// The last two dimensions of x, op applied.
Memory memory_of(const Tensor& x, bool transpose) {
  const int r = x.dim() - 2, c = x.dim() - 1;
  const Layout& l = x.layout();
  const auto fits = [&](int row, int column) {
    return (l.stride(column) == 1 || l.size(column) == 1) &&
           (l.size(row) == 1 || l.stride(row) >= std::max<std::int64_t>(l.size(column), 1));
  };
  const auto ld = [&](int row, int column) {
    return l.size(row) == 1 ? std::max<std::int64_t>(l.size(column), 1) : l.stride(row);
  };
  if (fits(r, c)) return {x, ld(r, c), transpose};
  if (fits(c, r)) return {x, ld(c, r), !transpose};
  return {clone_contiguous(detach(x)), std::max<std::int64_t>(l.size(c), 1), transpose};
}

std::int64_t rows(const Tensor& x, bool transpose) {
  return x.layout().size(x.dim() - (transpose ? 1 : 2));
}
std::int64_t columns(const Tensor& x, bool transpose) {
  return x.layout().size(x.dim() - (transpose ? 2 : 1));
}

template <class T> T as(const Scalar& s) {
  T v;
  s.write(&v, dtype_of<T>);
  return v;
}

// Calls f with a value of the dtype; bool has no products.
template <class F> void visit_numbers(Dtype d, F&& f) {
  visit(d, [&](auto zero) {
    if constexpr (!std::is_same_v<decltype(zero), bool>) f(zero);
  });
}

}  // namespace

void check_same_dtype(const Tensor& a, const Tensor& b) {
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime,
                "expected m1 and m2 to have the same dtype, but got: ", info(a.dtype()).c_name,
                " != ", info(b.dtype()).c_name, ". Convert one with .to(dtype).");
}

void check_not_bool(const char* kernel, Dtype d) {
  BACKLIT_CHECK(d != Dtype::Bool, NotImplemented, "\"", kernel, "\" not implemented for 'Bool'");
}

void check_matrices(const Tensor& a, const Tensor& b, const char* name_a, const char* name_b) {
  BACKLIT_CHECK(a.dim() == 2, Runtime, name_a, " must be a matrix. Got shape ",
                to_string(a.sizes()), ".");
  BACKLIT_CHECK(b.dim() == 2, Runtime, name_b, " must be a matrix. Got shape ",
                to_string(b.sizes()), ".");
  check_same_dtype(a, b);
  BACKLIT_CHECK(a.layout().size(1) == b.layout().size(0), Runtime,
                "mat1 and mat2 shapes cannot be multiplied (", a.layout().size(0), "x",
                a.layout().size(1), " and ", b.layout().size(0), "x", b.layout().size(1), ")");
}

Tensor new_result(Span sizes, Dtype dtype) {
  Tensor y = Tensor::empty(sizes, dtype);
  y->inference = modes.inference;
  return y;
}

namespace {

// Products of one matrix or of a batch, of complex numbers.
void multiply_complex_into(const Tensor& y, const Tensor& a, bool ta, const Tensor& b, bool tb,
                           const Scalar& beta, const Scalar& alpha) {
  const Memory ma = memory_of(a, ta), mb = memory_of(b, tb);
  const bool batched = a.dim() == 3;
  const auto step = [&](const Tensor& t) { return batched ? t.layout().stride(0) : 0; };
  const std::int64_t m = rows(a, ta), k = columns(a, ta), n = columns(b, tb);
  visit_complex(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(static_cast<double>(m) * static_cast<double>(n * k) > kLongProduct);
    complex_gemm<typename T::Part>(batched ? a.layout().size(0) : 1, ma.transposed, mb.transposed,
                                   m, n, k, as<T>(alpha), ma.keep.data<T>(), ma.ld, step(ma.keep),
                                   mb.keep.data<T>(), mb.ld, step(mb.keep), as<T>(beta),
                                   y.data<T>(), std::max<std::int64_t>(n, 1), m * n);
  });
}

}  // namespace

void multiply_into(const Tensor& y, const Tensor& a, bool ta, const Tensor& b, bool tb,
                   const Scalar& beta, const Scalar& alpha) {
  if (y.is_complex()) return multiply_complex_into(y, a, ta, b, tb, beta, alpha);
  const Memory ma = memory_of(a, ta), mb = memory_of(b, tb);
  const std::int64_t m = rows(a, ta), k = columns(a, ta), n = columns(b, tb);
  visit_numbers(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    GilRelease release(static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) >
                       kLongProduct);
    gemm<T>(ma.transposed, mb.transposed, m, n, k, as<T>(alpha), ma.keep.data<T>(), ma.ld,
            mb.keep.data<T>(), mb.ld, as<T>(beta), y.data<T>(), std::max<std::int64_t>(n, 1));
  });
}

void multiply_batches_into(const Tensor& y, const Tensor& a, bool ta, const Tensor& b, bool tb,
                           const Scalar& beta, const Scalar& alpha) {
  if (y.is_complex()) return multiply_complex_into(y, a, ta, b, tb, beta, alpha);
  const Memory ma = memory_of(a, ta), mb = memory_of(b, tb);
  const std::int64_t batch = a.layout().size(0), m = rows(a, ta), k = columns(a, ta),
                     n = columns(b, tb);
  // one b for all: the rows of every a are those of one matrix
  const bool one_product =
      mb.keep.layout().stride(0) == 0 && !ma.transposed && ma.keep.layout().stride(0) == m * ma.ld;
  visit_numbers(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    GilRelease release(static_cast<double>(batch * m) * static_cast<double>(n * k) > kLongProduct);
    if (one_product)
      return gemm<T>(false, mb.transposed, batch * m, n, k, as<T>(alpha), ma.keep.data<T>(), ma.ld,
                     mb.keep.data<T>(), mb.ld, as<T>(beta), y.data<T>(),
                     std::max<std::int64_t>(n, 1));
    gemm_batched<T>(batch, ma.transposed, mb.transposed, m, n, k, as<T>(alpha), ma.keep.data<T>(),
                    ma.ld, ma.keep.layout().stride(0), mb.keep.data<T>(), mb.ld,
                    mb.keep.layout().stride(0), as<T>(beta), y.data<T>(),
                    std::max<std::int64_t>(n, 1), m * n);
  });
}

void multiply_vector_into(const Tensor& y, const Tensor& a, bool ta, const Tensor& x,
                          const Scalar& beta, const Scalar& alpha) {
  if (y.is_complex())
    return multiply_complex_into(y.alias(contiguous_layout(Dims{y.numel(), 1})), a, ta,
                                 view(contiguous(detach(x)), Dims{x.numel(), 1}), false, beta,
                                 alpha);
  const Memory ma = memory_of(a, ta);
  // the kernel takes the memory's own shape
  const std::int64_t m = ma.transposed == ta ? a.layout().size(0) : a.layout().size(1);
  const std::int64_t n = ma.transposed == ta ? a.layout().size(1) : a.layout().size(0);
  visit_numbers(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    GilRelease release(static_cast<double>(m) * static_cast<double>(n) > kLongProduct);
    gemv<T>(ma.transposed, m, n, as<T>(alpha), ma.keep.data<T>(), ma.ld, x.data<T>(),
            x.layout().stride(0), as<T>(beta), y.data<T>(), y.layout().stride(0));
  });
}

// --- recorded ---

Tensor matrix_product(const Tensor& a, bool ta, const Tensor& b, bool tb) {
  if (a.dim() == 2 && b.dim() == 2) return mm(a, ta, b, tb);
  if (b.dim() == 2 && !ta) {  // the rows of all matrices are those of one
    const std::int64_t n = a.layout().size(0), rows = a.layout().size(1);
    const Tensor flat = reshape(a, Dims{n * rows, a.layout().size(2)});
    return reshape(mm(flat, false, b, tb), Dims{n, rows, columns(b, tb)});
  }
  const auto each = [n = (a.dim() == 3 ? a : b).layout().size(0)](const Tensor& t) {
    return t.dim() == 3 ? t : expand(t, Dims{n, t.layout().size(0), t.layout().size(1)});
  };
  return bmm(each(a), ta, each(b), tb);
}

Tensor mm(const Tensor& a, bool ta, const Tensor& b, bool tb) {
  check_not_bool("addmm_impl_cpu_", a.dtype());
  Tensor y = new_result(Dims{rows(a, ta), columns(b, tb)}, a.dtype());
  multiply_into(y, a, ta, b, tb, 0, 1);
  if (!modes.grad || !(a.requires_grad() || b.requires_grad())) return y;
  return record(
      "MmBackward0", std::move(y), {a, b}, {read_by(b, a), read_by(a, b)},
      ForBatches{[ta, tb](Vjp& v) {
        if (v.needs(0)) {
          const Tensor b = conj(v.saved(1));
          v.set(0, ta ? matrix_product(b, tb, v.g(), true) : matrix_product(v.g(), false, b, !tb));
        }
        if (v.needs(1)) {
          const Tensor a = conj(v.saved(0));
          v.set(1, tb ? matrix_product(v.g(), true, a, ta) : matrix_product(a, !ta, v.g(), false));
        }
      }});
}

Tensor mm(const Tensor& a, const Tensor& b) {
  check_matrices(a, b, "self", "mat2");
  return mm(a, false, b, false);
}

Tensor bmm(const Tensor& a, bool ta, const Tensor& b, bool tb) {
  check_not_bool("bmm", a.dtype());
  Tensor y = new_result(Dims{a.layout().size(0), rows(a, ta), columns(b, tb)}, a.dtype());
  multiply_batches_into(y, a, ta, b, tb, 0, 1);
  return record("BmmBackward0", std::move(y), {a, b}, {read_by(b, a), read_by(a, b)},
                [ta, tb](Vjp& v) {
                  if (v.needs(0)) {
                    const Tensor b = conj(v.saved(1));
                    v.set(0, ta ? bmm(b, tb, v.g(), true) : bmm(v.g(), false, b, !tb));
                  }
                  if (v.needs(1)) {
                    const Tensor a = conj(v.saved(0));
                    v.set(1, tb ? bmm(v.g(), true, a, ta) : bmm(a, !ta, v.g(), false));
                  }
                });
}

void check_batches(const Tensor& a, const Tensor& b) {
  BACKLIT_CHECK(a.dim() == 3, Runtime, "batch1 must be a 3D tensor. Got shape ",
                to_string(a.sizes()), ".");
  BACKLIT_CHECK(b.dim() == 3, Runtime, "batch2 must be a 3D tensor. Got shape ",
                to_string(b.sizes()), ".");
  BACKLIT_CHECK(
      a.layout().size(0) == b.layout().size(0) && a.layout().size(2) == b.layout().size(1), Runtime,
      "Expected size for first two dimensions of batch2 tensor to be: [", a.layout().size(0), ", ",
      a.layout().size(2), "] but got: [", b.layout().size(0), ", ", b.layout().size(1), "].");
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, "expected scalar type ",
                info(a.dtype()).scalar_name, " but found ", info(b.dtype()).scalar_name);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_batches(a, b);
  return bmm(a, false, b, false);
}

Tensor outer(const Tensor& x, const Tensor& y) {
  BACKLIT_CHECK(x.dim() == 1, Runtime, "outer: Expected 1-D argument self, but got ", x.dim(),
                "-D");
  BACKLIT_CHECK(y.dim() == 1, Runtime, "outer: Expected 1-D argument vec2, but got ", y.dim(),
                "-D");
  return mul(view(contiguous(x), Dims{x.numel(), 1}), y);
}

void check_matrix_vector(const Tensor& a, const Tensor& x, int ndim, std::int64_t length,
                         Dtype dtype) {
  BACKLIT_CHECK(a.dim() == 2 && x.dim() == 1 && ndim <= 1, Runtime,
                "vector + matrix @ vector expected, got ", ndim, ", ", a.dim(), ", ", x.dim());
  const std::int64_t m = a.layout().size(0), n = a.layout().size(1);
  BACKLIT_CHECK(n == x.layout().size(0) && (length == m || length == 1), Runtime,
                "size mismatch, got input (", length, "), mat (", m, "x", n, "), vec (",
                x.layout().size(0), ")");
  BACKLIT_CHECK(a.dtype() == x.dtype() && a.dtype() == dtype, Runtime,
                "addmv input tensors must have the same dtype, but got ", info(dtype).scalar_name,
                ", ", info(a.dtype()).scalar_name, ", and ", info(x.dtype()).scalar_name);
  check_not_bool("addmv_impl_cpu", a.dtype());
}

Tensor mv(const Tensor& a, const Tensor& x) {
  check_matrix_vector(a, x, 1, a.dim() ? a.layout().size(0) : 0, x.dtype());
  Tensor y = new_result(Dims{a.layout().size(0)}, a.dtype());
  multiply_vector_into(y, a, false, x, 0, 1);
  return record(
      "MvBackward0", std::move(y), {a, x}, {read_by(x, a), read_by(a, x)}, ForBatches{[](Vjp& v) {
        const Tensor& g = v.g();
        if (v.needs(0))
          v.set(0, v.lead() ? mul(unsqueeze(g, -1), conj(v.saved(1))) : outer(g, conj(v.saved(1))));
        if (!v.needs(1)) return;
        const Tensor a = conj(v.saved(0));
        v.set(1, v.lead() ? mm(g, a) : mv(transpose(a, 0, 1), g));
      }});
}

namespace {

// Of complex vectors; vdot conjugates the first one.
template <bool kConjugate> Tensor complex_dot(const char* node, const Tensor& x, const Tensor& y) {
  Tensor result = new_result({}, x.dtype());
  multiply_into(result.alias(contiguous_layout(Dims{1, 1})),
                view(contiguous(detach(kConjugate ? conj(x) : x)), Dims{1, x.numel()}), false,
                view(contiguous(detach(y)), Dims{y.numel(), 1}), false, 0, 1);
  return record(node, std::move(result), {x, y}, {read_by(y, x), read_by(x, y)}, [](Vjp& v) {
    if (v.needs(0))
      v.set(0, mul(kConjugate ? conj(v.g()) : v.g(), kConjugate ? v.saved(1) : conj(v.saved(1))));
    if (v.needs(1)) v.set(1, mul(v.g(), kConjugate ? v.saved(0) : conj(v.saved(0))));
  });
}

void check_dot(const Tensor& x, const Tensor& y) {
  BACKLIT_CHECK(x.dim() == 1 && y.dim() == 1, Runtime, "1D tensors expected, but got ", x.dim(),
                "D and ", y.dim(), "D tensors");
  BACKLIT_CHECK(x.dtype() == y.dtype(), Runtime,
                "dot : expected both vectors to have same dtype, but found ",
                info(x.dtype()).scalar_name, " and ", info(y.dtype()).scalar_name);
  BACKLIT_CHECK(x.numel() == y.numel(), Runtime, "inconsistent tensor size, expected tensor ",
                to_string(x.sizes()), " and src ", to_string(y.sizes()),
                " to have the same number of elements, but got ", x.numel(), " and ", y.numel(),
                " elements respectively");
  check_not_bool("dot", x.dtype());
}

template <bool kConjugate> Tensor dot_recorded(const char* node, const Tensor& x, const Tensor& y) {
  check_dot(x, y);
  if (x.is_complex()) return complex_dot<kConjugate>(node, x, y);
  Tensor result = new_result({}, x.dtype());
  visit_numbers(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    GilRelease release(x.numel() >= kGilReleaseElements);
    *result.data<T>() = backlit::dot<T>(x.numel(), x.data<T>(), x.layout().stride(0), y.data<T>(),
                                        y.layout().stride(0));
  });
  return record(node, std::move(result), {x, y}, {read_by(y, x), read_by(x, y)},
                ForBatches{[](Vjp& v) {
                  const Tensor g = v.lead() ? unsqueeze(v.g(), -1) : v.g();
                  if (v.needs(0)) v.set(0, mul(g, v.saved(1)));
                  if (v.needs(1)) v.set(1, mul(g, v.saved(0)));
                }});
}

Tensor vdot(const Tensor& x, const Tensor& y) { return dot_recorded<true>("VdotBackward0", x, y); }

}  // namespace

Tensor dot(const Tensor& x, const Tensor& y) { return dot_recorded<false>("DotBackward0", x, y); }

namespace {

// Batch dimensions of a and b broadcast, both flattened to three dimensions. `row`: a stands for a
// vector, the result has no rows.
Tensor batched_matmul(const Tensor& a, const Tensor& b, const char* name, bool row) {
  const auto batch_of = [](const Tensor& t) {
    return t.sizes().first(static_cast<std::size_t>(t.dim() - 2));
  };
  const Dims batch = broadcast_sizes(batch_of(a), batch_of(b));
  const std::int64_t m = rows(a, false), k = columns(a, false), n = columns(b, false);
  BACKLIT_CHECK(k == rows(b, false), Runtime,
                "Expected size for first two dimensions of batch2 tensor to be: [", product(batch),
                ", ", k, "] but got: [", product(batch), ", ", rows(b, false), "].");
  const auto three = [&](const Tensor& t, std::int64_t r, std::int64_t c) {
    Dims full(batch);
    full.push_back(r);
    full.push_back(c);
    return reshape(expand(t, full), Dims{product(batch), r, c});
  };
  Dims out(batch);
  if (!row) out.push_back(m);
  out.push_back(n);
  const Tensor x = three(a, m, k), y = three(b, rows(b, false), n);
  return unsafe_view(name, bmm(x, y), out);
}

}  // namespace

Tensor unsafe_view(const char* name, const Tensor& y, Span sizes) {
  Tensor out = y.alias(contiguous_layout(sizes));
  return record(name, std::move(out), {y}, {}, ForBatches{[from = y.layout_ref()](Vjp& v) {
                  v.set(0, reshape(v.g(), v.sizes(from->sizes())));
                }});
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const int p = a.dim(), q = b.dim();
  BACKLIT_CHECK(p > 0 && q > 0, Runtime,
                "both arguments to matmul need to be at least 1D, but they are ", p, "D and ", q,
                "D");
  if (p == 2 && q == 2) return mm(a, b);
  if (p == 1 && q == 1) return dot(a, b);
  if (p == 2 && q == 1) return mv(a, b);
  if (p == 1 && q == 2)
    return unsafe_view("SqueezeBackward4", mm(unsqueeze(a, 0), b), Dims{b.layout().size(1)});
  if (q <= 2) {  // many rows against one matrix: one product
    Dims out(a.sizes());
    const std::int64_t k = out[out.n - 1];
    out.erase(out.n - 1);
    const Tensor flat = reshape(a, Dims{product(out), k});
    if (q == 1) return unsafe_view("UnsafeViewBackward0", mv(flat, b), out);
    out.push_back(b.layout().size(1));
    return unsafe_view("UnsafeViewBackward0", mm(flat, b), out);
  }
  if (p == 1) return batched_matmul(unsqueeze(a, 0), b, "UnsafeViewBackward0", true);
  return batched_matmul(a, b, p == 2 ? "CloneBackward0" : "UnsafeViewBackward0",
                        false);  // PyTorch's names
}

namespace {

// A product with out=.
using Product = Tensor (*)(const Tensor&, const Tensor&);
template <Product F> Tensor with_out(const Tensor& a, const Tensor& b, const Tensor& out) {
  Tensor y = F(a, b);
  return out.defined() ? into_out("product", std::move(y), out) : y;
}

const RegisterComplex mm_row("mm(Tensor input, Tensor mat2, *, Tensor? out=None) -> Tensor",
                             with_out<mm>,
                             {.meaning = "Product of two matrices, (m, k) @ (k, n) -> (m, n).",
                              .formula = "C = A·B",
                              .gradient = "∂L/∂A = ∂L/∂C · Bᵀ, ∂L/∂B = Aᵀ · ∂L/∂C"});
const RegisterComplex bmm_row(
    "bmm(Tensor input, Tensor mat2, *, Tensor? out=None) -> Tensor", with_out<bmm>,
    {.meaning = "Products of the matrices of two batches, (b, m, k) @ (b, k, n) -> (b, m, n).",
     .formula = "Cᵢ = Aᵢ·Bᵢ",
     .gradient = "∂L/∂Aᵢ = ∂L/∂Cᵢ · Bᵢᵀ, ∂L/∂Bᵢ = Aᵢᵀ · ∂L/∂Cᵢ"});
const RegisterComplex mv_row("mv(Tensor input, Tensor vec, *, Tensor? out=None) -> Tensor",
                             with_out<mv>,
                             {.meaning = "Product of a matrix and a vector, (m, n) @ (n,) -> (m,).",
                              .formula = "y = A·x",
                              .gradient = "∂L/∂A = ∂L/∂y · xᵀ, ∂L/∂x = Aᵀ · ∂L/∂y"});
const RegisterComplex dot_row(
    "dot(Tensor input, Tensor tensor, *, Tensor? out=None) -> Tensor", with_out<dot>,
    {.meaning = "Sum of the products of the elements of two vectors.",
     .formula = "z = Σᵢ xᵢ yᵢ",
     .gradient = "∂L/∂x = ∂L/∂z · y, ∂L/∂y = ∂L/∂z · x",
     .example = "torch.dot(torch.tensor([2., 3.]), torch.tensor([4., 5.])) -> tensor(23.)"});
const RegisterComplex vdot_row("vdot(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor",
                               with_out<vdot>,
                               {.meaning = "As dot, with the conjugates of the first vector.",
                                .formula = "z = Σᵢ x̄ᵢ yᵢ",
                                .gradient = "∂L/∂x = ∂L/∂z · y, ∂L/∂y = ∂L/∂z · x"});
const RegisterComplex outer_row(
    "outer(Tensor input, Tensor vec2, *, Tensor? out=None) -> Tensor", with_out<outer>,
    {.meaning = "All products of an element of one vector and one of another.",
     .formula = "Z = x·yᵀ",
     .gradient = "∂L/∂x = ∂L/∂Z · y, ∂L/∂y = ∂L/∂Zᵀ · x",
     .aliases = "ger",
     .mixed = Mixed::Promoted});
const RegisterComplex matmul_row(
    "matmul(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", with_out<matmul>,
    {.meaning = "Matrix product over the last two dimensions, the others broadcast; a vector "
                "stands for a row on the left and a column on the right.",
     .formula = "C = A·B",
     .gradient = "∂L/∂A = ∂L/∂C · Bᵀ, ∂L/∂B = Aᵀ · ∂L/∂C",
     .aliases = "linalg.matmul"});

}  // namespace
}  // namespace backlit::ops
