// Max pooling over a grid of windows, and adaptive max pooling.
#include "ops/max_pool.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/threads.h"
#include "kernels/isa.h"
#include "ops/adaptive.h"
#include "ops/arithmetic.h"
#include "ops/chosen.h"
#include "ops/pooling.h"
#include "ops/views.h"

namespace backlit::ops {

const MaxPoolTable& max_pool_table() {
  static const auto& best = best_table<MaxPoolTable>("MaxPoolTable");
  return best;
}

Maxima empty_maxima(const Tensor& x, Span sizes, bool with_places) {
  Maxima y{Tensor::empty(sizes, x.dtype()), Tensor()};
  y.values->inference = modes.inference;
  if (!with_places) return y;
  y.places = Tensor::empty(sizes, Dtype::Int64);
  y.places->inference = modes.inference;
  return y;
}

Maxima record_maxima(const char* name, const char* backward, const Tensor& x, Maxima y, int dims) {
  y.values = record(name, std::move(y.values), {x}, {y.places},
                    [sizes = Dims(x.sizes()), dims, backward](Vjp& v) {
                      v.set(0, put_back(v.g(), v.saved(0), sizes, dims, backward));
                    });
  return y;
}

namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 15;  // elements of windows of one chunk of lines

// [places < output size) that tap k of an axis has.
std::pair<i64, i64> outputs_of_tap(const PoolAxis& a, i64 k) {
  const i64 shift = a.pad - k * a.dilation;  // input j * stride - shift
  const i64 first = shift > 0 ? (shift + a.stride - 1) / a.stride : 0;
  const i64 beyond = a.in + shift;  // j * stride < beyond
  const i64 last = beyond > 0 ? (beyond + a.stride - 1) / a.stride : 0;
  return {std::min(first, a.out), std::min(last, a.out)};
}

void run_grid(const Tensor& x, const Maxima& y, const PoolGrid& g) {
  const PoolAxis& w = g.axes[2];
  std::vector<i64> first, last;
  for (i64 k = 0; k < w.kernel; ++k) {
    const auto [a, b] = outputs_of_tap(w, k);
    first.push_back(a);
    last.push_back(b);
  }
  const MaxPoolGrid grid{{g.axes[0], g.axes[1], w}, first.data(), last.data()};
  const i64 lines = y.values.numel() / w.out;
  const i64 work = w.out * g.axes[0].kernel * g.axes[1].kernel * w.kernel;
  visit_max_pool(x, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    const GilRelease release(lines * work >= kGilReleaseElements);
    parallel_for(lines, kTask / work + 1, [&](i64 begin, i64 end) {
      const auto scratch = std::make_unique_for_overwrite<i64[]>(
          static_cast<std::size_t>(y.places.defined() ? w.out : 0));
      kernels.grid(x.data<T>(), y.values.data<T>(),
                   y.places.defined() ? y.places.data<i64>() : nullptr, grid, begin, end,
                   scratch.get());
    });
  });
}

void check_dtype(const char* kernel, const Tensor& x, bool integers) {
  BACKLIT_CHECK(x.is_floating() || (integers && is_integral(x.dtype())), NotImplemented, "\"",
                kernel, "\" not implemented for '", info(x.dtype()).scalar_name, "'");
}

Maxima max_pool(const Tensor& x, const PoolArguments& a, bool with_places) {
  const PoolGrid g = pool_grid(x, a);
  check_dtype(a.name, x, true);
  Maxima y = empty_maxima(x, g.result_sizes(x.sizes()), with_places || should_record({x}));
  if (y.values.numel() > 0) run_grid(x.is_contiguous() ? x : contiguous(detach(x)), y, g);
  const bool flat = a.dims == 2;
  return record_maxima(
      flat ? "MaxPool2DWithIndicesBackward0" : "MaxPool3DWithIndicesBackward0",
      flat ? "MaxPool2DWithIndicesBackwardBackward0" : "MaxPool3DWithIndicesBackwardBackward0", x,
      std::move(y), a.dims);
}

using Pair = std::tuple<Tensor, Tensor>;

template <int kDims>
Maxima max_pool_nd(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                   const Dims& dilation, bool ceil_mode, bool with_places) {
  const char* name = kDims == 2 ? "max_pool2d" : "max_pool3d";
  return max_pool(x, {name, Pooling::Max, kDims, kernel, stride, padding, dilation, ceil_mode},
                  with_places);
}
template <int kDims>
Tensor max_pool_op(const Tensor& x, const Dims& kernel, const std::optional<Dims>& stride,
                   const Dims& padding, const Dims& dilation, bool ceil_mode) {
  return max_pool_nd<kDims>(x, kernel, stride.value_or(Dims{}), padding, dilation, ceil_mode, false)
      .values;
}
template <int kDims>
Pair max_pool_with_indices_op(const Tensor& x, const Dims& kernel,
                              const std::optional<Dims>& stride, const Dims& padding,
                              const Dims& dilation, bool ceil_mode) {
  Maxima y =
      max_pool_nd<kDims>(x, kernel, stride.value_or(Dims{}), padding, dilation, ceil_mode, true);
  return {std::move(y.values), std::move(y.places)};
}

// Rows as images of height 1.
Maxima max_pool_rows(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                     const Dims& dilation, bool ceil_mode, bool with_places) {
  const i64 step = stride.empty() ? kernel[0] : stride[0];
  return max_pool_nd<2>(unsqueeze(x, -2), {1, kernel[0]}, {1, step}, {0, padding[0]},
                        {1, dilation[0]}, ceil_mode, with_places);
}
Tensor max_pool1d_op(const Tensor& x, const Dims& kernel, const std::optional<Dims>& given,
                     const Dims& padding, const Dims& dilation, bool ceil_mode) {
  const Dims stride = given.value_or(Dims{});
  check_max_pool1d(x, kernel, stride, padding, dilation, ceil_mode);
  if (!should_record({x})) check_dtype("max_pool1d_impl", x, false);
  const Maxima y = max_pool_rows(x, kernel, stride, padding, dilation, ceil_mode, false);
  return squeeze(y.values, Dims{-2});
}
Pair max_pool1d_with_indices_op(const Tensor& x, const Dims& kernel,
                                const std::optional<Dims>& given, const Dims& padding,
                                const Dims& dilation, bool ceil_mode) {
  const Dims stride = given && !given->empty() ? *given : kernel;
  const auto one = [](const char* argument, const Dims& v) {
    check_one_int("max_pool1d", argument, v);
  };
  one("kernel_size", kernel);
  one("stride", stride);
  one("padding", padding);
  one("dilation", dilation);
  check_pool1d_input("max_pool1d", x);
  const Maxima y = max_pool_rows(x, kernel, stride, padding, dilation, ceil_mode, true);
  return {squeeze(y.values, Dims{-2}), squeeze(y.places, Dims{-2})};
}

// ---- windows of an adaptive grid

void run_windows(const Tensor& x, const Maxima& y, const AdaptiveGrid& g) {
  const PoolWindows w = g.windows();
  const i64 lines = y.values.numel() / w.out[2];
  const i64 work = x.numel() / lines + w.out[2];
  visit_max_pool(x, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    const GilRelease release(lines * work >= kGilReleaseElements);
    parallel_for(lines, kTask / work + 1, [&](i64 begin, i64 end) {
      kernels.windows(x.data<T>(), y.values.data<T>(), y.places.data<i64>(), w, begin, end);
    });
  });
}

template <int kDims> Pair adaptive_max_pool_op(const Tensor& x, const Dims& output) {
  const char* name = kDims == 2 ? "adaptive_max_pool2d" : "adaptive_max_pool3d";
  BACKLIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, Runtime, name, "(): Expected ",
                kDims + 1, "D or ", kDims + 2, "D tensor, but got: ", to_string(x.sizes()));
  check_not_empty(name, x, 1);
  BACKLIT_CHECK(output.size() == kDims, Runtime, name,
                "(): internal error: output_size.size() must be ", kDims);
  const AdaptiveGrid g(x, output);
  const Dims sizes = g.result_sizes(x.sizes());
  BACKLIT_CHECK(std::ranges::all_of(Span(output), [](i64 n) { return n >= 0; }), Runtime,
                "Trying to create tensor with negative dimension ",
                *std::ranges::find_if(Span(output), [](i64 n) { return n < 0; }), ": ",
                to_string(sizes));
  check_dtype(kDims == 2 ? "adaptive_max_pool2d" : "adaptive_max_pool3d_cpu", x, false);
  Maxima y = empty_maxima(x, sizes, true);
  if (y.values.numel() > 0) run_windows(x.is_contiguous() ? x : contiguous(detach(x)), y, g);
  y = record_maxima(
      kDims == 2 ? "AdaptiveMaxPool2DBackward0" : "AdaptiveMaxPool3DBackward0",
      kDims == 2 ? "AdaptiveMaxPool2DBackwardBackward0" : "AdaptiveMaxPool3DBackwardBackward0", x,
      std::move(y), kDims);
  return {std::move(y.values), std::move(y.places)};
}

Pair adaptive_max_pool1d_op(const Tensor& x, const Dims& output) {
  check_pool1d_input("adaptive_max_pool1d", x);
  check_not_empty("adaptive_max_pool1d", x, 1);
  check_one_int("adaptive_max_pool1d", "output_size", output);
  const auto [values, places] = adaptive_max_pool_op<2>(unsqueeze(x, -2), {1, output[0]});
  return {squeeze(values, Dims{-2}), squeeze(places, Dims{-2})};
}

#define BACKLIT_POOL_ARGUMENTS                                                                    \
  "(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, int[1] dilation=1, " \
  "bool ceil_mode=False)"

constexpr const char* kMeaning = "The largest element of each window.";
constexpr const char* kMeaningPlaces =
    "The largest element of each window, and its place in the plane of the input.";
constexpr const char* kFormula = "y[j] = maxₖ x[j·stride − padding + k·dilation], 0 ≤ k < kernel";
constexpr const char* kGradient = "∂L/∂x[i] = Σ over j with argmax at i of ∂L/∂y[j]";

const Register max_pool1d_row(
    "max_pool1d" BACKLIT_POOL_ARGUMENTS " -> Tensor", max_pool1d_op,
    {.meaning = kMeaning, .formula = kFormula, .gradient = kGradient, .method = false});
const Register max_pool1d_indices_row(
    "max_pool1d_with_indices" BACKLIT_POOL_ARGUMENTS " -> (Tensor, Tensor)",
    max_pool1d_with_indices_op,
    {.meaning = kMeaningPlaces, .formula = kFormula, .gradient = kGradient, .method = false});
const Register max_pool2d_row("max_pool2d" BACKLIT_POOL_ARGUMENTS " -> Tensor", max_pool_op<2>,
                              {.meaning = kMeaning,
                               .formula = kFormula,
                               .gradient = kGradient,
                               .method = false,
                               .node = "MaxPool2DWithIndicesBackward0"});
const Register max_pool2d_indices_row(
    "max_pool2d_with_indices" BACKLIT_POOL_ARGUMENTS " -> (Tensor, Tensor)",
    max_pool_with_indices_op<2>,
    {.meaning = kMeaningPlaces, .formula = kFormula, .gradient = kGradient, .home = "nn"});
const Register max_pool3d_row("max_pool3d" BACKLIT_POOL_ARGUMENTS " -> Tensor", max_pool_op<3>,
                              {.meaning = kMeaning,
                               .formula = kFormula,
                               .gradient = kGradient,
                               .method = false,
                               .node = "MaxPool3DWithIndicesBackward0"});
const Register max_pool3d_indices_row(
    "max_pool3d_with_indices" BACKLIT_POOL_ARGUMENTS " -> (Tensor, Tensor)",
    max_pool_with_indices_op<3>,
    {.meaning = kMeaningPlaces, .formula = kFormula, .gradient = kGradient, .home = "nn"});

constexpr const char* kAdaptive =
    "The largest element of each of as many windows as asked for, and its place in the plane.";
constexpr const char* kAdaptiveFormula =
    "y[j] = max of x[⌊j·n/m⌋], ..., x[⌈(j + 1)·n/m⌉ − 1], n inputs, m outputs";
const Register adaptive1d_row(
    "adaptive_max_pool1d(Tensor input, int[1] output_size) -> (Tensor, Tensor)",
    adaptive_max_pool1d_op,
    {.meaning = kAdaptive, .formula = kAdaptiveFormula, .gradient = kGradient, .method = false});
const Register adaptive2d_row(
    "adaptive_max_pool2d(Tensor input, int[] output_size) -> (Tensor, Tensor)",
    adaptive_max_pool_op<2>,
    {.meaning = kAdaptive,
     .formula = kAdaptiveFormula,
     .gradient = kGradient,
     .home = "nn",
     .node = "AdaptiveMaxPool2DBackward0"});
const Register adaptive3d_row(
    "adaptive_max_pool3d(Tensor input, int[] output_size) -> (Tensor, Tensor)",
    adaptive_max_pool_op<3>,
    {.meaning = kAdaptive,
     .formula = kAdaptiveFormula,
     .gradient = kGradient,
     .home = "nn",
     .node = "AdaptiveMaxPool3DBackward0"});

}  // namespace
}  // namespace backlit::ops
