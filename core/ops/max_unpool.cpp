// The inverse of max pooling, and fractional max pooling, whose windows lie at random.
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "ops/arithmetic.h"
#include "ops/chosen.h"
#include "ops/max_pool.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

void check_floating(const char* kernel, const Tensor& x) {
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"", kernel, "\" not implemented for '",
                info(x.dtype()).scalar_name, "'");
}

template <int kDims> Tensor max_unpool(const Tensor& x, const Tensor& at, const Dims& output) {
  BACKLIT_CHECK(at.dtype() == Dtype::Int64, Runtime,
                "elements in indices should be type int64 but got: ", info(at.dtype()).scalar_name);
  BACKLIT_CHECK(output.size() == kDims, Runtime, "There should be exactly ",
                kDims == 2 ? "two" : "three", " elements (",
                kDims == 2 ? "height, width" : "depth, height, width", ") in output_size, but got ",
                output.size(), " elements.");
  BACKLIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, Runtime, "Input to max_unpooling",
                kDims, "d should be a ", kDims + 1, "d or ", kDims + 2,
                "d Tensor, but got a tensor with ", x.dim(), " dimensions.");
  BACKLIT_CHECK(std::ranges::equal(x.sizes(), at.sizes()), Runtime,
                "Expected shape of indices to be same as that of the input tensor (",
                to_string(x.sizes()),
                ") but got indices tensor with shape: ", to_string(at.sizes()));
  for (int d = 1; d < x.dim(); ++d)
    BACKLIT_CHECK(x.size(d) > 0, Runtime, "max_unpooling", kDims,
                  "d_forward_out_cpu(): Expected input to have non-zero size for non-batch "
                  "dimensions, but got ",
                  to_string(x.sizes()), " with dimension ", d, " being empty.");
  check_floating(kDims == 2 ? "max_unpool2d" : "max_unpool3d", x);
  Dims sizes(x.sizes());
  for (int d = 1; d <= kDims; ++d) sizes[sizes.size() - d] = output[kDims - d];
  return placed(x, at, sizes, kDims, kDims == 2 ? "MaxUnpool2DBackward0" : "MaxUnpool3DBackward0");
}

RowOptions unpool_row(const char* node) {
  return {.meaning = "Zeros, with the elements at the places that max pooling found them at.",
          .formula = "y[indices[j]] = x[j], 0 elsewhere",
          .gradient = "∂L/∂x[j] = ∂L/∂y[indices[j]]",
          .home = "_C",
          .method = false,
          .node = node};
}
const Register unpool2d_row(
    "_max_unpool2d(Tensor input, Tensor indices, int[] output_size) -> Tensor", max_unpool<2>,
    unpool_row("MaxUnpool2DBackward0"));
const Register unpool3d_row(
    "_max_unpool3d(Tensor input, Tensor indices, int[] output_size) -> Tensor", max_unpool<3>,
    unpool_row("MaxUnpool3DBackward0"));

// Where windows of `kernel` inputs begin, so that the last one ends with the input.
template <class T> void put_windows(T sample, i64 in, i64 out, i64 kernel, i64* begin, i64* end) {
  const T step = out > 1 ? static_cast<T>(in - kernel) / static_cast<T>(out - 1) : T(0);
  for (i64 j = 0; j < out; ++j) {
    begin[j] = j + 1 == out ? in - kernel
                            : static_cast<i64>((static_cast<T>(j) + sample) * step) -
                                  static_cast<i64>(sample * step);
    end[j] = begin[j] + kernel;
  }
}

// Each plane has windows of its own.
template <int kDims>
void run_fractional(const Tensor& x, const Maxima& y, const Tensor& samples, const Dims& kernel) {
  const i64 planes = y.values.numel() / product(y.values.sizes().last(kDims));
  PoolWindows w{{1, 1, 1}, {1, 1, 1}, {}, {}};
  i64 total = 3 - kDims, window = 1;
  for (int d = 3 - kDims; d < 3; ++d) {
    w.in[d] = x.size(d - 3);
    w.out[d] = y.values.size(d - 3);
    total += w.out[d];
    window *= kernel[d - 3 + kDims];
  }
  const i64 lines = w.out[0] * w.out[1], outputs = lines * w.out[2];
  visit_max_pool(x, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    const GilRelease release(planes * outputs * window >= kGilReleaseElements);
    parallel_for(planes, (1 << 15) / (outputs * window) + 1, [&](i64 first, i64 last) {
      std::vector<i64> begins(static_cast<std::size_t>(total)), ends(begins.size(), 1);
      for (i64 p = first; p < last; ++p) {
        PoolWindows own = w;
        i64 at = 0;
        for (int d = 0; d < 3; ++d) {
          i64 *const begin = begins.data() + at, *const end = ends.data() + at;
          own.begin[d] = begin;
          own.end[d] = end;
          at += own.out[d];
          if (d < 3 - kDims) continue;
          // the samples of a plane: (width, height), or (depth, height, width)
          const i64 which = kDims == 2 ? 2 - d : d;
          put_windows(samples.data<T>()[p * kDims + which], own.in[d], own.out[d],
                      kernel[d - 3 + kDims], begin, end);
        }
        const i64 plane = own.in[0] * own.in[1] * own.in[2];
        kernels.windows(x.data<T>() + p * plane, y.values.data<T>() + p * outputs,
                        y.places.data<i64>() + p * outputs, own, 0, lines);
      }
    });
  });
}

template <int kDims>
std::tuple<Tensor, Tensor> fractional_max_pool(const Tensor& x, const Dims& kernel,
                                               const Dims& output, const Tensor& samples) {
  const char* name = kDims == 2 ? "fractional_max_pool2d" : "fractional_max_pool3d_out";
  constexpr const char* kAxes[] = {"time", "height", "width"};
  const auto* axes = kAxes + 3 - kDims;
  BACKLIT_CHECK(kernel.size() == kDims, Runtime, name,
                ": kernel_size must either be a single Int or tuple of Ints");
  BACKLIT_CHECK(output.size() == kDims, Runtime, name,
                ": output_size must either be a single Int or tuple of Ints");
  BACKLIT_CHECK(x.dim() == kDims + 1 || x.dim() == kDims + 2, Runtime, name, "(): Expected ",
                kDims + 1, "D or ", kDims + 2, "D tensor, but got: ", to_string(x.sizes()));
  for (int d = 1; d < x.dim(); ++d)
    BACKLIT_CHECK(x.size(d) > 0, Runtime, name,
                  "(): Expected input to have non-zero size for non-batch dimensions, but got",
                  to_string(x.sizes()), " with dimension ", d, " being empty.");
  Dims sizes(x.sizes());
  for (int d = 0; d < kDims; ++d) {
    const i64 in = x.size(d - kDims);
    BACKLIT_CHECK(output[d] + kernel[d] - 1 < in + (kDims == 2), Runtime, name, "(): pool ",
                  axes[d], " ", kernel[d], " too large relative to input ", axes[d], " ", in);
    sizes[x.dim() - kDims + d] = output[d];
  }
  BACKLIT_CHECK(samples.dtype() == x.dtype(), Runtime,
                "Expect _random_samples to have the same dtype as input");
  check_floating(kDims == 2 ? "fractional_max_pool2d_out_frame" : "fractional_max_pool3d_out_frame",
                 x);
  const i64 planes = product(x.sizes().first(static_cast<std::size_t>(x.dim() - kDims)));
  BACKLIT_CHECK(samples.dim() == 3 && samples.size(2) == kDims && samples.numel() == planes * kDims,
                Runtime, "Expect _random_samples of shape (batch, channels, ", kDims, "), but got ",
                to_string(samples.sizes()), " for an input of shape ", to_string(x.sizes()));
  Maxima y = empty_maxima(x, sizes, true);
  if (y.values.numel() > 0)
    run_fractional<kDims>(contiguous(detach(x)), y, contiguous(detach(samples)), kernel);
  y = record_maxima(
      kDims == 2 ? "FractionalMaxPool2DBackward0" : "FractionalMaxPool3DBackward0",
      kDims == 2 ? "FractionalMaxPool2DBackwardBackward0" : "FractionalMaxPool3DBackwardBackward0",
      x, std::move(y), kDims);
  return {std::move(y.values), std::move(y.places)};
}

RowOptions fractional_row(const char* node) {
  return {.meaning =
              "The largest elements of windows that lie at random, at a distance of n/m on "
              "average.",
          .formula = "y[j] = maxₖ x[⌊(j + u)·α⌋ − ⌊u·α⌋ + k], α = (n − kernel)/(m − 1), u random",
          .gradient = "∂L/∂x[i] = Σ over j with argmax at i of ∂L/∂y[j]",
          .home = "_C",
          .method = false,
          .node = node};
}
const Register fractional2d_row(
    "_fractional_max_pool2d(Tensor input, int[] kernel_size, int[] output_size, Tensor "
    "random_samples) -> (Tensor, Tensor)",
    fractional_max_pool<2>, fractional_row("FractionalMaxPool2DBackward0"));
const Register fractional3d_row(
    "_fractional_max_pool3d(Tensor input, int[] kernel_size, int[] output_size, Tensor "
    "random_samples) -> (Tensor, Tensor)",
    fractional_max_pool<3>, fractional_row("FractionalMaxPool3DBackward0"));

}  // namespace
}  // namespace backlit::ops
