// scatter_reduce, index_reduce, scatter with reduce=: elements that meet at an index are combined.
#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "ops/along.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

enum class Combine : std::uint8_t { Sum, Prod, Mean, Max, Min };

Put put_of(Combine c) {
  switch (c) {
    case Combine::Prod: return Put::Multiply;
    case Combine::Max: return Put::Max;
    case Combine::Min: return Put::Min;
    default: return Put::Add;
  }
}

// What changes nothing when it is combined with another value.
Tensor neutral(Combine c, Dtype dtype) {
  Tensor t = Tensor::empty(Dims{}, dtype);
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    using Limits = std::numeric_limits<T>;
    T value{};
    if (c == Combine::Prod) value = T{1};
    if (c == Combine::Max) value = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    if (c == Combine::Min) value = Limits::has_infinity ? Limits::infinity() : Limits::max();
    *t.data<T>() = value;
  });
  return t;
}

struct Reduction {
  Combine combine;
  int dim;
  bool include_self;
};

Tensor reduced(const Reduction& r, const Tensor& x, const Tensor& index, const Tensor& src);

// How many values meet at each place, at least 1.
Tensor counts(const Reduction& r, Span sizes, const Tensor& index, Dtype dtype) {
  const Tensor start = Tensor::full(sizes, r.include_self ? 1 : 0, dtype);
  const Tensor ones = expand(Tensor::scalar(1, dtype), index.sizes());
  return apply<formulas::Maximum>(scatter_add(start, r.dim, index, ones), Scalar(1));
}

void combine_into(const Reduction& r, const Tensor& y, const Tensor& index, const Tensor& src) {
  const Axis axis{r.dim, to_dtype(detach(index), Dtype::Int64)};
  if (!r.include_self) put_along(y, axis, neutral(r.combine, y.dtype()), Put::Store);
  put_along(y, axis, src, put_of(r.combine));
  if (r.combine != Combine::Mean) return;
  const Tensor n = counts(r, y.sizes(), index, y.dtype());
  copy_in_place(y, y.is_floating() ? div(y, n) : apply<formulas::FloorDivide>(y, n));
}

// --- gradients ---

// Where x takes no part its gradient is 0.
void set_own(const Reduction& r, Vjp& v, const Tensor& index, const Tensor& g) {
  v.set(0, r.include_self ? g : scatter_value(g, r.dim, index, Scalar(0)));
}

Tensor is_zero(const Tensor& t) { return apply<formulas::Eq>(detach(t), Scalar(0)); }

void product_rule(const Reduction& r, Vjp& v, const Tensor& index, const Tensor& x,
                  const Tensor& src) {
  if (v.needs(0)) {
    // the product of the other factors: x divides out, replaced by 1 where it is 0
    const Tensor factor = where(is_zero(x), Scalar(1.0), x);
    set_own(r, v, index, mul(v.g(), div(reduced(r, factor, index, src), factor)));
  }
  if (!v.needs(1)) return;
  const Tensor zero = is_zero(src);
  const Tensor zeros =
      scatter_add(Tensor::zeros(x.sizes(), src.dtype()), r.dim, index, to_dtype(zero, src.dtype()));
  const Tensor only_zero = apply<formulas::LogicalAnd>(
      zero, apply<formulas::Eq>(gather(zeros, r.dim, index), Scalar(1.0)));
  const auto at_index = [&](const Tensor& factors) {
    return gather(reduced(r, x, index, factors), r.dim, index);
  };
  const Tensor divided = div(at_index(src), where(zero, Scalar(1.0), src));
  const Tensor others = where(only_zero, at_index(where(only_zero, Scalar(1.0), src)), divided);
  v.set(1, mul(gather(v.g(), r.dim, index), others));
}

// Values that equal the result share its gradient evenly.
void extreme_rule(const Reduction& r, Vjp& v, const Tensor& index, const Tensor& x,
                  const Tensor& src, const Tensor& y) {
  const Dtype dtype = y.dtype();
  Tensor own = to_dtype(apply<formulas::Eq>(detach(x), detach(y)), dtype);
  if (!r.include_self) own = scatter_value(own, r.dim, index, Scalar(0));
  const Tensor theirs =
      to_dtype(apply<formulas::Eq>(detach(src), gather(detach(y), r.dim, index)), dtype);
  const Tensor share = div(v.g(), scatter_add(own, r.dim, index, theirs));
  if (v.needs(0)) v.set(0, mul(share, own));
  if (v.needs(1)) v.set(1, mul(gather(share, r.dim, index), theirs));
}

void reduction_rule(const Reduction& r, Vjp& v) {
  const Tensor index = v.saved(0);
  if (r.combine == Combine::Prod) return product_rule(r, v, index, v.saved(1), v.saved(2));
  if (r.combine == Combine::Max || r.combine == Combine::Min)
    return extreme_rule(r, v, index, v.saved(1), v.saved(2), v.saved(3));
  const Tensor g = r.combine == Combine::Sum
                       ? v.g()
                       : div(v.g(), counts(r, v.g().sizes(), index, v.g().dtype()));
  if (v.needs(0)) set_own(r, v, index, g);
  if (v.needs(1)) v.set(1, gather(g, r.dim, index));
}

// --- the operations ---

template <class How>
Tensor reduce_as(How how, const char* name, const Reduction& r, const Tensor& x,
                 const Tensor& index, const Tensor& src) {
  const bool extreme = r.combine == Combine::Max || r.combine == Combine::Min;
  const auto change = [&](const Tensor& y) { combine_into(r, y, index, src); };
  const auto rule = [r](Vjp& v) { reduction_rule(r, v); };
  if (!extreme && r.combine != Combine::Prod) return how(name, {x, src}, {index}, change, rule);
  // the gradient reads what x was
  const Tensor before = How::kInPlace && should_record({x, src}) ? clone(x) : x;
  return how(name, {x, src}, {index, before, src}, change, rule, extreme);
}

Tensor reduced(const Reduction& r, const Tensor& x, const Tensor& index, const Tensor& src) {
  return reduce_as(OnCopy{x}, "ScatterReduceBackward0", r, x, index, src);
}

template <class How>
Tensor scatter_reduce_as(How how, const Tensor& x, std::int64_t dim, const Tensor& index,
                         const Tensor& src, const std::string& reduce, bool include_self) {
  constexpr std::pair<std::string_view, Combine> kNames[] = {{"sum", Combine::Sum},
                                                             {"prod", Combine::Prod},
                                                             {"mean", Combine::Mean},
                                                             {"amax", Combine::Max},
                                                             {"amin", Combine::Min}};
  const auto* found = std::ranges::find(kNames, reduce, [](const auto& n) { return n.first; });
  BACKLIT_CHECK(found != std::end(kNames), Runtime,
                "reduce argument must be either sum, prod, mean, amax or amin, got ", reduce);
  const Axis axis = scatter_axis("scatter", x, dim, index, src);
  return reduce_as(how, "ScatterReduceBackward0", {found->second, axis.dim, include_self}, x, index,
                   index.numel() ? matching(src, index) : src);
}
Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self) {
  return scatter_reduce_as(OnCopy{x}, x, dim, index, src, reduce, include_self);
}
Tensor scatter_reduce_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                               const Tensor& src, const std::string& reduce, bool include_self) {
  return scatter_reduce_as(OnItself{x}, x, dim, index, src, reduce, include_self);
}

// The same for whole slices: index is one number per slice of source.
template <class How>
Tensor index_reduce_as(How how, const Tensor& x, std::int64_t dim, const Tensor& index,
                       const Tensor& source, const std::string& reduce, bool include_self) {
  constexpr std::pair<std::string_view, Combine> kNames[] = {{"prod", Combine::Prod},
                                                             {"mean", Combine::Mean},
                                                             {"amax", Combine::Max},
                                                             {"amin", Combine::Min}};
  const auto* found = std::ranges::find(kNames, reduce, [](const auto& n) { return n.first; });
  BACKLIT_CHECK(found != std::end(kNames), Runtime,
                "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ",
                reduce, ".");
  const int d = wrap_dim(dim, x.dim());
  check_slice_source("index_reduce_", x, d, index, source);
  check_slices(index, d, x.dim() ? x.layout().size(d) : 1);
  Dims column;
  for (int k = 0; k < source.dim(); ++k) column.push_back(k == d ? index.numel() : 1);
  const Tensor each = expand(view(contiguous(detach(index)), column), source.sizes());
  return reduce_as(how, "IndexReduceBackward0", {found->second, d, include_self}, x, each, source);
}
Tensor index_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                    const std::string& reduce, bool include_self) {
  return index_reduce_as(OnCopy{x}, x, dim, index, source, reduce, include_self);
}
Tensor index_reduce_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                             const Tensor& source, const std::string& reduce, bool include_self) {
  return index_reduce_as(OnItself{x}, x, dim, index, source, reduce, include_self);
}

constexpr const char* kGradient =
    "∂L/∂x = ∂L/∂y · ∂y/∂x; ∂L/∂src = (∂L/∂y gathered at index) · ∂y/∂src; equal extremes share it";
const RowOptions kScatterReduce{
    .meaning =
        "The elements that index names along dim, combined with src by sum, prod, mean, "
        "amax or amin.",
    .formula = "y = x; y[indexᵢⱼ, j] = reduce(y[indexᵢⱼ, j], srcᵢⱼ)",
    .gradient = kGradient};
const RowOptions kIndexReduce{
    .meaning =
        "The slices that index names, combined with those of source by prod, mean, amax or "
        "amin.",
    .formula = "y = x; y[indexᵢ] = reduce(y[indexᵢ], sourceᵢ)",
    .gradient = kGradient};
RowOptions method(RowOptions options) {
  options.function = false;
  return options;
}
const Register scatter_reduce_row(
    "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool "
    "include_self=True) -> Tensor",
    scatter_reduce, kScatterReduce);
const Register scatter_reduce_in_place_row(
    "scatter_reduce_(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool "
    "include_self=True) -> Tensor",
    scatter_reduce_in_place, method(kScatterReduce));
const Register index_reduce_row(
    "index_reduce(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool "
    "include_self=True) -> Tensor",
    index_reduce, kIndexReduce);
const Register index_reduce_in_place_row(
    "index_reduce_(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool "
    "include_self=True) -> Tensor",
    index_reduce_in_place, method(kIndexReduce));

}  // namespace

Tensor scatter_with(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src,
                    const std::string& reduce, bool in_place) {
  BACKLIT_CHECK(reduce == "add" || reduce == "multiply", Runtime,
                "reduce argument must be either add or multiply.");
  const std::string name = reduce == "add" ? "sum" : "prod";
  const Tensor each = src.dim() == 0 ? expand(src, index.sizes()) : src;
  return in_place ? scatter_reduce_in_place(x, dim, index, each, name, true)
                  : scatter_reduce(x, dim, index, each, name, true);
}

}  // namespace backlit::ops
