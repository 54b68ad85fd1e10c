// Sorting along one dimension.
#include "ops/sorting.h"

#include "ops/arithmetic.h"
#include "ops/reductions_lines.h"
#include "ops/selection.h"
#include "ops/sort_keys.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// Calls f(keys, line) for each line of x, with its keys in order.
template <class T, class F>
void sorted_lines(const Tensor& x, const Lines& lines, bool descending, F f) {
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
      sort_keys(keys.data(), keys.data() + lines.n, lines.n);
      f(keys.data(), line);
    }
  });
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
