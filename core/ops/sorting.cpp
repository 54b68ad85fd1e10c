// Sorting and selection along one dimension.
#include "ops/sorting.h"

#include <cmath>

#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/select_keys.h"
#include "ops/sort_keys.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// Calls f(keys, spare, line) for each line of x, with its keys in order of position.
template <class T, class F>
void each_line(const Tensor& x, const Lines& lines, bool descending, F f) {
  using U = SortKey<T>;
  const T* in = x.data<T>();
  const GilRelease release(x.numel() >= 1 << 12);
  const i64 chunk = std::max<i64>(1, (1 << 13) / std::max<i64>(1, lines.n));
  parallel_for(lines.count(), chunk, [&](i64 begin, i64 end) {
    std::vector<KeyAt<U>> keys(static_cast<std::size_t>(2 * lines.n));
    for (i64 line = begin; line < end; ++line) {
      const T* from = in + lines.start(line);
      for (i64 k = 0; k < lines.n; ++k) {
        const U key = sort_key(from[k * lines.inner]);
        keys[static_cast<std::size_t>(k)] = {descending ? static_cast<U>(~key) : key, k};
      }
      f(keys.data(), keys.data() + lines.n, line);
    }
  });
}

constexpr auto key_before = [](const auto& a, const auto& b) {
  return a.key != b.key ? a.key < b.key : a.at < b.at;
};

template <class T, class F>
void sorted_lines(const Tensor& x, const Lines& lines, bool descending, F f) {
  each_line<T>(x, lines, descending, [&](auto* keys, auto* spare, i64 line) {
    sort_keys(keys, spare, lines.n);
    f(keys, line);
  });
}

Tensor picked(const Tensor& x, int d, const Tensor& wide, Span sizes) {
  return take_along(detach(x), d, wide).alias(contiguous_layout(sizes));
}

Dims with_size(Span sizes, int d, i64 n) {
  Dims out(sizes);
  if (!out.empty()) out[d] = n;
  return out;
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

// One position per line, chosen by choose(sorted keys, n); nan keys are the last ones.
template <class F> Tensor choose(const Tensor& input, int d, F choose_one) {
  const Tensor x = contiguous(detach(input));
  Tensor at = Tensor::empty(with_size(x.sizes(), d, 1), Dtype::Int64);
  if (at.numel() == 0) return at;
  const Lines lines(x.sizes(), d);
  i64* out = at.data<i64>();
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    sorted_lines<T>(x, lines, false,
                    [&](auto* keys, i64 line) { out[line] = choose_one(keys, lines.n); });
  });
  return at;
}

// The element at one rank of each line; rank(keys, n) sees the keys in order of position.
template <class F> Tensor select_rank(const Tensor& input, int d, F rank) {
  const Tensor x = contiguous(detach(input));
  Tensor at = Tensor::empty(with_size(x.sizes(), d, 1), Dtype::Int64);
  if (at.numel() == 0) return at;
  const Lines lines(x.sizes(), d);
  i64* out = at.data<i64>();
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    each_line<T>(x, lines, false, [&](auto* keys, auto*, i64 line) {
      const i64 k = rank(keys, lines.n);
      std::nth_element(keys, keys + k, keys + lines.n, key_before);
      out[line] = keys[k].at;
    });
  });
  return at;
}

Named<2> named_choice(const char* name, const char* node, const Tensor& x, int d, bool keepdim,
                      const Tensor& wide) {
  const Dims sizes = without(x.sizes(), d, keepdim);
  const Tensor index = wide.alias(contiguous_layout(sizes));
  Tensor y = record_picked(node, picked(x, d, wide, sizes), x, d, keepdim, index);
  return {name, "values indices", {std::move(y), index}};
}

int checked_dim(const char* name, const Tensor& x, i64 dim) {
  const int d = wrap_dim(dim, x.dim());
  BACKLIT_CHECK(x.dim() == 0 || x.layout().size(d) > 0, Index, name, "(): Expected reduction dim ",
                d, " to have non-zero size.");
  return d;
}

}  // namespace

Sorted sort_lines(const Tensor& input, int d, bool descending) {
  const Tensor x = contiguous(detach(input));
  Tensor values = Tensor::empty(x.sizes(), x.dtype()),
         indices = Tensor::empty(x.sizes(), Dtype::Int64);
  const Lines lines(x.sizes(), d);
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = values.data<T>();
    i64* at = indices.data<i64>();
    sorted_lines<T>(x, lines, descending, [&](auto* keys, i64 line) {
      const i64 a = lines.start(line);
      for (i64 k = 0; k < lines.n; ++k) {
        out[a + k * lines.inner] = in[a + keys[k].at * lines.inner];
        at[a + k * lines.inner] = keys[k].at;
      }
    });
  });
  return {values, indices};
}

Sorted sort(const char* name, const Tensor& x, int d, bool descending) {
  Sorted s = sort_lines(x, d, descending);
  s.values = record_picked(name, std::move(s.values), x, d, true, s.indices);
  return s;
}

namespace {

Named<2> sort_op(const Tensor& x, i64 dim, bool descending) {
  Sorted s = sort("SortBackward0", x, wrap_dim(dim, x.dim()), descending);
  return {"sort", "values indices", {s.values, s.indices}};
}
Named<2> sort_stable_op(const Tensor& x, std::optional<bool>, i64 dim, bool descending) {
  Sorted s = sort("SortBackward1", x, wrap_dim(dim, x.dim()), descending);
  return {"sort", "values indices", {s.values, s.indices}};
}
constexpr RowOptions kSort{.meaning =
                               "The elements of each line in order (equal ones keep theirs; nan "
                               "comes last), and where they were.",
                           .formula = "y_k = x_{index k}",
                           .gradient = "∂L/∂x_{index k} = ∂L/∂y_k"};
const Register sort_row(
    "sort(Tensor input, int dim=-1, bool descending=False, *, Tensor[]? out=None) -> (Tensor "
    "values, Tensor indices)",
    sort_op, kSort);
const Register sort_stable_row(
    "sort(Tensor input, *, bool? stable, int dim=-1, bool descending=False, Tensor[]? out=None) -> "
    "(Tensor values, "
    "Tensor indices)",
    sort_stable_op, kSort);

Tensor argsort_op(const Tensor& x, i64 dim, bool descending, bool) {
  return sort_lines(x, wrap_dim(dim, x.dim()), descending).indices;
}
const Register argsort_row(
    "argsort(Tensor input, int dim=-1, bool descending=False, *, bool stable=False) -> Tensor",
    argsort_op, {.meaning = "Positions that put each line in order."});
Tensor msort_op(const Tensor& x) { return sort("SortBackward0", x, 0, false).values; }
const Register msort_row("msort(Tensor input, *, Tensor? out=None) -> Tensor", msort_op,
                         {.meaning = "Sorted along the first dimension.",
                          .gradient = "∂L/∂x_{index k} = ∂L/∂y_k"});

// The k first elements of each line along d, in order, and where they were.
Sorted top_of_lines(const Tensor& input, int d, i64 k, bool largest) {
  // a scan reads lines that lie contiguous
  const int last = input.dim() - 1;
  const Tensor x = contiguous(d < last ? transpose(detach(input), d, last) : detach(input));
  Tensor values = Tensor::empty(with_size(x.sizes(), last, k), x.dtype()),
         indices = Tensor::empty(values.sizes(), Dtype::Int64);
  const Lines lines(x.sizes(), std::max(last, 0));
  if (values.numel() > 0)
    visit(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* in = x.data<T>();
      T* out = values.data<T>();
      i64* at = indices.data<i64>();
      const GilRelease release(x.numel() >= 1 << 12);
      parallel_for(lines.outer, (1 << 13) / lines.n + 1, [&](i64 begin, i64 end) {
        KeySelection<T> select(k, lines.n, largest);
        for (i64 line = begin; line < end; ++line) {
          const T* from = in + line * lines.n;
          const auto* keys = select(from, lines.n);
          for (i64 i = 0; i < k; ++i) {
            out[line * k + i] = from[keys[i].at];
            at[line * k + i] = keys[i].at;
          }
        }
      });
    });
  if (d >= last) return {values, indices};
  return {contiguous(transpose(values, d, last)), contiguous(transpose(indices, d, last))};
}

Named<2> topk_op(const Tensor& input, i64 k, i64 dim, bool largest, bool) {
  BACKLIT_CHECK(input.dtype() != Dtype::Bool, Runtime, "topk does not support bool dtypes on CPU");
  const int d = wrap_dim(dim, input.dim());
  const Lines lines(input.sizes(), d);
  BACKLIT_CHECK(k >= 0 && k <= lines.n, Runtime, "selected index k out of range");
  auto [values, index] = top_of_lines(input, d, k, largest);
  Tensor y = record_picked("TopkBackward0", std::move(values), input, d, true, index);
  return {"topk", "values indices", {std::move(y), index}};
}
const Register topk_row(
    "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True, *, Tensor[]? "
    "out=None) -> (Tensor values, "
    "Tensor indices)",
    topk_op,
    {.meaning = "The k largest (or smallest) elements of each line, in order, and their positions.",
     .formula = "y_k = x_{index k}",
     .gradient = "∂L/∂x_{index k} = ∂L/∂y_k, else 0"});

Named<2> kthvalue_op(const Tensor& x, i64 k, i64 dim, bool keepdim) {
  BACKLIT_CHECK(x.dtype() != Dtype::Bool, NotImplemented,
                "\"kthvalue_cpu\" not implemented for 'Bool'");
  const int d = checked_dim("kthvalue", x, dim);
  BACKLIT_CHECK(k >= 1 && k <= (x.dim() ? x.size(d) : 1), Runtime,
                "kthvalue(): selected number k out of range for dimension ", d);
  return named_choice("kthvalue", "KthvalueBackward0", x, d, keepdim,
                      select_rank(x, d, [k](auto*, i64) { return k - 1; }));
}
const Register kthvalue_row(
    "kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False, *, Tensor[]? out=None) -> "
    "(Tensor values, Tensor "
    "indices)",
    kthvalue_op,
    {.meaning = "The k-th smallest element of each line and its position.",
     .formula = "y = the k-th smallest xᵢ",
     .gradient = "∂L/∂x_{index} = ∂L/∂y, else 0",
     .out_apart = true});

// The rank of the lower of the two middle elements. A nan is the median, unless nans are left out.
template <bool kSkipNan> i64 middle(auto* keys, i64 n, bool floating) {
  const auto nan = ~decltype(keys->key){0};
  i64 numbers = n;
  if (floating)
    for (i64 k = 0; k < n; ++k) numbers -= keys[k].key == nan;
  if (numbers < n && (!kSkipNan || numbers == 0)) return numbers;
  return (numbers - 1) / 2;
}

void check_median(const char* name, const Tensor& x) {
  BACKLIT_CHECK(x.dtype() != Dtype::Bool, NotImplemented, "\"", name,
                "_cpu\" not implemented for 'Bool'");
}
template <bool kSkipNan> Tensor median_all_op(const Tensor& x) {
  check_median("median", x);
  if (x.numel() == 0)
    return record(
        kSkipNan ? "NanmedianBackward0" : "MedianBackward0",
        Tensor::full(Span(), x.is_floating() ? NAN : 0.0, x.dtype()), {x}, {},
        [sizes = Dims(x.sizes())](Vjp& v) { v.set(0, Tensor::zeros(sizes, v.g().dtype())); });
  const Tensor flat = reshape(detach(x), Dims{-1});
  const bool floating = x.is_floating();
  const Tensor at = select_rank(
      flat, 0, [floating](auto* keys, i64 n) { return middle<kSkipNan>(keys, n, floating); });
  return record(
      kSkipNan ? "NanmedianBackward0" : "MedianBackward0", picked(flat, 0, at, Span()), {x}, {x},
      [](Vjp& v) { v.set(0, share_with_equal(v.g(), v.saved(0), v.saved(1))); }, true);
}
template <bool kSkipNan> Named<2> median_op(const Tensor& x, i64 dim, bool keepdim) {
  const int d = checked_dim("median", x, dim);
  check_median("median_out", x);
  const bool floating = x.is_floating();
  return named_choice(kSkipNan ? "nanmedian" : "median",
                      kSkipNan ? "NanmedianBackward1" : "MedianBackward1", x, d, keepdim,
                      select_rank(x, d, [floating](auto* keys, i64 n) {
                        return middle<kSkipNan>(keys, n, floating);
                      }));
}
constexpr RowOptions kMedian{
    .meaning = "The middle element (the lower of two); along dim with its position.",
    .formula = "y = the ⌈n/2⌉-th smallest xᵢ",
    .gradient = "∂L/∂xᵢ = ∂L/∂y where xᵢ = y (shared evenly; along dim: at the index), else 0",
    .out_apart = true};
constexpr RowOptions kNanmedian{.meaning = "The middle of the elements that are not nan.",
                                .formula = "y = the ⌈n/2⌉-th smallest xᵢ, nan left out",
                                .gradient = "as median",
                                .out_apart = true};
const Register median_all_row("median(Tensor input) -> Tensor", median_all_op<false>, kMedian);
const Register median_row(
    "median(Tensor input, int dim, bool keepdim=False, *, Tensor[]? out=None) -> (Tensor values, "
    "Tensor indices)",
    median_op<false>, kMedian);
const Register nanmedian_all_row("nanmedian(Tensor input) -> Tensor", median_all_op<true>,
                                 kNanmedian);
const Register nanmedian_row(
    "nanmedian(Tensor input, int dim, bool keepdim=False, *, Tensor[]? out=None) -> (Tensor "
    "values, Tensor indices)",
    median_op<true>, kNanmedian);

// The smallest of the most frequent elements, at its last position.
Named<2> mode_op(const Tensor& x, i64 dim, bool keepdim) {
  const int d = checked_dim("mode", x, dim);
  const Tensor at = choose(x, d, [](auto* keys, i64 n) {
    i64 best = 0, longest = 0;
    for (i64 i = 0; i < n;) {
      i64 end = i + 1;
      while (end < n && keys[end].key == keys[i].key) ++end;
      if (end - i > longest) {
        longest = end - i;
        best = end - 1;
      }
      i = end;
    }
    return keys[best].at;
  });
  return named_choice("mode", "ModeBackward0", x, d, keepdim, at);
}
const Register mode_row(
    "mode(Tensor input, int dim=-1, bool keepdim=False, *, Tensor[]? out=None) -> (Tensor values, "
    "Tensor indices)",
    mode_op,
    {.meaning =
         "The most frequent element of each line (the smallest of several) and its last position.",
     .gradient = "∂L/∂x_{index} = ∂L/∂y, else 0",
     .out_apart = true});

}  // namespace
}  // namespace backlit::ops
