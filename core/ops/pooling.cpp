#include "ops/pooling.h"

#include <algorithm>
#include <string>

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

const char* in_words(int dims) { return dims == 2 ? "two" : "three"; }

// One number stands for all; `what` is what PyTorch wants to see.
Dims per_axis(const PoolArguments& a, const char* argument, const Dims& given, const char* what) {
  BACKLIT_CHECK(given.size() == 1 || given.size() == a.dims, Runtime, a.name, ": ", argument, " ",
                what, " a single int, or a tuple of ", in_words(a.dims), " ints. Got ",
                to_string(given), ".");
  Dims all = given;
  while (all.size() < a.dims) all.push_back(given[0]);
  return all;
}

void expand_arguments(PoolArguments& a) {
  const bool plain = a.pooling == Pooling::Average && a.dims == 3;
  const char* must = plain ? "must be" : "must either be";
  a.kernel = per_axis(a, "kernel_size", a.kernel, must);
  a.stride = a.stride.empty() ? a.kernel
                              : per_axis(a, "stride", a.stride,
                                         plain ? "must be omitted," : "must either be omitted,");
  a.padding = per_axis(a, "padding", a.padding, must);
  a.dilation = per_axis(a, "dilation", a.dilation, "must be either");
}

i64 divide_down(i64 a, i64 b) {
  const i64 q = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

// The outputs of an axis; a last window that begins behind the input is left out.
i64 output_size(const PoolAxis& a, bool ceil_mode) {
  BACKLIT_CHECK(a.stride != 0, Runtime, "stride should not be zero");
  BACKLIT_CHECK(a.pad >= 0, Runtime, "pad must be non-negative, but got pad: ", a.pad);
  const i64 reach = a.dilation * (a.kernel - 1) + 1;
  BACKLIT_CHECK(a.pad <= reach / 2, Runtime,
                "pad should be at most half of effective kernel size, but got pad=", a.pad,
                ", kernel_size=", a.kernel, " and dilation=", a.dilation);
  const i64 room = a.in + 2 * a.pad - reach + (ceil_mode ? a.stride - 1 : 0);
  i64 out = divide_down(room, a.stride) + 1;
  if (ceil_mode && (out - 1) * a.stride >= a.in + a.pad) --out;
  return out;
}

// "kH: 2 kW: 3"
std::string named(const char* what, const Dims& values) {
  constexpr const char* kAxes[] = {"T", "H", "W"};
  std::string text;
  for (int d = 0; d < values.size(); ++d)
    text += concat(d ? " " : "", what, kAxes[3 - values.size() + d], ": ", values[d]);
  return text;
}

void check_positive(const char* argument, const char* letter, const Dims& values) {
  BACKLIT_CHECK(std::all_of(values.begin(), values.end(), [](i64 v) { return v > 0; }), Runtime,
                argument, " should be greater than zero, but got ", named(letter, values));
}

void check_shape(const Tensor& x, const PoolArguments& a) {
  const Span sizes = x.sizes();
  const auto rank = static_cast<std::size_t>(a.dims) + 1;
  const bool some = (sizes.size() == rank || sizes.size() == rank + 1) &&
                    std::ranges::all_of(sizes.last(rank), [](i64 n) { return n > 0; });
  if (some) return;
  BACKLIT_CHECK(a.dims == 3, Runtime,
                "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, "
                "but got:",
                to_string(sizes));
  const auto spatial = sizes.last(rank);
  const auto empty = std::ranges::find(spatial, 0) - spatial.begin();
  fail(ErrorKind::Runtime,
       a.pooling == Pooling::Max ? "max_pool3d_with_indices_out_cpu_template" : "avg_pool3d",
       "(): Expected input's non-batch dimensions to have positive length, but input has a shape "
       "of ",
       to_string(sizes), " and non-batch dimension ", empty, " has length zero!");
}

void check_output(const Tensor& x, const PoolArguments& a, const PoolGrid& g) {
  const PoolAxis* axes = g.axes + 3 - a.dims;
  Dims in, out;
  bool smaller = false, none = false;
  for (int d = 0; d < a.dims; ++d) {
    in.push_back(axes[d].in);
    out.push_back(axes[d].out);
    smaller |= axes[d].in < axes[d].kernel;
    none |= axes[d].out < 1;
  }
  BACKLIT_CHECK(!smaller || a.dims != 3 || a.pooling != Pooling::Average, Runtime, "input image (",
                named("", in), ") smaller than kernel size (", named("k", a.kernel), ")");
  if (!none) return;
  const auto times = [&](const Dims& sizes) {
    std::string text = concat(x.size(-a.dims - 1));
    for (const i64 n : sizes) text += concat("x", n);
    return text;
  };
  fail(ErrorKind::Runtime, "Given input size: (", times(in), "). Calculated output size: (",
       times(out), "). Output size is too small");
}

}  // namespace

Dims PoolGrid::result_sizes(Span x) const {
  Dims sizes(x);
  for (int d = 1; d <= dims; ++d) sizes[sizes.size() - d] = axes[3 - d].out;
  return sizes;
}

PoolGrid pool_grid(const Tensor& x, const PoolArguments& given) {
  PoolArguments a = given;
  expand_arguments(a);
  if (a.pooling == Pooling::Max || a.dims == 3)
    BACKLIT_CHECK(x.dim() == a.dims + 1 || x.dim() == a.dims + 2, Runtime, "non-empty ", a.dims + 1,
                  "D or ", a.dims + 2, "D (batch mode) tensor expected for input");
  else
    x.size(-3);  // throws for an image without channels
  PoolGrid g{a.dims, {}};
  for (int d = 0; d < 3; ++d) {
    const int from = d - 3 + a.dims;
    PoolAxis& axis = g.axes[d];
    if (from < 0) {
      axis = {1, 1, 1, 1, 0, 1};
      continue;
    }
    axis = {x.size(d - 3), 0, a.kernel[from], a.stride[from], a.padding[from], a.dilation[from]};
    axis.out = output_size(axis, a.ceil_mode);
  }
  check_positive("kernel size", "k", a.kernel);
  check_positive("stride", "d", a.stride);
  check_positive("dilation", "dilation", a.dilation);
  check_shape(x, a);
  check_output(x, a, g);
  return g;
}

void check_max_pool1d(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                      const Dims& dilation, bool ceil_mode) {
  const Span sizes = x.sizes();
  BACKLIT_CHECK((sizes.size() == 2 && sizes[0] != 0 && sizes[1] != 0) ||
                    (sizes.size() == 3 && sizes[1] != 0 && sizes[2] != 0),
                Runtime,
                "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size "
                "for input, but got:",
                to_string(sizes));
  const auto one = [](const char* argument, const char* kinds, const Dims& v) {
    BACKLIT_CHECK(v.size() == 1, Runtime, "max_pool1d() ", argument, " must be ", kinds,
                  " of ints of size 1 but got size ", v.size());
    return v[0];
  };
  const i64 k = one("kernel_size", "an int, list of ints or tuple", kernel);
  const i64 s = stride.empty() ? k : one("stride", "None, an int, list of ints, or tuple", stride);
  const i64 p = one("padding", "an int, list of ints, or tuple", padding);
  const i64 d = one("dilation", "an int, list of ints, or tuple", dilation);
  const auto positive = [](const char* argument, i64 v) {
    BACKLIT_CHECK(v > 0, Runtime, "max_pool1d() ", argument, " must be greater than zero, but got ",
                  v);
  };
  positive("kernel_size", k);
  positive("stride", s);
  BACKLIT_CHECK(p >= 0, Runtime, "max_pool1d() padding must be non-negative, but got ", p);
  BACKLIT_CHECK(p <= k / 2, Runtime,
                "max_pool1d() padding should be at most half of kernel size, but got padding=", p,
                " and kernel_size=", k);
  positive("dilation", d);
  const i64 out = output_size({sizes.back(), 0, k, s, p, d}, ceil_mode);
  BACKLIT_CHECK(out > 0, Runtime, "max_pool1d() Invalid computed output size: ", out);
}

void check_pool1d_input(const char* name, const Tensor& x) {
  BACKLIT_CHECK(
      x.dim() == 2 || x.dim() == 3, Runtime, "Expected 2 to 3 dimensions, but got ", x.dim(),
      "-dimensional tensor for argument #1 'self' (while checking arguments for ", name, ")");
}

void check_one_int(const char* name, const char* argument, const Dims& given) {
  BACKLIT_CHECK(given.size() == 1, Runtime, name, "() argument '", argument,
                "' should contain one int (got ", given.size(), ")");
}

void check_not_empty(const char* name, const Tensor& x, int first) {
  for (int d = first; d < x.dim(); ++d)
    BACKLIT_CHECK(x.size(d) > 0, Runtime, name,
                  "(): Expected input to have non-zero size for non-batch dimensions, but input "
                  "has sizes ",
                  to_string(x.sizes()), " with dimension ", d, " being empty");
}

}  // namespace backlit::ops
