// Interpolation: images of another size. Every mode is a linear map along each axis (resample.h).
//
// Places and weights are computed in the dtype of the image, as PyTorch does: a place just below an
// integer must not round to the other side.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ops/resample.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

enum class Mode { Nearest, NearestExact, Linear, Cubic, LinearSmooth, CubicSmooth };

// One axis of a call.
struct Axis {
  i64 in, out;
  bool align_corners;
  std::optional<double> factor;  // what the user said; the sizes may be rounded
};

// The distance between outputs, measured in inputs.
template <class T> T step_of(const Axis& a) {
  if (a.align_corners) return a.out > 1 ? static_cast<T>(a.in - 1) / static_cast<T>(a.out - 1) : 0;
  if (a.factor && *a.factor > 0) return static_cast<T>(1.0 / *a.factor);
  return static_cast<T>(a.in) / static_cast<T>(a.out);
}

// Where the centre of output j lies among the inputs.
template <class T> T place_of(const Axis& a, T step, i64 j) {
  const T at = static_cast<T>(j);
  return a.align_corners ? step * at : step * (at + T(0.5)) - T(0.5);
}

template <class T> AxisMap nearest(const Axis& a, bool exact) {
  const T step = step_of<T>(a);
  std::vector<i64> index;
  for (i64 j = 0; j < a.out; ++j) {
    const T shift = exact ? T(0.5) : T(0);
    const auto i = static_cast<i64>(std::floor((static_cast<T>(j) + shift) * step));
    index.push_back(std::clamp<i64>(i, 0, a.in - 1));
  }
  return pick_map(a.in, std::move(index));
}

void add_tap(AxisMap& m, i64 index, double weight) {
  m.index.push_back(index);
  m.weight.push_back(weight);
}

template <class T> AxisMap linear(const Axis& a) {
  if (a.in == a.out) return identity_map(a.in);
  const T step = step_of<T>(a);
  AxisMap m;
  m.in = a.in;
  m.out = a.out;
  for (i64 j = 0; j < a.out; ++j) {
    const T place = std::max(place_of(a, step, j), T(0));
    const i64 i = std::min(static_cast<i64>(place), a.in - 1);
    const T right = std::clamp(place - static_cast<T>(i), T(0), T(1));
    add_tap(m, i, T(1) - right);
    add_tap(m, std::min(i + 1, a.in - 1), right);
    m.end_output();
  }
  return m;
}

// Keys' cubic convolution: near (|x| <= 1) and far (1 < |x| < 2).
template <class T> T near(T x, T a) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
template <class T> T far(T x, T a) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

template <class T> AxisMap cubic(const Axis& a) {
  constexpr T kA = T(-0.75);
  const T step = step_of<T>(a);
  AxisMap m;
  m.in = a.in;
  m.out = a.out;
  for (i64 j = 0; j < a.out; ++j) {
    const T place = place_of(a, step, j);
    const i64 i = std::min(static_cast<i64>(std::floor(place)), a.in - 1);
    const T t = std::clamp(place - static_cast<T>(i), T(0), T(1)), u = 1 - t;
    const T weights[] = {far(t + 1, kA), near(t, kA), near(u, kA), far(u + 1, kA)};
    for (i64 k = 0; k < 4; ++k) add_tap(m, std::clamp<i64>(i + k - 1, 0, a.in - 1), weights[k]);
    m.end_output();
  }
  return m;
}

// Antialiasing: the filter is as wide as an output where outputs lie further apart than inputs.
// With aligned corners only their distance changes, not where the first one lies: as in PyTorch.
template <class T> T triangle(T x) { return std::max(T(1) - std::abs(x), T(0)); }
template <class T> T cubic_filter(T x) {
  constexpr T kA = T(-0.5);
  x = std::abs(x);
  return x < 1 ? near(x, kA) : x < 2 ? far(x, kA) : T(0);
}

template <class T> AxisMap smooth(const Axis& a, T radius, T (*filter)(T)) {
  const T step = step_of<T>(a), wide = std::max(step, T(1)), reach = radius * wide;
  AxisMap m;
  m.in = a.in;
  m.out = a.out;
  for (i64 j = 0; j < a.out; ++j) {
    const T centre = step * (static_cast<T>(j) + T(0.5));
    const T left = centre - reach + T(0.5), right = centre + reach + T(0.5);
    const i64 begin = std::max<i64>(static_cast<i64>(left), 0);
    const i64 end = std::min<i64>(static_cast<i64>(right), a.in);
    std::vector<T> weights;
    T total = 0;
    for (i64 i = begin; i < end; ++i) {
      weights.push_back(filter((static_cast<T>(i) - centre + T(0.5)) / wide));
      total += weights.back();
    }
    for (i64 i = begin; i < end; ++i)
      add_tap(m, i, total != 0 ? weights[static_cast<std::size_t>(i - begin)] / total : T(0));
    m.end_output();
  }
  return m;
}

template <class T> AxisMap axis_map(Mode mode, const Axis& a) {
  switch (mode) {
    case Mode::Nearest: return nearest<T>(a, false);
    case Mode::NearestExact: return nearest<T>(a, true);
    case Mode::Linear: return linear<T>(a);
    case Mode::Cubic: return cubic<T>(a);
    case Mode::LinearSmooth: return smooth<T>(a, T(1), triangle<T>);
    case Mode::CubicSmooth: break;
  }
  return smooth<T>(a, T(2), cubic_filter<T>);
}

// "(H: 4, W: 5)"
std::string sizes_text(Span sizes) {
  constexpr const char* kAxes[] = {"D: ", "H: ", "W: "};
  std::string text = "(";
  for (std::size_t d = 0; d < sizes.size(); ++d)
    text += concat(d ? ", " : "", kAxes[3 - sizes.size() + d], sizes[d]);
  return text + ")";
}

void check(const Tensor& x, Mode mode, int dims, const Dims& output) {
  BACKLIT_CHECK(output.size() == dims, Runtime, "It is expected output_size equals to ", dims,
                ", but got size ", output.size());
  BACKLIT_CHECK(x.dim() == dims + 2, Runtime, "It is expected input_size equals to ", dims + 2,
                ", but got size ", x.dim());
  const Span in = x.sizes().last(static_cast<std::size_t>(dims));
  const auto positive = [](i64 n) { return n > 0; };
  BACKLIT_CHECK(std::ranges::all_of(in, positive) && std::ranges::all_of(Span(output), positive),
                Runtime, "Input and output sizes should be greater than 0, but got input ",
                sizes_text(in), dims == 1 ? " and output " : " output ", sizes_text(output));
  BACKLIT_CHECK(x.sizes()[1] != 0, Runtime, "Non-empty ", dims + 2,
                "D data tensor expected but got a tensor with sizes ", to_string(x.sizes()));
  const bool picks = mode == Mode::Nearest || mode == Mode::NearestExact;
  if (x.is_floating() || (picks && x.dtype() == Dtype::UInt8)) return;
  const char* kernel = dims == 2 && picks                  ? "upsample_nearest2d_channels_last"
                       : dims == 2 && mode == Mode::Linear ? "upsample_bilinear2d_channels_last"
                       : picks                             ? "compute_indices_weights_nearest"
                       : mode == Mode::Linear              ? "compute_indices_weights_linear"
                                                           : "compute_indices_weights_cubic";
  fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '",
       info(x.dtype()).scalar_name, "'");
}

using Factor = std::optional<double>;

Tensor interpolate(const Tensor& x, Mode mode, const Dims& output, bool align_corners,
                   std::initializer_list<Factor> factors, const ResampleNames& names) {
  const int dims = static_cast<int>(factors.size());
  check(x, mode, dims, output);
  std::vector<AxisMap> axes;
  for (int d = 0; d < dims; ++d) {
    const Axis a{x.size(d - dims), output[d], align_corners, factors.begin()[d]};
    axes.push_back(x.dtype() == Dtype::Float64 ? axis_map<double>(mode, a)
                                               : axis_map<float>(mode, a));
  }
  return resample(x, plane_map(std::move(axes)), names);
}

// By the number of dimensions, less one.
constexpr ResampleNames kNearest[] = {
    {"UpsampleNearest1DBackward0", "UpsampleNearest1DBackwardBackward0"},
    {"UpsampleNearest2DBackward0", "UpsampleNearest2DBackwardBackward0"},
    {"UpsampleNearest3DBackward0", "UpsampleNearest3DBackwardBackward0"}};
constexpr ResampleNames kExact[] = {
    {"UpsampleNearestExact1DBackward0", "UpsampleNearestExact1DBackwardBackward0"},
    {"UpsampleNearestExact2DBackward0", "UpsampleNearestExact2DBackwardBackward0"},
    {"UpsampleNearestExact3DBackward0", "UpsampleNearestExact3DBackwardBackward0"}};

template <Mode kMode>
Tensor picked(const Tensor& x, const Dims& output, std::initializer_list<Factor> factors) {
  const auto& names = kMode == Mode::Nearest ? kNearest : kExact;
  return interpolate(x, kMode, output, false, factors, names[factors.size() - 1]);
}
template <Mode kMode> Tensor nearest1d(const Tensor& x, const Dims& output, Factor w) {
  return picked<kMode>(x, output, {w});
}
template <Mode kMode> Tensor nearest2d(const Tensor& x, const Dims& output, Factor h, Factor w) {
  return picked<kMode>(x, output, {h, w});
}
template <Mode kMode>
Tensor nearest3d(const Tensor& x, const Dims& output, Factor d, Factor h, Factor w) {
  return picked<kMode>(x, output, {d, h, w});
}
Tensor linear1d(const Tensor& x, const Dims& output, bool align_corners, Factor w) {
  return interpolate(x, Mode::Linear, output, align_corners, {w},
                     {"UpsampleLinear1DBackward0", "UpsampleLinear1DBackwardBackward0"});
}
template <Mode kMode>
Tensor images(const Tensor& x, const Dims& output, bool align_corners, Factor h, Factor w) {
  const ResampleNames names =
      kMode == Mode::Linear
          ? ResampleNames{"UpsampleBilinear2DBackward0", "UpsampleBilinear2DBackwardBackward0"}
      : kMode == Mode::Cubic
          ? ResampleNames{"UpsampleBicubic2DBackward0", "UpsampleBicubic2DBackwardBackward0"}
      : kMode == Mode::LinearSmooth
          ? ResampleNames{"UpsampleBilinear2DAaBackward0", "UpsampleBilinear2DAaBackwardBackward0"}
          : ResampleNames{"UpsampleBicubic2DAaBackward0", "UpsampleBicubic2DAaBackwardBackward0"};
  return interpolate(x, kMode, output, align_corners, {h, w}, names);
}
Tensor trilinear3d(const Tensor& x, const Dims& output, bool align_corners, Factor d, Factor h,
                   Factor w) {
  return interpolate(x, Mode::Linear, output, align_corners, {d, h, w},
                     {"UpsampleTrilinear3DBackward0", "UpsampleTrilinear3DBackwardBackward0"});
}

#define BACKLIT_SIZE "(Tensor input, int[] output_size, "
#define BACKLIT_LINE BACKLIT_SIZE "bool align_corners, float? scales=None) -> Tensor"
#define BACKLIT_IMAGE \
  BACKLIT_SIZE "bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor"
#define BACKLIT_VOLUME                                                                        \
  BACKLIT_SIZE                                                                                \
  "bool align_corners, float? scales_d=None, float? scales_h=None, float? scales_w=None) -> " \
  "Tensor"

// The transposed map, for every mode.
constexpr const char* kGradient = "∂L/∂x[i] = Σⱼ wⱼᵢ ∂L/∂y[j], wⱼᵢ the weight of x[i] in y[j]";

RowOptions nearest_row(const char* node) {
  return {.meaning = "Each output is the input at its left edge, rounded down.",
          .formula = "y[j] = x[⌊j·n/m⌋], n inputs, m outputs",
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}
RowOptions exact_row(const char* node) {
  return {.meaning = "Each output is the input that lies nearest to its centre.",
          .formula = "y[j] = x[⌊(j + ½)·n/m⌋], n inputs, m outputs",
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}
RowOptions linear_row(const char* node) {
  return {.meaning = "Each output lies between its neighbours, weighted by distance.",
          .formula =
              "y[j] = (1 − t) x[⌊p⌋] + t x[⌊p⌋ + 1], p = (j + ½)·n/m − ½, t = p − ⌊p⌋, along "
              "each axis",
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}
RowOptions cubic_row(const char* node) {
  return {.meaning = "Each output from four neighbours along each axis, by cubic convolution.",
          .formula = "y[j] = Σₖ c(p − k) x[k], p = (j + ½)·n/m − ½, Keys' kernel c with a = −¾",
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}
RowOptions smooth_row(const char* node) {
  return {.meaning =
              "The same with a kernel as wide as an output: what is made smaller does not "
              "flicker.",
          .formula = "y[j] = Σₖ c((p − k) / max(n/m, 1)) x[k] / Σₖ c((p − k) / max(n/m, 1))",
          .gradient = kGradient,
          .home = "nn",
          .node = node};
}

const Register nearest1d_row("upsample_nearest1d" BACKLIT_SIZE "float? scales=None) -> Tensor",
                             nearest1d<Mode::Nearest>, nearest_row(kNearest[0].forward));
const Register nearest2d_row("upsample_nearest2d" BACKLIT_SIZE
                             "float? scales_h=None, float? scales_w=None) -> Tensor",
                             nearest2d<Mode::Nearest>, nearest_row(kNearest[1].forward));
const Register nearest3d_row(
    "upsample_nearest3d" BACKLIT_SIZE
    "float? scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
    nearest3d<Mode::Nearest>, nearest_row(kNearest[2].forward));
const Register exact1d_row("_upsample_nearest_exact1d" BACKLIT_SIZE "float? scales=None) -> Tensor",
                           nearest1d<Mode::NearestExact>, exact_row(kExact[0].forward));
const Register exact2d_row("_upsample_nearest_exact2d" BACKLIT_SIZE
                           "float? scales_h=None, float? scales_w=None) -> Tensor",
                           nearest2d<Mode::NearestExact>, exact_row(kExact[1].forward));
const Register exact3d_row(
    "_upsample_nearest_exact3d" BACKLIT_SIZE
    "float? scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
    nearest3d<Mode::NearestExact>, exact_row(kExact[2].forward));
const Register linear1d_row("upsample_linear1d" BACKLIT_LINE, linear1d,
                            linear_row("UpsampleLinear1DBackward0"));
const Register bilinear2d_row("upsample_bilinear2d" BACKLIT_IMAGE, images<Mode::Linear>,
                              linear_row("UpsampleBilinear2DBackward0"));
const Register trilinear3d_row("upsample_trilinear3d" BACKLIT_VOLUME, trilinear3d,
                               linear_row("UpsampleTrilinear3DBackward0"));
const Register bicubic2d_row("upsample_bicubic2d" BACKLIT_IMAGE, images<Mode::Cubic>,
                             cubic_row("UpsampleBicubic2DBackward0"));
const Register bilinear2d_aa_row("_upsample_bilinear2d_aa" BACKLIT_IMAGE,
                                 images<Mode::LinearSmooth>,
                                 smooth_row("UpsampleBilinear2DAaBackward0"));
const Register bicubic2d_aa_row("_upsample_bicubic2d_aa" BACKLIT_IMAGE, images<Mode::CubicSmooth>,
                                smooth_row("UpsampleBicubic2DAaBackward0"));

}  // namespace
}  // namespace backlit::ops
