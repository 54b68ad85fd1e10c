// Sets and histograms: unique, nonzero, bincount, histc, searchsorted, isin.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "formulas/comparison.h"
#include "kernels/pick.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/sort_keys.h"
#include "ops/sorting.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Tensor vector_of(const std::vector<i64>& v) {
  Tensor t = Tensor::empty(Dims{static_cast<i64>(v.size())}, Dtype::Int64);
  std::copy(v.begin(), v.end(), t.data<i64>());
  return t;
}

}  // namespace

// Positions, as ndim columns of n: the result's strides are (1, n), as PyTorch's.
Tensor nonzero(const Tensor& input) {
  const Tensor mask = contiguous(to_dtype(detach(input), Dtype::Bool));
  const auto* bytes = mask.data<std::uint8_t>();
  const TrueCount count = count_true(bytes, mask.numel());
  Tensor columns = Tensor::empty(Dims{mask.dim(), count.total}, Dtype::Int64);
  {
    const GilRelease release(mask.numel() >= kGilReleaseElements);
    true_positions(bytes, mask.sizes(), count, columns.data<i64>());
  }
  return columns.alias(strided_layout(Dims{count.total, mask.dim()}, Dims{1, count.total}));
}

std::vector<Tensor> nonzero_as_tuple(const Tensor& x) {
  if (x.dim() == 0) return nonzero_as_tuple(reshape(detach(x), Dims{1}));
  const Tensor all = nonzero(x);
  std::vector<Tensor> out;
  const i64 n = all.size(0);
  for (int d = 0; d < x.dim(); ++d) out.push_back(all.alias(contiguous_layout(Dims{n}), d * n));
  return out;
}

namespace {

Object nonzero_op(const Tensor& x, bool as_tuple) {
  return Object::steal(as_tuple ? to_python(nonzero_as_tuple(x)) : to_python(nonzero(x)));
}
Tensor argwhere_op(const Tensor& x) { return nonzero(x); }
const RegisterAny nonzero_row(
    "nonzero(Tensor input, *, bool as_tuple=False) -> Tensor", nonzero_op,
    {.meaning = "Positions of the elements that are not zero, one row each."});
const RegisterAny argwhere_row(
    "argwhere(Tensor input) -> Tensor", argwhere_op,
    {.meaning = "Positions of the elements that are not zero, one row each."});

// --- unique ---

// Groups of equal slices: `order` lists the slices, group[i] is that of order[i].
struct Groups {
  std::vector<i64> first, inverse, counts;  // a member of each group; the group of each slice
};

template <class Same> Groups group(const std::vector<i64>& order, Same same) {
  Groups g;
  g.inverse.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !same(order[i - 1], order[i])) {
      g.first.push_back(order[i]);
      g.counts.push_back(0);
    }
    ++g.counts.back();
    g.inverse[static_cast<std::size_t>(order[i])] = static_cast<i64>(g.first.size()) - 1;
  }
  return g;
}

// x as (n, width) rows; nan differs from nan.
Groups group_rows(const Tensor& x, i64 n, i64 width, bool consecutive) {
  std::vector<i64> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), i64{0});
  Groups g;
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    const auto same = [&](i64 a, i64 b) {
      return std::equal(in + a * width, in + (a + 1) * width, in + b * width);
    };
    if (!consecutive) {
      if (width == 1) {
        using U = SortKey<T>;
        std::vector<KeyAt<U>> keys(static_cast<std::size_t>(2 * n));
        for (i64 i = 0; i < n; ++i) keys[static_cast<std::size_t>(i)] = {sort_key(in[i]), i};
        sort_keys(keys.data(), keys.data() + n, n);
        for (i64 i = 0; i < n; ++i)
          order[static_cast<std::size_t>(i)] = keys[static_cast<std::size_t>(i)].at;
      } else {
        std::stable_sort(order.begin(), order.end(), [&](i64 a, i64 b) {
          for (i64 k = 0; k < width; ++k) {
            const auto ka = sort_key(in[a * width + k]), kb = sort_key(in[b * width + k]);
            if (ka != kb) return ka < kb;
          }
          return false;
        });
      }
    }
    g = group(order, same);
  });
  return g;
}

Object unique_of(const char* node, const Tensor& input, bool consecutive, bool inverse, bool counts,
                 std::optional<i64> dim) {
  BACKLIT_CHECK(!dim || input.dim() > 0, Index, "Dimension specified as ", *dim,
                " but tensor has no dimensions");
  const int d = dim ? wrap_dim(*dim, input.dim()) : 0;
  for (int k = 0; dim && k < input.dim(); ++k)
    BACKLIT_CHECK(
        k == d || input.size(k) > 0, Runtime,
        "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
  Tensor x = detach(input);
  if (!dim || x.dim() == 0) x = reshape(x, Dims{-1});
  Tensor rows = d == 0 ? contiguous(x) : contiguous(transpose(x, 0, d));
  const i64 n = rows.size(0), width = n ? rows.numel() / n : 0;
  const Groups g = group_rows(rows, n, width, consecutive);
  const Tensor at = vector_of(g.first);
  Dims sizes(rows.sizes()), ones(rows.sizes());
  sizes[0] = at.numel();
  for (int k = 1; k < ones.size(); ++k) ones[k] = 1;
  ones[0] = at.numel();
  Tensor values = take_along(rows, 0, expand(reshape(at, ones), sizes));
  if (d != 0) values = contiguous(transpose(values, 0, d));
  values = record(node, values, {input}, {}, [consecutive, dim](Vjp&) {
    const char* name = consecutive ? "unique_consecutive" : dim ? "unique_dim" : "_unique2";
    fail(ErrorKind::NotImplemented, "the derivative for '", name, "' is not implemented.");
  });
  if (!inverse && !counts) return Object::steal(to_python(std::move(values)));
  std::vector<Tensor> out{values};
  if (inverse) {
    Tensor i = vector_of(g.inverse);
    out.push_back(dim ? i : i.alias(contiguous_layout(input.sizes())));
  }
  if (counts) out.push_back(vector_of(g.counts));
  return Object::steal(to_python(std::move(out)));
}
Object unique_op(const Tensor& x, bool, bool inverse, bool counts, std::optional<i64> dim) {
  return unique_of(dim ? "UniqueDimBackward0" : "Unique2Backward0", x, false, inverse, counts, dim);
}
Object unique_consecutive_op(const Tensor& x, bool inverse, bool counts, std::optional<i64> dim) {
  return unique_of("UniqueConsecutiveBackward0", x, true, inverse, counts, dim);
}
const Register unique_row(
    "unique(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False, "
    "int? dim=None) -> Tensor",
    unique_op, {.meaning = "The distinct elements (or slices along dim) in order."});
const Register unique_consecutive_row(
    "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False, int? "
    "dim=None) -> Tensor",
    unique_consecutive_op,
    {.meaning = "The elements (or slices along dim) without repetitions of the one before."});

// --- histograms ---

Tensor bincount_op(const Tensor& input, const Tensor& weights, i64 minlength) {
  BACKLIT_CHECK(!input.is_floating() && input.dtype() != Dtype::Bool, NotImplemented,
                "\"bincount_cpu\" not implemented for '", info(input.dtype()).scalar_name, "'");
  BACKLIT_CHECK(minlength >= 0, Runtime, "minlength should be >= 0");
  const Tensor x = contiguous(to_dtype(input, Dtype::Int64));
  const i64* in = x.data<i64>();
  i64 top = -1;
  bool valid = input.dim() == 1;
  for (i64 i = 0; i < x.numel(); ++i) {
    valid = valid && in[i] >= 0;
    top = std::max(top, in[i]);
  }
  BACKLIT_CHECK(valid, Runtime, "bincount only supports 1-d non-negative integral inputs.");
  const Dims size{std::max(top + 1, minlength)};
  if (!weights.defined() || input.numel() == 0) {  // PyTorch: without elements, without weights
    Tensor y = Tensor::zeros(size, Dtype::Int64);
    for (i64 i = 0; i < x.numel(); ++i) ++y.data<i64>()[in[i]];
    return y;
  }
  BACKLIT_CHECK(weights.dim() == 1 && weights.numel() == x.numel(), Runtime,
                "weights should be 1-d and have the same length as input");
  const Dtype d = weights.dtype() == Dtype::Float32 ? Dtype::Float32 : Dtype::Float64;
  const Tensor w = contiguous(to_dtype(detach(weights), Dtype::Float64));
  Tensor y = Tensor::zeros(size, Dtype::Float64);
  for (i64 i = 0; i < x.numel(); ++i) y.data<double>()[in[i]] += w.data<double>()[i];
  return to_dtype(y, d);
}
const Register bincount_row(
    "bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor", bincount_op,
    {.meaning = "How often each integer occurs, or the sum of its weights."});

Tensor histc_op(const Tensor& input, i64 bins, double low, double high) {
  BACKLIT_CHECK(input.is_floating(), NotImplemented, "\"histogram_cpu\" not implemented for '",
                info(input.dtype()).scalar_name, "'");
  BACKLIT_CHECK(bins > 0, Runtime, "histogram(): bins must be > 0, but got ", bins,
                " for dimension 0");
  const Tensor x = contiguous(to_dtype(detach(input), Dtype::Float64));
  if (low == high && x.numel() > 0) {
    low = reduce_all(Reduction::Min, x).item();
    high = reduce_all(Reduction::Max, x).item();
  }
  if (low == high) {
    low -= 1;
    high += 1;
  }
  BACKLIT_CHECK(std::isfinite(low) && std::isfinite(high), Runtime, "torch.histc: range of [", low,
                ", ", high, "] is not finite");
  BACKLIT_CHECK(low < high, Runtime, "histc: max must be larger than min");
  std::vector<i64> count(static_cast<std::size_t>(bins));
  for (i64 i = 0; i < x.numel(); ++i) {
    const double v = x.data<double>()[i];
    if (!(v >= low && v <= high)) continue;
    const auto bin = static_cast<i64>((v - low) * static_cast<double>(bins) / (high - low));
    ++count[static_cast<std::size_t>(std::min(bin, bins - 1))];
  }
  return to_dtype(vector_of(count), input.dtype());
}
const Register histc_row(
    "histc(Tensor input, int bins=100, float min=0, float max=0, *, Tensor? out=None) -> Tensor",
    histc_op, {.meaning = "Histogram over equal bins between min and max."});

// --- searchsorted ---

template <class T> i64 position(const T* from, i64 n, T v, bool right) {
  const auto before = [](const T& a, const T& b) { return sort_key(a) < sort_key(b); };
  return (right ? std::upper_bound(from, from + n, v, before)
                : std::lower_bound(from, from + n, v, before)) -
         from;
}

Tensor search(const Tensor& sequence, const Tensor& values, bool out_int32, bool right) {
  BACKLIT_CHECK(sequence.dim() > 0, Runtime,
                "torch.searchsorted(): boundaries tensor should have positive dimension");
  const bool shared = sequence.dim() == 1;
  bool fits = shared || sequence.dim() == values.dim();
  for (int k = 0; !shared && fits && k + 1 < sequence.dim(); ++k)
    fits = sequence.size(k) == values.size(k);
  BACKLIT_CHECK(
      fits, Runtime,
      "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
      "of "
      "boundaries tensor and input value tensor must match, but we got boundaries tensor ",
      to_string(sequence.sizes()), " and input value tensor ", to_string(values.sizes()));
  const Dtype d = promote_types(sequence.dtype(), values.dtype());
  const Tensor s = contiguous(to_dtype(detach(sequence), d)),
               v = contiguous(to_dtype(detach(values), d));
  Tensor y = Tensor::empty(values.sizes(), Dtype::Int64);
  const i64 n = s.size(-1), width = values.dim() ? std::max<i64>(values.size(-1), 1) : 1;
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(v.numel() >= 1 << 12);
    parallel_for(v.numel(), 1 << 10, [&](i64 begin, i64 end) {
      for (i64 i = begin; i < end; ++i)
        y.data<i64>()[i] =
            position(s.data<T>() + (shared ? 0 : i / width * n), n, v.data<T>()[i], right);
    });
  });
  return out_int32 ? to_dtype(y, Dtype::Int32) : y;
}

bool from_right(bool right, const std::optional<std::string>& side) {
  if (!side) return right;
  BACKLIT_CHECK(*side == "left" || *side == "right", Runtime,
                "torch.searchsorted(): side can only be 'left' or 'right' but got ", *side);
  BACKLIT_CHECK(!right || *side == "right", Runtime,
                "torch.searchsorted(): side and right can't be set to opposites, got side of ",
                *side, " while right was True");
  return *side == "right";
}
Tensor scalar_tensor(const Scalar& s) {
  return s.kind == Scalar::Kind::Float ? Tensor::scalar(s.d, default_dtype())
                                       : Tensor::scalar(static_cast<double>(s.i), Dtype::Int64);
}
Tensor searchsorted_op(const Tensor& sequence, const Tensor& values, bool out_int32, bool right,
                       std::optional<std::string> side, const Tensor& sorter) {
  Tensor s = sequence;
  if (sorter.defined()) s = take_along(detach(sequence), std::max(sequence.dim() - 1, 0), sorter);
  return search(s, values, out_int32, from_right(right, side));
}
Tensor searchsorted_scalar_op(const Tensor& sequence, Scalar value, bool out_int32, bool right,
                              std::optional<std::string> side, const Tensor& sorter) {
  return searchsorted_op(sequence, scalar_tensor(value), out_int32, right, side, sorter);
}
Tensor bucketize_op(const Tensor& x, const Tensor& boundaries, bool out_int32, bool right) {
  BACKLIT_CHECK(boundaries.dim() == 1, Runtime,
                "boundaries tensor must be 1 dimension, but got dim(", boundaries.dim(), ")");
  return search(boundaries, x, out_int32, right);
}
Tensor bucketize_scalar_op(Scalar x, const Tensor& boundaries, bool out_int32, bool right) {
  return bucketize_op(scalar_tensor(x), boundaries, out_int32, right);
}
constexpr RowOptions kSearch{
    .meaning = "Where values would be inserted to keep a sorted sequence sorted.",
    .method = false,
    .mixed = Mixed::Promoted};
const Register searchsorted_row(
    "searchsorted(Tensor sorted_sequence, Tensor input, *, bool out_int32=False, bool right=False, "
    "str? side=None, Tensor? sorter=None, Tensor? out=None) -> Tensor",
    searchsorted_op, kSearch);
const Register searchsorted_scalar_row(
    "searchsorted(Tensor sorted_sequence, Scalar input, *, bool out_int32=False, bool right=False, "
    "str? side=None, Tensor? sorter=None, Tensor? out=None) -> Tensor",
    searchsorted_scalar_op, kSearch);
const Register bucketize_row(
    "bucketize(Tensor input, Tensor boundaries, *, bool out_int32=False, bool right=False, Tensor? "
    "out=None) -> "
    "Tensor",
    bucketize_op, kSearch);
const Register bucketize_scalar_row(
    "bucketize(Scalar input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
    "Tensor",
    bucketize_scalar_op, kSearch);

Tensor isin_op(const Tensor& elements, const Tensor& tests, bool, bool invert) {
  const Dtype d = promote_types(elements.dtype(), tests.dtype());
  const Tensor x = contiguous(to_dtype(detach(elements), d)),
               set = contiguous(to_dtype(detach(tests), d));
  Tensor y = Tensor::empty(x.sizes(), Dtype::Bool);
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    std::vector<SortKey<T>> keys;
    for (i64 i = 0; i < set.numel(); ++i) {
      const T v = set.data<T>()[i];
      if (v == v) keys.push_back(sort_key(v));  // nan is in no set
    }
    std::sort(keys.begin(), keys.end());
    for (i64 i = 0; i < x.numel(); ++i) {
      const T v = x.data<T>()[i];
      y.data<bool>()[i] =
          (v == v && std::binary_search(keys.begin(), keys.end(), sort_key(v))) != invert;
    }
  });
  return y;
}
Tensor isin_test_scalar_op(const Tensor& elements, Scalar test, bool unique, bool invert) {
  return isin_op(elements, scalar_tensor(test), unique, invert);
}
Tensor isin_scalar_op(Scalar element, const Tensor& tests, bool unique, bool invert) {
  return isin_op(scalar_tensor(element), tests, unique, invert);
}
constexpr RowOptions kIsin{.meaning = "Whether each element is one of the test elements.",
                           .method = false,
                           .mixed = Mixed::Promoted};
const Register isin_row(
    "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False, "
    "Tensor? out=None) "
    "-> Tensor",
    isin_op, kIsin);
const Register isin_row2(
    "isin(Tensor elements, Scalar test_element, *, bool assume_unique=False, bool invert=False, "
    "Tensor? out=None) -> "
    "Tensor",
    isin_test_scalar_op, kIsin);
const Register isin_row3(
    "isin(Scalar element, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> "
    "Tensor",
    isin_scalar_op, kIsin);

}  // namespace
}  // namespace backlit::ops
