// Averages of windows: sums, which are linear maps of their own (resample.h), divided by how many
// elements count.
#include <algorithm>
#include <array>

#include "base/threads.h"
#include "ops/adaptive.h"
#include "ops/arithmetic.h"
#include "ops/pooling.h"
#include "ops/reductions.h"
#include "ops/resample.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// Windows along one axis: their sums, and by what each is divided.
struct Averages {
  AxisMap sums;
  std::vector<i64> counts;
};

// The sums of windows, each divided by the product of the counts of its axes.
struct Average {
  PlaneMapRef sums;
  std::array<std::vector<i64>, 3> counts;

  // By what planes of the outputs are divided, to be broadcast; one element where that is all.
  Tensor divisor(Dtype dtype) const;
};

Average average(std::vector<Averages> axes) {
  Average a{nullptr, {}};
  std::vector<AxisMap> sums;
  for (std::size_t d = 0; d < axes.size(); ++d) {
    sums.push_back(std::move(axes[d].sums));
    a.counts[d + 3 - axes.size()] = std::move(axes[d].counts);
  }
  a.sums = plane_map(std::move(sums));
  return a;
}

Tensor Average::divisor(Dtype dtype) const {
  Dims sizes;
  bool same = true;
  for (const auto& c : counts) {
    same &= std::ranges::all_of(c, [&](i64 n) { return n == c[0]; });
    if (!c.empty()) sizes.push_back(static_cast<i64>(c.size()));
  }
  const auto part = [](const std::vector<i64>& c, i64 j) {
    return c.empty() ? i64{1} : c[static_cast<std::size_t>(j)];
  };
  if (same) {
    Tensor one = Tensor::empty(Dims{}, dtype);
    Scalar(part(counts[0], 0) * part(counts[1], 0) * part(counts[2], 0)).write(one.raw(), dtype);
    return one;
  }
  Tensor all = Tensor::empty(sizes, dtype);
  char* to = all.raw();
  const auto length = [](const auto& c) { return std::max<i64>(static_cast<i64>(c.size()), 1); };
  for (i64 d = 0; d < length(counts[0]); ++d)
    for (i64 h = 0; h < length(counts[1]); ++h)
      for (i64 w = 0; w < length(counts[2]); ++w, to += size_of(dtype))
        Scalar(part(counts[0], d) * part(counts[1], h) * part(counts[2], w)).write(to, dtype);
  return all;
}

// y /= divisor, towards zero for integers; y is ours.
void divide(const Tensor& y, const Tensor& divisor) {
  if (y.is_floating()) {
    GradMode off(false);
    return copy_in_place(y, div(y, divisor));
  }
  const i64 n = divisor.numel();
  for (i64 i = 0; i < y.numel(); ++i) y.data<i64>()[i] /= divisor.data<i64>()[i % n];
}

Tensor average_of(const Tensor& x, Average a, const ResampleNames& names) {
  Tensor y = resampled(x, *a.sums);
  if (y.numel() > 0) divide(y, a.divisor(y.dtype()));
  return record(names.forward, std::move(y), {x}, {}, [a = std::move(a), names](Vjp& v) {
    const Tensor g = v.g().numel() > 0 ? div(v.g(), a.divisor(v.g().dtype())) : v.g();
    v.set(0, resample(g, transposed(*a.sums), {names.backward, names.forward}));
  });
}

// ---- a grid of windows

Averages windows_of(const PoolAxis& a, bool include_pad) {
  Averages w;
  w.sums.in = a.in;
  w.sums.out = a.out;
  for (i64 j = 0; j < a.out; ++j) {
    const i64 start = j * a.stride - a.pad, padded_end = std::min(start + a.kernel, a.in + a.pad);
    const i64 begin = std::max<i64>(start, 0), end = std::min(padded_end, a.in);
    for (i64 i = begin; i < end; ++i) w.sums.index.push_back(i);
    w.sums.end_output();
    // a window beside the input, which ceil_mode can make, is 0
    w.counts.push_back(begin >= end ? 1 : include_pad ? padded_end - start : end - begin);
  }
  return w;
}

Tensor avg_pool(const Tensor& x, const PoolArguments& a, bool include_pad,
                std::optional<i64> divisor, const char* kernel) {
  BACKLIT_CHECK(!divisor || *divisor != 0, Runtime, "divisor must be not zero");
  const PoolGrid g = pool_grid(x, a);
  BACKLIT_CHECK(x.is_floating() || x.dtype() == Dtype::Int64, NotImplemented, "\"", kernel,
                "\" not implemented for '", info(x.dtype()).scalar_name, "'");
  std::vector<Averages> axes;
  for (int d = 3 - a.dims; d < 3; ++d) axes.push_back(windows_of(g.axes[d], include_pad));
  if (divisor)
    for (std::size_t d = 0; d < axes.size(); ++d)
      std::ranges::fill(axes[d].counts, d == 0 ? *divisor : 1);
  const ResampleNames names =
      a.dims == 2 ? ResampleNames{"AvgPool2DBackward0", "AvgPool2DBackwardBackward0"}
                  : ResampleNames{"AvgPool3DBackward0", "AvgPool3DBackwardBackward0"};
  return average_of(x, average(std::move(axes)), names);
}

template <int kDims>
Tensor avg_pool_op(const Tensor& x, const Dims& kernel, const std::optional<Dims>& stride,
                   const Dims& padding, bool ceil_mode, bool count_include_pad,
                   std::optional<i64> divisor) {
  const char* name = kDims == 2 ? "avg_pool2d" : "avg_pool3d";
  return avg_pool(
      x, {name, Pooling::Average, kDims, kernel, stride.value_or(Dims{}), padding, {1}, ceil_mode},
      count_include_pad, divisor, kDims == 2 ? "avg_pool2d" : "avg_pool3d_out_frame");
}

Tensor avg_pool1d_op(const Tensor& x, const Dims& kernel, const std::optional<Dims>& given,
                     const Dims& padding, bool ceil_mode, bool count_include_pad) {
  check_one_int("avg_pool1d", "kernel_size", kernel);
  const Dims stride = given && !given->empty() ? *given : kernel;
  check_one_int("avg_pool1d", "stride", stride);
  check_one_int("avg_pool1d", "padding", padding);
  check_pool1d_input("avg_pool1d", x);
  const Tensor y = avg_pool_op<2>(unsqueeze(x, -2), {1, kernel[0]}, Dims{1, stride[0]},
                                  {0, padding[0]}, ceil_mode, count_include_pad, std::nullopt);
  return squeeze(y, Dims{-2});
}

// ---- windows of an adaptive grid

Averages parts_of(i64 in, i64 out) {
  Averages w;
  w.sums.in = in;
  w.sums.out = out;
  for (i64 j = 0; j < out; ++j) {
    const i64 begin = adaptive_begin(j, in, out), end = adaptive_end(j, in, out);
    for (i64 i = begin; i < end; ++i) w.sums.index.push_back(i);
    w.sums.end_output();
    w.counts.push_back(end - begin);
  }
  return w;
}

template <int kDims> Tensor adaptive_avg_pool_op(const Tensor& x, const Dims& output) {
  const char* name = kDims == 2 ? "adaptive_avg_pool2d" : "adaptive_avg_pool3d";
  BACKLIT_CHECK(output.size() == kDims, Runtime, name, ": output_size must be ", kDims);
  const bool valid = std::ranges::all_of(Span(output), [](i64 n) { return n >= 0; });
  if (!valid)  // with PyTorch's spacing
    fail(ErrorKind::Runtime, name,
         ": elements of output_size must be greater than or equal to 0 but received {", output[0],
         ", ", output[1], kDims == 3 ? concat(",", output[kDims - 1]) : "", "}");
  if (std::ranges::all_of(Span(output), [](i64 n) { return n == 1; })) {
    Dims all;
    for (int d = 1; d <= kDims; ++d) all.push_back(-d);
    return mean(x, all, true);
  }
  BACKLIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, Runtime, name, "(): Expected ",
                kDims + 1, "D or ", kDims + 2, "D tensor, but got ", to_string(x.sizes()));
  check_not_empty(name, x, kDims == 2 ? x.dim() - 2 : 1);
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"",
                kDims == 2 ? "adaptive_avg_pool2d" : "adaptive_avg_pool3d_cpu",
                "\" not implemented for '", info(x.dtype()).scalar_name, "'");
  std::vector<Averages> axes;
  for (int d = 0; d < kDims; ++d) axes.push_back(parts_of(x.size(d - kDims), output[d]));
  const ResampleNames names =
      kDims == 2
          ? ResampleNames{"AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool2DBackwardBackward0"}
          : ResampleNames{"AdaptiveAvgPool3DBackward0", "AdaptiveAvgPool3DBackwardBackward0"};
  return average_of(x, average(std::move(axes)), names);
}

Tensor adaptive_avg_pool1d_op(const Tensor& x, const Dims& output) {
  check_pool1d_input("adaptive_avg_pool1d", x);
  check_one_int("adaptive_avg_pool1d", "output_size", output);
  return squeeze(adaptive_avg_pool_op<2>(unsqueeze(x, -2), {1, output[0]}), Dims{-2});
}

#define BACKLIT_AVERAGE_ARGUMENTS                                                  \
  "Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, bool " \
  "ceil_mode=False, "                                                              \
  "bool count_include_pad=True"

constexpr const char* kMeaning = "The average of each window.";
constexpr const char* kFormula = "y[j] = 1/nⱼ Σₖ x[j·stride − padding + k], 0 ≤ k < kernel";
constexpr const char* kGradient = "∂L/∂x[i] = Σ over windows j with i in them of 1/nⱼ ∂L/∂y[j]";

const Register avg_pool1d_row(
    "avg_pool1d(" BACKLIT_AVERAGE_ARGUMENTS ") -> Tensor", avg_pool1d_op,
    {.meaning = kMeaning, .formula = kFormula, .gradient = kGradient, .method = false});
const Register avg_pool2d_row("avg_pool2d(" BACKLIT_AVERAGE_ARGUMENTS
                              ", int? divisor_override=None) -> Tensor",
                              avg_pool_op<2>,
                              {.meaning = kMeaning,
                               .formula = kFormula,
                               .gradient = kGradient,
                               .home = "nn",
                               .node = "AvgPool2DBackward0"});
const Register avg_pool3d_row("avg_pool3d(" BACKLIT_AVERAGE_ARGUMENTS
                              ", int? divisor_override=None) -> Tensor",
                              avg_pool_op<3>,
                              {.meaning = kMeaning,
                               .formula = kFormula,
                               .gradient = kGradient,
                               .home = "nn",
                               .node = "AvgPool3DBackward0"});

constexpr const char* kAdaptive = "The average of each of as many windows as asked for.";
constexpr const char* kAdaptiveFormula =
    "y[j] = mean of x[⌊j·n/m⌋], ..., x[⌈(j + 1)·n/m⌉ − 1], n inputs, m outputs";
const Register adaptive1d_row(
    "adaptive_avg_pool1d(Tensor input, int[1] output_size) -> Tensor", adaptive_avg_pool1d_op,
    {.meaning = kAdaptive, .formula = kAdaptiveFormula, .gradient = kGradient, .method = false});
const Register adaptive2d_row("adaptive_avg_pool2d(Tensor input, int[] output_size) -> Tensor",
                              adaptive_avg_pool_op<2>,
                              {.meaning = kAdaptive,
                               .formula = kAdaptiveFormula,
                               .gradient = kGradient,
                               .home = "nn",
                               .node = "AdaptiveAvgPool2DBackward0"});
const Register adaptive3d_row("adaptive_avg_pool3d(Tensor input, int[] output_size) -> Tensor",
                              adaptive_avg_pool_op<3>,
                              {.meaning = kAdaptive,
                               .formula = kAdaptiveFormula,
                               .gradient = kGradient,
                               .home = "nn",
                               .node = "AdaptiveAvgPool3DBackward0"});

}  // namespace
}  // namespace backlit::ops
