// Softmax, log-softmax, logsumexp.
#include "ops/softmax.h"

#include <algorithm>
#include <cmath>

#include "formulas/comparison.h"
#include "kernels/isa.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit {

const SoftmaxKernels& softmax_kernels(Dtype d) {
  static const auto& table = best_table<SoftmaxTable>("SoftmaxTable");
  return table.of[d == Dtype::Float64];
}

namespace ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 15;  // elements

// Runs rows(first element, rows) or columns(first element, width) over all lines, in parallel.
template <class Rows, class Columns>
void each_block(const Lines& lines, Rows rows, Columns columns) {
  const i64 n = lines.n;
  if (lines.count() * n == 0) return;
  if (lines.count() * n <= kTask && (lines.inner == 1 || lines.outer == 1)) {
    return lines.inner == 1 ? rows(i64{0}, lines.count()) : columns(i64{0}, lines.inner);
  }
  const GilRelease release(lines.count() * n >= kGilReleaseElements);
  if (lines.inner == 1) {
    parallel_for(lines.count(), kTask / n + 1, [&](i64 a, i64 b) { rows(a * n, b - a); });
    return;
  }
  const i64 width = std::clamp<i64>(kTask / n, 64, 1024);
  const i64 blocks = (lines.inner + width - 1) / width;
  const i64 cost = std::min(width, lines.inner) * n;
  parallel_for(lines.outer * blocks, kTask / cost + 1, [&](i64 a, i64 b) {
    for (i64 k = a; k < b; ++k) {
      const i64 first = k % blocks * width;
      columns(k / blocks * n * lines.inner + first, std::min(width, lines.inner - first));
    }
  });
}

Tensor forward(SoftmaxKind kind, const Tensor& x, int d) {
  const SoftmaxKernels& k = softmax_kernels(x.dtype());
  const int which = static_cast<int>(kind);
  const Tensor from = x.is_contiguous() ? x : contiguous(detach(x));
  Tensor y = Tensor::empty(from.layout_ref(), x.dtype());
  const Lines lines(x.sizes(), d);
  const auto size = static_cast<i64>(size_of(x.dtype()));
  const char* in = from.raw();
  char* out = y.raw();
  each_block(
      lines,
      [&](i64 at, i64 rows) {
        k.forward_rows[which](in + at * size, out + at * size, rows, lines.n);
      },
      [&](i64 at, i64 width) {
        k.forward_columns[which](in + at * size, out + at * size, lines.n, lines.inner, width);
      });
  y->inference = modes.inference;
  return y;
}

Tensor exponential(const Tensor& x) {
  return run_recorded(formula_named("exp"), Recorded(x)).tensor();
}

// The gradient of softmax (or log-softmax) from g and the result y; recorded.
Tensor softmax_backward(SoftmaxKind kind, const Tensor& g, const Tensor& y, int d) {
  const SoftmaxKernels& k = softmax_kernels(y.dtype());
  const int which = static_cast<int>(kind);
  const Tensor grad = g.is_contiguous() ? g : contiguous(detach(g));
  const Tensor result = y.is_contiguous() ? y : contiguous(detach(y));
  Tensor gx = Tensor::empty(y.sizes(), y.dtype());
  const Lines lines(y.sizes(), d);
  const auto size = static_cast<i64>(size_of(y.dtype()));
  const char *a = grad.raw(), *b = result.raw();
  char* out = gx.raw();
  each_block(
      lines,
      [&](i64 at, i64 rows) {
        at *= size;
        k.backward_rows[which](a + at, b + at, out + at, rows, lines.n);
      },
      [&](i64 at, i64 width) {
        at *= size;
        k.backward_columns[which](a + at, b + at, out + at, lines.n, lines.inner, width);
      });
  if (kind == SoftmaxKind::Softmax)
    return record("SoftmaxBackwardDataBackward0", std::move(gx), {g, y}, {g, y}, [d](Vjp& v) {
      const Tensor &h = v.g(), g = v.saved(0), y = v.saved(1);
      const Dims dim{d};
      if (v.needs(0)) v.set(0, softmax_backward(SoftmaxKind::Softmax, h, y, d));
      if (!v.needs(1)) return;
      const Tensor gy = sum(mul(g, y), dim, true), hy = sum(mul(h, y), dim, true);
      v.set(1, sub(mul(h, sub(g, gy)), mul(g, hy)));
    });
  return record("LogSoftmaxBackwardDataBackward0", std::move(gx), {g, y}, {g, y}, [d](Vjp& v) {
    const Tensor &h = v.g(), g = v.saved(0), y = v.saved(1);
    const Dims dim{d};
    const Tensor weighted = mul(h, exponential(y));
    if (v.needs(0)) v.set(0, sub(h, sum(weighted, dim, true)));
    if (v.needs(1)) v.set(1, neg(mul(weighted, sum(g, dim, true))));
  });
}

template <SoftmaxKind kKind> Tensor along(const Tensor& x, std::int64_t dim) {
  constexpr bool log = kKind == SoftmaxKind::LogSoftmax;
  const int d = wrap_dim(dim, x.dim());
  BACKLIT_CHECK(x.is_floating(), NotImplemented,
                log ? "\"log_softmax_lastdim_kernel_impl\"" : "\"softmax_lastdim_kernel_impl\"",
                " not implemented for '", info(x.dtype()).scalar_name,
                "'. Pass a floating dtype, for instance dtype=torch.float32.");
  return record(
      log ? "LogSoftmaxBackward0" : "SoftmaxBackward0", forward(kKind, x, d), {x}, {},
      [d](Vjp& v) { v.set(0, softmax_backward(kKind, v.g(), v.saved(0), d)); }, true);
}

Tensor softmax_op(const Tensor& x, std::int64_t dim, std::optional<Dtype> dtype) {
  return softmax(dtype ? to_dtype(x, *dtype) : x, dim);
}
Tensor log_softmax_op(const Tensor& x, std::int64_t dim, std::optional<Dtype> dtype) {
  return log_softmax(dtype ? to_dtype(x, *dtype) : x, dim);
}

constexpr RowOptions kSoftmax{.meaning = "Exponentials along dim, divided by their sum.",
                              .formula = "yᵢ = exp xᵢ / Σⱼ exp xⱼ",
                              .gradient = "∂L/∂x = y ∘ (∂L/∂y − Σⱼ yⱼ ∂L/∂yⱼ)",
                              .aliases = "nn.softmax special.softmax"};
constexpr RowOptions kLogSoftmax{.meaning = "Logarithm of the softmax along dim, without overflow.",
                                 .formula = "yᵢ = xᵢ − log Σⱼ exp xⱼ",
                                 .gradient = "∂L/∂x = ∂L/∂y − exp y · Σⱼ ∂L/∂yⱼ",
                                 .aliases = "nn.log_softmax special.log_softmax"};
const Register softmax_row(
    "softmax(Tensor input, int dim, dtype? dtype=None, *, Tensor? out=None) -> Tensor", softmax_op,
    kSoftmax);
const Register log_softmax_row(
    "log_softmax(Tensor input, int dim, dtype? dtype=None, *, Tensor? out=None) -> Tensor",
    log_softmax_op, kLogSoftmax);

// --- logsumexp ---

// x as contiguous lines (outer, n, inner) along all reduced dimensions.
Tensor reduced_lines(const Tensor& x, const ReducedDims& r) {
  i64 outer = 1, n = 1, inner = 1;
  bool together = true;
  Dims kept, order;
  for (int d = 0; d < x.dim(); ++d) {
    const i64 size = x.layout().size(d);
    if (!r.reduce[d]) kept.push_back(d);
    if (r.reduce[d]) order.push_back(d);
    if (size == 1) continue;
    if (r.reduce[d]) together &= inner == 1;
    (r.reduce[d] ? n : n == 1 ? outer : inner) *= size;
  }
  if (together) return view(contiguous(x), Dims{outer, n, inner});
  for (int k = kept.n; k-- > 0;) order.insert(0, kept[k]);
  return view(contiguous(permute(x, order)), Dims{outer * inner, n, 1});
}

// A long line in pieces, of whose results the same is taken: on all cores, with the same bits.
void logsumexp_line(const SoftmaxKernels& k, const char* x, char* y, i64 n, i64 size, char* parts) {
  parallel_for(n, kTask, [&](i64 begin, i64 end) {
    k.logsumexp_rows(x + begin * size, parts + begin / kTask * size, 1, end - begin);
  });
  k.logsumexp_rows(parts, y, 1, (n + kTask - 1) / kTask);
}

Tensor logsumexp_of_lines(const Tensor& x) {
  const SoftmaxKernels& k = softmax_kernels(x.dtype());
  const Lines lines(x.sizes(), 1);
  Tensor y = Tensor::empty(Dims{lines.outer, lines.inner}, x.dtype());
  const auto size = static_cast<i64>(size_of(x.dtype()));
  const char* in = x.raw();
  char* out = y.raw();
  if (lines.inner == 1 && lines.n > kTask) {
    const Tensor parts = Tensor::empty(Dims{(lines.n + kTask - 1) / kTask}, x.dtype());
    const GilRelease release(true);
    for (i64 line = 0; line < lines.outer; ++line)
      logsumexp_line(k, in + line * lines.n * size, out + line * size, lines.n, size, parts.raw());
    return y;
  }
  each_block(
      lines,
      [&](i64 at, i64 rows) {
        k.logsumexp_rows(in + at * size, out + at / lines.n * size, rows, lines.n);
      },
      [&](i64 at, i64 width) {
        const i64 block = lines.n * lines.inner, to = at / block * lines.inner + at % block;
        k.logsumexp_columns(in + at * size, out + to * size, lines.n, lines.inner, width);
      });
  return y;
}

// Of complex numbers, in recorded operations; the largest real part is taken out.
Tensor complex_logsumexp(const Tensor& z, const Dims& dims, bool keepdim) {
  static const ElementwiseOp& log = formula_named("log");
  const Tensor re = detach(real(z));
  const ReducedDims r(re, dims);
  Tensor shift = Tensor::zeros(r.sizes(true), re.dtype());
  if (z.numel()) {
    const Tensor top = reduce(Reduction::Max, re, r, true);
    shift = where(apply<formulas::Isfinite>(top), top, shift);
  }
  const Tensor total = sum(exponential(sub(z, shift)), dims, true);
  const Tensor y = add(run_recorded(log, Recorded(total)).tensor(), shift);
  return view(contiguous(y), r.sizes(keepdim));
}

Tensor logsumexp_op(const Tensor& input, const Dims& dims, bool keepdim) {
  if (input.is_complex()) return complex_logsumexp(input, dims, keepdim);
  const Tensor x = input.is_floating() ? input : to_dtype(input, default_dtype());
  const ReducedDims r(x, dims);
  const Tensor from = detach(x);
  Tensor y = x.numel() == 0 ? Tensor::full(r.sizes(keepdim), -INFINITY, x.dtype())
                            : logsumexp_of_lines(reduced_lines(from, r));
  return record(
      "LogsumexpBackward0", y.alias(contiguous_layout(r.sizes(keepdim))), {x}, {x},
      [kept = r.kept](Vjp& v) {
        const Tensor y = view_or_reshape(v.saved(1), kept);
        const Tensor shift = where(apply<formulas::Isneginf>(y), Scalar(0.0), y);
        v.set(0, mul(view_or_reshape(v.g(), kept), exponential(sub(v.saved(0), shift))));
      },
      true);
}
const RegisterComplex logsumexp_row(
    "logsumexp(Tensor input, int[1] dim, bool keepdim=False, *, Tensor? out=None) -> Tensor",
    logsumexp_op,
    {.meaning = "Logarithm of the sum of exponentials, without overflow.",
     .formula = "y = log Σᵢ exp xᵢ",
     .gradient = "∂L/∂xᵢ = exp(xᵢ − y) ∂L/∂y",
     .aliases = "special.logsumexp"});

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim) { return along<SoftmaxKind::Softmax>(x, dim); }
Tensor log_softmax(const Tensor& x, std::int64_t dim) {
  return along<SoftmaxKind::LogSoftmax>(x, dim);
}

}  // namespace ops
}  // namespace backlit
