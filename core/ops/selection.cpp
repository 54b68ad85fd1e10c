// Selection by rank: kthvalue, median, topk.
#include "ops/selection.h"

#include <cmath>
#include <memory>

#include "kernels/isa.h"
#include "kernels/select.h"
#include "ops/arithmetic.h"
#include "ops/reductions_lines.h"
#include "ops/select_keys.h"
#include "ops/sorting.h"
#include "ops/views.h"

namespace backlit {

const SelectKernels& select_kernels(Dtype d) {
  static const auto& table = best_table<SelectTable>("SelectTable");
  switch (d) {
    case Dtype::Bool: return table.of_bool;
    case Dtype::UInt8: return table.of_u8;
    case Dtype::Int8: return table.of_i8;
    case Dtype::Int16: return table.of_i16;
    case Dtype::Int32: return table.of_i32;
    case Dtype::Int64: return table.of_i64;
    case Dtype::Float32: return table.of_f32;
    case Dtype::Float64: return table.of_f64;
    default: fail_not_computed(d);
  }
}

namespace ops {

Dims with_size(Span sizes, int d, std::int64_t n) {
  Dims out(sizes);
  if (!out.empty()) out[d] = n;
  return out;
}

int checked_dim(const char* name, const Tensor& x, std::int64_t dim) {
  const int d = wrap_dim(dim, x.dim());
  BACKLIT_CHECK(x.dim() == 0 || x.layout().size(d) > 0, Index, name, "(): Expected reduction dim ",
                d, " to have non-zero size.");
  return d;
}

namespace {

using i64 = std::int64_t;

Tensor picked(const Tensor& x, int d, const Tensor& wide, Span sizes) {
  return take_along(detach(x), d, wide).alias(contiguous_layout(sizes));
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

}  // namespace

Named<2> named_choice(const char* name, const char* node, const Tensor& x, int d, bool keepdim,
                      const Tensor& wide) {
  const Dims sizes = without(x.sizes(), d, keepdim);
  const Tensor index = wide.alias(contiguous_layout(sizes));
  Tensor y = record_picked(node, picked(x, d, wide, sizes), x, d, keepdim, index);
  return {name, "values indices", {std::move(y), index}};
}

namespace {

struct alignas(64) CacheLine {
  char bytes[64];
};
using KeyMemory = std::unique_ptr<CacheLine[]>;
KeyMemory key_memory(const SelectKernels& k, i64 keys) {
  const auto bytes = static_cast<std::size_t>(keys) * k.key_size;
  return std::make_unique_for_overwrite<CacheLine[]>(bytes / sizeof(CacheLine) + 1);
}

// Loads the keys of a group of lines of contiguous x, as Lines::each_group makes them.
void load_keys(const SelectKernels& k, const char* x, std::size_t element, const Lines& lines,
               i64 first, i64 count, bool flip, void* keys) {
  const char* from = x + static_cast<std::size_t>(lines.start(first)) * element;
  if (lines.inner > 1)
    k.load_columns(from, lines.n, lines.inner, count, flip, keys);
  else
    k.load_rows(from, lines.n, count, flip, keys);
}

// x with its lines along d where the kernels can take them: along d or, moved there, along the last
// dimension.
struct Lined {
  Tensor x;
  int d;
};
Lined lined(const Tensor& input, int d, const SelectKernels& k) {
  const int last = std::max(input.dim() - 1, 0);
  const Lines lines(input.sizes(), d);
  const bool stay = lines.inner == 1 || (lines.inner >= k.lanes && lines.n <= kShortLine);
  if (stay) return {contiguous(detach(input)), d};
  return {contiguous(transpose(detach(input), d, last)), last};
}
Tensor moved_back(const Tensor& y, int from, int to) {
  return from == to ? y : contiguous(transpose(y, from, to));
}

// The position in each line along d of the element whose rank is rank_of(n, nans among them).
template <class RankOf> Tensor positions(const Tensor& input, int along, RankOf rank_of) {
  const SelectKernels& k = select_kernels(input.dtype());
  const auto [x, d] = lined(input, along, k);
  const Tensor wide = Tensor::empty(with_size(x.sizes(), d, 1), Dtype::Int64);
  const Lines lines(x.sizes(), d);
  const char* in = x.raw();
  const std::size_t element = size_of(x.dtype());
  i64* at = wide.data<i64>();
  if (lines.n <= kShortLine) {
    lines.each_group(k.lanes, [&](i64 first, i64 count) {
      const KeyMemory keys = key_memory(k, k.lanes * lines.n);
      i64 rank[kMostLanes], found[kMostLanes];
      load_keys(k, in, element, lines, first, count, false, keys.get());
      k.count_nan(keys.get(), lines.n, rank);
      for (i64 l = 0; l < k.lanes; ++l) rank[l] = rank_of(lines.n, rank[l]);
      k.select(keys.get(), lines.n, rank, found);
      std::copy(found, found + count, at + first);
    });
  } else {
    const GilRelease release(true);
    parallel_for(lines.outer, (1 << 18) / lines.n + 1, [&](i64 begin, i64 end) {
      const KeyMemory keys = key_memory(k, lines.n);
      for (i64 line = begin; line < end; ++line) {
        const char* from = in + static_cast<std::size_t>(line * lines.n) * element;
        k.load_line(from, lines.n, keys.get());
        const i64 rank = rank_of(lines.n, k.count_nan_line(keys.get(), lines.n));
        at[line] = k.select_line(from, lines.n, rank, keys.get());
      }
    });
  }
  return moved_back(wide, d, along);
}

// --- topk ---

// The k first keys of one line, in order, given the position of the last of them. Keys lie `step`
// apart.
template <class U> void collect(const U* keys, i64 step, i64 n, i64 k, i64 last, KeyAt<U>* kept) {
  const U limit = keys[last * step];
  i64 count = 0;
  const auto offer = [&](i64 i, bool enters) {
    kept[count].at = i;
    count += enters;
  };
  for (i64 i = 0; i <= last; ++i) offer(i, keys[i * step] <= limit);
  for (i64 i = last + 1; i < n && count < k; ++i) offer(i, keys[i * step] < limit);
  for (i64 i = 0; i < k; ++i) kept[i].key = keys[kept[i].at * step];
  sort_keys(kept, kept + k, k);
}

// Each calls take(line, its k first elements) for all lines of contiguous x: short ones find the
// last of the k together, in a long one elements beyond the k best so far are passed over.
template <class T, class F>
void top_of_short_lines(const T* x, const Lines& lines, i64 k, bool largest, F take) {
  using U = SortKey<T>;
  const SelectKernels& kernels = select_kernels(dtype_of<T>);
  lines.each_group(kernels.lanes, [&](i64 first, i64 count) {
    const KeyMemory memory = key_memory(kernels, kernels.lanes * lines.n);
    const U* keys = reinterpret_cast<const U*>(memory.get());
    std::vector<KeyAt<U>> kept(static_cast<std::size_t>(2 * k + 1));  // one is offered in vain
    i64 rank[kMostLanes], last[kMostLanes];
    load_keys(kernels, reinterpret_cast<const char*>(x), sizeof(T), lines, first, count, largest,
              memory.get());
    std::fill(rank, rank + kernels.lanes, k - 1);
    kernels.select(keys, lines.n, rank, last);
    for (i64 l = 0; l < count; ++l) {
      collect(keys + l, kernels.lanes, lines.n, k, last[l], kept.data());
      take(first + l, kept.data());
    }
  });
}
template <class T, class F>
void top_of_long_lines(const T* x, const Lines& lines, i64 k, bool largest, F take) {
  const GilRelease release(lines.count() * lines.n >= kGilReleaseElements);
  parallel_for(lines.outer, (1 << 13) / lines.n + 1, [&](i64 begin, i64 end) {
    KeySelection<T> select(k, lines.n, largest);
    for (i64 line = begin; line < end; ++line) take(line, select(x + line * lines.n, lines.n));
  });
}

// The k first elements of each line along d, in order, and where they were.
Sorted top_of_lines(const Tensor& input, int d, i64 k, bool largest) {
  const int last = std::max(input.dim() - 1, 0);
  const Tensor x = contiguous(d < last ? transpose(detach(input), d, last) : detach(input));
  Tensor values = Tensor::empty(with_size(x.sizes(), last, k), x.dtype()),
         indices = Tensor::empty(values.sizes(), Dtype::Int64);
  const Lines lines(x.sizes(), last);
  if (values.numel() > 0)
    visit(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* in = x.data<T>();
      T* out = values.data<T>();
      i64* at = indices.data<i64>();
      const auto take = [&](i64 line, const auto* keys) {
        for (i64 i = 0; i < k; ++i) {
          out[line * k + i] = in[line * lines.n + keys[i].at];
          at[line * k + i] = keys[i].at;
        }
      };
      if (lines.n > kFewKeys && lines.n <= kShortLine)
        top_of_short_lines(in, lines, k, largest, take);
      else
        top_of_long_lines(in, lines, k, largest, take);
    });
  return {moved_back(values, last, d), moved_back(indices, last, d)};
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

// --- kthvalue, median ---

Named<2> kthvalue_op(const Tensor& x, i64 k, i64 dim, bool keepdim) {
  BACKLIT_CHECK(x.dtype() != Dtype::Bool, NotImplemented,
                "\"kthvalue_cpu\" not implemented for 'Bool'");
  const int d = checked_dim("kthvalue", x, dim);
  BACKLIT_CHECK(k >= 1 && k <= (x.dim() ? x.size(d) : 1), Runtime,
                "kthvalue(): selected number k out of range for dimension ", d);
  return named_choice("kthvalue", "KthvalueBackward0", x, d, keepdim,
                      positions(x, d, [k](i64, i64) { return k - 1; }));
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
template <bool kSkipNan> i64 middle(i64 n, i64 nans) {
  const i64 numbers = n - nans;
  if (nans > 0 && (!kSkipNan || numbers == 0)) return numbers;
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
  const Tensor at = positions(flat, 0, middle<kSkipNan>);
  return record(
      kSkipNan ? "NanmedianBackward0" : "MedianBackward0", picked(flat, 0, at, Span()), {x}, {x},
      [](Vjp& v) { v.set(0, share_with_equal(v.g(), v.saved(0), v.saved(1))); }, true);
}
template <bool kSkipNan> Named<2> median_op(const Tensor& x, i64 dim, bool keepdim) {
  const int d = checked_dim("median", x, dim);
  check_median("median_out", x);
  return named_choice(kSkipNan ? "nanmedian" : "median",
                      kSkipNan ? "NanmedianBackward1" : "MedianBackward1", x, d, keepdim,
                      positions(x, d, middle<kSkipNan>));
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

}  // namespace
}  // namespace ops
}  // namespace backlit
