// Extrema: max, min and their relatives.
#include <algorithm>
#include <limits>

#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

template <class T> bool is_nan(T x) { return x != x; }

// The first of n elements for which f holds; 0 where there is none.
template <class T, class F> i64 find_first(const T* x, i64 n, F f) {
  constexpr i64 kBlock = 32;
  using Mask = std::conditional_t<sizeof(T) == 8, i64, std::int32_t>;  // for vector instructions
  i64 i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    Mask found = 0;
    for (i64 k = 0; k < kBlock; ++k) found |= f(x[i + k]);
    if (found) break;
  }
  for (; i < n; ++i)
    if (f(x[i])) return i;
  return 0;
}

// The first position of the value v (nan: of a nan) in n elements.
template <class T> i64 find_value(const T* x, i64 n, T v) {
  if (is_nan(v)) return find_first(x, n, is_nan<T>);
  return find_first(x, n, [v](T y) { return y == v; });
}

// Where the extrema of lines are, and the extrema, where `values` is not null.
template <class T> struct Extrema {
  i64* index;
  T* values;
};

constexpr i64 kColumns = 256;  // lines side by side

// The extrema of `columns` neighbouring lines. Positions are as wide as elements, so that both move
// in the same vector instructions; n fits into them.
template <class T, bool kMax, class Position>
void column_extrema(const T* x, i64 n, i64 inner, i64 columns, Extrema<T> out) {
  T best[kColumns];
  Position at[kColumns];
  std::copy_n(x, columns, best);
  std::fill_n(at, columns, Position{0});
  for (Position i = 1; i < static_cast<Position>(n); ++i) {
    const T* row = x + i * inner;
    for (i64 c = 0; c < columns; ++c) {
      const bool better = static_cast<bool>((kMax ? row[c] > best[c] : row[c] < best[c]) |
                                            (is_nan(row[c]) & !is_nan(best[c])));
      best[c] = better ? row[c] : best[c];
      at[c] = better ? i : at[c];
    }
  }
  std::copy_n(at, columns, out.index);
  if (out.values) std::copy_n(best, columns, out.values);
}

// The extrema of `rows` contiguous lines.
template <class T>
void row_extrema(const ReduceKernel& kernel, const T* x, i64 n, i64 rows, Extrema<T> out) {
  T best[kColumns], part[kColumns];
  for (i64 i = 0; i < n; i += kReduceChunk) {
    kernel.tile(x + i, std::min(kReduceChunk, n - i), 1, rows, n, nullptr, i == 0 ? best : part);
    if (i > 0) kernel.combine(best, part, rows);
  }
  for (i64 r = 0; r < rows; ++r) {
    out.index[r] = find_value(x + r * n, n, best[r]);
    if (out.values) out.values[r] = x[r * n + out.index[r]];  // of 0 and -0 the one at the index
  }
}

template <class T, bool kMax> void extrema(const Tensor& x, const Lines& lines, Extrema<T> out) {
  const T* in = x.data<T>();
  const i64 n = lines.n;
  const auto from = [out](i64 line) {
    return Extrema<T>{out.index + line, out.values ? out.values + line : nullptr};
  };
  const GilRelease release(x.numel() >= kGilReleaseElements);
  if (lines.inner == 1) {
    const auto& kernel = reduce_kernel(kMax ? Reduction::Max : Reduction::Min, x.dtype());
    parallel_for(lines.outer, kReduceChunk / n + 1, [&](i64 begin, i64 end) {
      for (i64 line = begin; line < end; line += kColumns)
        row_extrema(kernel, in + line * n, n, std::min(kColumns, end - line), from(line));
    });
    return;
  }
  const bool narrow = sizeof(T) <= 4 && n <= std::numeric_limits<std::int32_t>::max();
  const auto columns_run =
      narrow ? column_extrema<T, kMax, std::int32_t> : column_extrema<T, kMax, i64>;
  const i64 blocks = (lines.inner + kColumns - 1) / kColumns;
  parallel_for(lines.outer * blocks, kReduceChunk / (n * kColumns) + 1, [&](i64 begin, i64 end) {
    for (i64 b = begin; b < end; ++b) {
      const i64 column = b % blocks * kColumns, o = b / blocks;
      columns_run(in + o * n * lines.inner + column, n, lines.inner,
                  std::min(kColumns, lines.inner - column), from(o * lines.inner + column));
    }
  });
}

Dims without(Span sizes, int d, bool keepdim) {
  Dims out(sizes);
  if (out.empty()) return out;
  if (keepdim)
    out[d] = 1;
  else
    out.erase(d);
  return out;
}

void check_not_empty(const char* name, const Tensor& x, int d) {
  BACKLIT_CHECK(x.dim() == 0 || x.layout().size(d) > 0, Index, name, "(): Expected reduction dim ",
                d, " to have non-zero size.");
}

// The positions of the extrema along d, and the extrema into `values` where it is defined.
Tensor arg_extreme(const Tensor& input, int d, bool keepdim, bool max, const Tensor& values = {}) {
  const Tensor x = contiguous(detach(input));
  Tensor index = Tensor::empty(without(x.sizes(), d, keepdim), Dtype::Int64);
  if (index.numel() == 0) return index;
  const Lines lines(x.sizes(), d);
  visit(x.dtype(), [&](auto zero) {
    // a bool is read as the byte it is
    using T =
        std::conditional_t<std::is_same_v<decltype(zero), bool>, std::uint8_t, decltype(zero)>;
    T* y = values.defined() ? reinterpret_cast<T*>(values.raw()) : nullptr;
    if (max)
      extrema<T, true>(x, lines, {index.data<i64>(), y});
    else
      extrema<T, false>(x, lines, {index.data<i64>(), y});
  });
  return index;
}

struct ExtremeNames {
  const char *name, *full, *along, *reduced, *fields;
  Reduction reduction;
};
constexpr ExtremeNames kMaxNames{"max",           "MaxBackward1",   "MaxBackward0",
                                 "AmaxBackward0", "values indices", Reduction::Max};
constexpr ExtremeNames kMinNames{"min",           "MinBackward1",   "MinBackward0",
                                 "AminBackward0", "values indices", Reduction::Min};

Tensor extreme_all(const Tensor& x, const ExtremeNames& names) {
  BACKLIT_CHECK(x.numel() > 0, Runtime, names.name,
                "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                "reduction dim with the 'dim' argument.");
  return record(
      names.full, reduce_all(names.reduction, x), {x}, {x},
      [](Vjp& v) { v.set(0, share_with_equal(v.g(), v.saved(0), v.saved(1))); }, true);
}

Named<2> extreme_along(const Tensor& x, i64 dim, bool keepdim, const ExtremeNames& names) {
  const int d = wrap_dim(dim, x.dim());
  check_not_empty(names.name, x, d);
  Tensor y = Tensor::empty(without(x.sizes(), d, keepdim), x.dtype());
  const Tensor index = arg_extreme(x, d, keepdim, names.reduction == Reduction::Max, y);
  return {names.name,
          names.fields,
          {record_picked(names.along, std::move(y), x, d, keepdim, index), index}};
}

Tensor extreme_over(const Tensor& x, Span dims, bool keepdim, const ExtremeNames& names) {
  const char* name = names.reduction == Reduction::Max ? "amax" : "amin";
  const ReducedDims r(x, dims);
  if (x.numel() == 0) {
    BACKLIT_CHECK(!dims.empty(), Runtime, name,
                  "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                  "reduction dim with the 'dim' argument.");
    for (auto k : dims)
      BACKLIT_CHECK(x.dim() == 0 || x.size(k) > 0, Index, name, "(): Expected reduction dim ", k,
                    " to have non-zero size.");
  }
  Tensor y = reduce(names.reduction, x, r, keepdim);
  return record(
      names.reduced, std::move(y), {x}, {x},
      [kept = r.kept, dims = Dims(dims)](Vjp& v) {
        v.set(0, share_evenly(view_or_reshape(v.g(), kept), v.saved(0),
                              view_or_reshape(v.saved(1), kept), dims, false));
      },
      true);
}

}  // namespace

Tensor extreme_over_dims(const Tensor& x, Span dims, bool max) {
  return extreme_over(x, dims, true, max ? kMaxNames : kMinNames);
}

namespace {

Tensor max_all(const Tensor& x) { return extreme_all(x, kMaxNames); }
Tensor min_all(const Tensor& x) { return extreme_all(x, kMinNames); }
Named<2> max_along(const Tensor& x, i64 dim, bool keepdim) {
  return extreme_along(x, dim, keepdim, kMaxNames);
}
Named<2> min_along(const Tensor& x, i64 dim, bool keepdim) {
  return extreme_along(x, dim, keepdim, kMinNames);
}
Tensor max_other(const Tensor& x, const Tensor& other) {
  return apply<formulas::Maximum>(x, other);
}
Tensor min_other(const Tensor& x, const Tensor& other) {
  return apply<formulas::Minimum>(x, other);
}
void check_same_dtype_as_out(const Tensor& x, const Tensor& out) {
  BACKLIT_CHECK(!out.defined() || out.dtype() == x.dtype(), Runtime,
                "Expected the dtype for input and out to match, but got ",
                info(x.dtype()).scalar_name, " for input's dtype and ",
                info(out.dtype()).scalar_name, " for out's dtype.");
}
Tensor amax_op(const Tensor& x, const Dims& dims, bool keepdim, const Tensor& out) {
  check_same_dtype_as_out(x, out);
  return into_out("amax", extreme_over(x, dims, keepdim, kMaxNames), out);
}
Tensor amin_op(const Tensor& x, const Dims& dims, bool keepdim, const Tensor& out) {
  check_same_dtype_as_out(x, out);
  return into_out("amin", extreme_over(x, dims, keepdim, kMinNames), out);
}

#define BACKLIT_EXTREME(name, word, sign)                                                      \
  const Register name##_all_row(                                                               \
      "" #name "(Tensor input) -> Tensor", name##_all,                                         \
      {.meaning =                                                                              \
           "The " word " element; along dim, its value and its position in each line; with "   \
           "other, the " word " of two elements.",                                             \
       .formula = "y = " #name "ᵢ xᵢ",                                                         \
       .gradient =                                                                             \
           "∂L/∂xᵢ = ∂L/∂y where xᵢ = y (shared evenly; along dim: at the index), else 0"});   \
  const Register name##_other_row(                                                             \
      "" #name "(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", name##_other,    \
      {.meaning = "The " word " of two elements.",                                             \
       .formula = "y = " #name "(a, b)",                                                       \
       .gradient = "as " #name "imum"});                                                       \
  const Register name##_along_row(                                                             \
      "" #name                                                                                 \
      "(Tensor input, int dim, bool keepdim=False, *, Tensor[]? out=None) -> (Tensor values, " \
      "Tensor indices)",                                                                       \
      name##_along,                                                                            \
      {.meaning = "The " word " element of each line and its position.",                       \
       .formula = "y = " #name "ᵢ xᵢ",                                                         \
       .gradient = "∂L/∂xᵢ = ∂L/∂y at the index, else 0",                                      \
       .out_apart = true});                                                                    \
  const Register a##name##_row(                                                                \
      "a" #name                                                                                \
      "(Tensor input, int[1] dim=[], bool keepdim=False, *, Tensor? out=None) -> Tensor",      \
      a##name##_op,                                                                            \
      {.meaning = "The " word " element along dim; equal elements share the gradient.",        \
       .formula = "y = " #name "ᵢ xᵢ",                                                         \
       .gradient = "∂L/∂xᵢ = ∂L/∂y / #{j : xⱼ = y} where xᵢ = y, else 0"});
BACKLIT_EXTREME(max, "largest", ">")
BACKLIT_EXTREME(min, "smallest", "<")
#undef BACKLIT_EXTREME

Tensor arg_op(const char* name, const Tensor& x, std::optional<i64> dim, bool keepdim, bool max) {
  BACKLIT_CHECK(x.dtype() != Dtype::Bool, Runtime, name, "(): does not support bool input");
  if (dim) {
    const int d = wrap_dim(*dim, x.dim());
    check_not_empty(name, x, d);
    return arg_extreme(x, d, keepdim, max);
  }
  BACKLIT_CHECK(x.numel() > 0, Index, name,
                "(): Expected reduction dim to be specified for input.numel() == 0.");
  const Tensor y = arg_extreme(reshape(detach(x), Dims{-1}), 0, false, max);
  Dims ones;
  for (int k = 0; keepdim && k < x.dim(); ++k) ones.push_back(1);
  return y.alias(contiguous_layout(ones));
}
Tensor argmax_op(const Tensor& x, std::optional<i64> dim, bool keepdim) {
  return arg_op("argmax", x, dim, keepdim, true);
}
Tensor argmin_op(const Tensor& x, std::optional<i64> dim, bool keepdim) {
  return arg_op("argmin", x, dim, keepdim, false);
}
const Register argmax_row(
    "argmax(Tensor input, int? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
    argmax_op,
    {.meaning =
         "Position of the largest element (the first of equals; of a nan, if there is one)."});
const Register argmin_row(
    "argmin(Tensor input, int? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
    argmin_op,
    {.meaning =
         "Position of the smallest element (the first of equals; of a nan, if there is one)."});

Named<2> aminmax_op(const Tensor& x, std::optional<i64> dim, bool keepdim) {
  Dims dims;
  if (dim) {
    dims.push_back(wrap_dim(*dim, x.dim()));
    BACKLIT_CHECK(x.dim() == 0 || x.size(*dim) > 0, Index, "aminmax: Expected reduction dim ",
                  dims[0], " to have non-zero size.");
  } else {
    BACKLIT_CHECK(x.numel() > 0, Runtime,
                  "aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                  "no identity.");
  }
  const ReducedDims r(x, dims);
  const Tensor low = reduce(Reduction::Min, x, r, keepdim),
               high = reduce(Reduction::Max, x, r, keepdim);
  const Tensor outputs[] = {low, high}, inputs[] = {x};
  record_outputs("AminmaxBackward0", outputs, inputs, inputs, [r, dims](Vjp& v) {
    const Tensor x = v.saved(0);
    Tensor total;
    const auto add_part = [&](int i, Reduction kind) {
      if (!v.g(i).defined()) return;
      const Tensor y = reduce(kind, x, r, true);
      const Tensor part = share_evenly(view_or_reshape(v.g(i), r.kept), x, y, dims, false);
      total = total.defined() ? add(total, part) : part;
    };
    add_part(0, Reduction::Min);
    add_part(1, Reduction::Max);
    v.set(0, total);
  });
  return {"aminmax", "min max", {low, high}};
}
const Register aminmax_row(
    "aminmax(Tensor input, *, int? dim=None, bool keepdim=False, Tensor[]? out=None) -> (Tensor "
    "min, Tensor max)",
    aminmax_op,
    {.meaning = "The smallest and the largest element.",
     .formula = "(minᵢ xᵢ, maxᵢ xᵢ)",
     .gradient = "the sum of those of amin and amax"});

}  // namespace
}  // namespace backlit::ops
