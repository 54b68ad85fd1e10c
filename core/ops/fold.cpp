// unfold takes an image apart into the windows of a convolution, fold adds windows up to an image.
// Each is the other's gradient.
#include <algorithm>

#include "base/threads.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using std::int64_t;

constexpr int64_t kTask = 1 << 15;  // elements of windows in a task

// Windows (N, C · kernel, positions) of images (N, C, image).
struct Windows {
  int64_t image[2], kernel[2], dilation[2], padding[2], stride[2];
  int64_t count(int d) const {
    return (image[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
  }
  int64_t positions() const { return count(0) * count(1); }
  int64_t size() const { return kernel[0] * kernel[1]; }
};

// f(window element, image element, n, step) for runs of n elements of the windows of one channel,
// one after the other in the windows and `step` apart in the image; image element -1: padding.
template <class F> void visit_runs(const Windows& w, F f) {
  const int64_t rows = w.count(0), columns = w.count(1), step = w.stride[1];
  int64_t at = 0;
  for (int64_t kh = 0; kh < w.kernel[0]; ++kh)
    for (int64_t kw = 0; kw < w.kernel[1]; ++kw) {
      const int64_t first = kw * w.dilation[1] - w.padding[1];
      const int64_t begin =
          std::clamp<int64_t>(first < 0 ? (-first + step - 1) / step : 0, 0, columns);
      const int64_t end = std::clamp<int64_t>(
          first < w.image[1] ? (w.image[1] - 1 - first) / step + 1 : 0, begin, columns);
      for (int64_t row = 0; row < rows; ++row, at += columns) {
        const int64_t i = row * w.stride[0] + kh * w.dilation[0] - w.padding[0];
        if (i < 0 || i >= w.image[0]) {
          f(at, int64_t{-1}, columns, step);
          continue;
        }
        f(at, int64_t{-1}, begin, step);
        f(at + begin, i * w.image[1] + first + begin * step, end - begin, step);
        f(at + end, int64_t{-1}, columns - end, step);
      }
    }
}

template <class T> void take_apart(const Windows& w, const T* image, T* windows) {
  visit_runs(w, [&](int64_t to, int64_t from, int64_t n, int64_t step) {
    if (from < 0)
      std::fill_n(windows + to, n, T(0));
    else if (step == 1)
      std::copy_n(image + from, n, windows + to);
    else
      for (int64_t i = 0; i < n; ++i) windows[to + i] = image[from + i * step];
  });
}

template <class T> void add_up(const Windows& w, const T* windows, T* image) {
  std::fill_n(image, w.image[0] * w.image[1], T(0));
  visit_runs(w, [&](int64_t from, int64_t to, int64_t n, int64_t step) {
    for (int64_t i = 0; i < n && to >= 0; ++i) {
      T& sum = image[to + i * step];
      sum = static_cast<T>(sum + windows[from + i]);
    }
  });
}

// Runs body(image, windows, element type) for every channel of every sample.
template <class F>
void visit_channels(const char* kernel, const Windows& w, const Tensor& images,
                    const Tensor& windows, F body) {
  const int64_t area = w.image[0] * w.image[1], size = w.size() * w.positions();
  const int64_t n = area > 0 ? images.numel() / area : 0;
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(n * size >= kGilReleaseElements);
    parallel_for(n, kTask / std::max<int64_t>(1, size) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        body(images.data<T>() + i * area, windows.data<T>() + i * size);
    });
  };
  switch (images.dtype()) {
    case Dtype::Float32: return run(float{});
    case Dtype::Float64: return run(double{});
    case Dtype::Complex64: return run(Complex<float>{});
    case Dtype::Complex128: return run(Complex<double>{});
    case Dtype::Bool: return run(bool{});
    default:
      fail(ErrorKind::NotImplemented, '"', kernel, "\" not implemented for '",
           info(images.dtype()).scalar_name, "'");
  }
}

Tensor plain(const Tensor& t) { return t.is_contiguous() ? t : contiguous(detach(t)); }

Tensor fold_windows(const Windows& w, const Tensor& x);

// (N, C, image) -> (N, C · kernel, positions)
Tensor unfold_images(const Windows& w, const Tensor& x) {
  Tensor y =
      new_result(Dims{x.layout().size(0), x.layout().size(1) * w.size(), w.positions()}, x.dtype());
  visit_channels("im2col_out_cpu", w, plain(x), y,
                 [&](const auto* image, auto* windows) { take_apart(w, image, windows); });
  return record("Im2ColBackward0", std::move(y), {x}, {},
                [w](Vjp& v) { v.set(0, fold_windows(w, v.g())); });
}

Tensor fold_windows(const Windows& w, const Tensor& x) {
  Tensor y = new_result(
      Dims{x.layout().size(0), x.layout().size(1) / w.size(), w.image[0], w.image[1]}, x.dtype());
  visit_channels("col2im_out_cpu", w, y, plain(x),
                 [&](auto* image, const auto* windows) { add_up(w, windows, image); });
  return record("Col2ImBackward0", std::move(y), {x}, {},
                [w](Vjp& v) { v.set(0, unfold_images(w, v.g())); });
}

// --- arguments ---

// One number, or two.
void assign(const char* name, const Dims& given, int64_t (&to)[2]) {
  BACKLIT_CHECK(given.size() == 1 || given.size() == 2, Runtime, "It is expected ", name,
                " equals to 2, but got size ", given.size());
  to[0] = given[0];
  to[1] = given[given.size() - 1];
}

Windows windows_of(const Dims& kernel, const Dims& dilation, const Dims& padding,
                   const Dims& stride) {
  Windows w{};
  assign("kernel_size", kernel, w.kernel);
  assign("dilation", dilation, w.dilation);
  assign("padding", padding, w.padding);
  assign("stride", stride, w.stride);
  const auto check = [](const char* name, const char* what, const int64_t (&v)[2], int64_t least,
                        const char* rule) {
    BACKLIT_CHECK(v[0] >= least && v[1] >= least, Runtime, what, " should be ", rule, ", but got ",
                  name, "_height: ", v[0], ' ', name, "_width: ", v[1]);
  };
  check("kernel", "kernel size", w.kernel, 1, "greater than zero");
  check("dilation", "dilation", w.dilation, 1, "greater than zero");
  check("pad", "padding", w.padding, 0, "non-negative");
  check("stride", "stride", w.stride, 1, "greater than zero");
  return w;
}

std::string pair(const int64_t (&v)[2]) { return concat('(', v[0], ", ", v[1], ')'); }
std::string told(const Windows& w) {
  return concat("kernel_size=", pair(w.kernel), ", dilation=", pair(w.dilation),
                ", padding=", pair(w.padding));
}

// Whether all sizes but that of the samples, the first of `dims`, are there.
bool is_full(const Tensor& x, int dims) {
  bool full = true;
  for (int d = x.dim() == dims ? 1 : 0; d < x.dim(); ++d) full = full && x.layout().size(d) > 0;
  return full;
}

Tensor unfold_op(const Tensor& x, const Dims& kernel, const Dims& dilation, const Dims& padding,
                 const Dims& stride) {
  Windows w = windows_of(kernel, dilation, padding, stride);
  BACKLIT_CHECK((x.dim() == 3 || x.dim() == 4) && is_full(x, 4), Runtime,
                "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
                "non-zero dimensions for input, but got: ",
                to_string(x.sizes()));
  w.image[0] = x.size(-2);
  w.image[1] = x.size(-1);
  const int64_t blocks[] = {w.count(0), w.count(1)};
  BACKLIT_CHECK(blocks[0] >= 1 && blocks[1] >= 1, Runtime, "Given input with spatial size ",
                pair(w.image), ", ", told(w),
                ", calculated shape of the array of sliding blocks as ", pair(blocks),
                ", but its components must be at least one.");
  return x.dim() == 4 ? unfold_images(w, x) : squeeze(unfold_images(w, unsqueeze(x, 0)), Dims{0});
}
const RegisterComplex unfold_row(
    "unfold(Tensor input, int[1] kernel_size, int[1] dilation=1, int[1] padding=0, "
    "int[1] stride=1) -> Tensor",
    unfold_op,
    {.meaning = "The windows of a convolution over images, (N, C, H, W) -> (N, C·KH·KW, windows).",
     .formula = "y[n, (c, k), p] = x[n, c, p·stride + k·dilation − padding]",
     .gradient = "∂L/∂x = fold(∂L/∂y)",
     .home = "nn",
     .node = "Im2ColBackward0"});

Tensor fold_op(const Tensor& x, const Dims& output_size, const Dims& kernel, const Dims& dilation,
               const Dims& padding, const Dims& stride) {
  int64_t image[2];
  assign("output_size", output_size, image);
  Windows w = windows_of(kernel, dilation, padding, stride);
  std::copy_n(image, 2, w.image);
  BACKLIT_CHECK((x.dim() == 2 || x.dim() == 3) && is_full(x, 3), Runtime,
                "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
                "non-zero dimensions for input, but got: ",
                to_string(x.sizes()));
  BACKLIT_CHECK(x.size(-2) % w.size() == 0, Runtime,
                "Expected size of input's dimension 1 to be divisible by the product of "
                "kernel_size, but got input.size(1)=",
                x.size(-2), " and kernel_size=", pair(w.kernel), '.');
  BACKLIT_CHECK(x.size(-1) == w.positions() && w.count(0) > 0, Runtime,
                "Given output_size=", pair(w.image), ", ", told(w), ", stride=", pair(w.stride),
                ", expected size of input's dimension 2 to match the calculated number of sliding "
                "blocks ",
                w.count(0), " * ", w.count(1), " = ", w.positions(),
                ", but got input.size(2)=", x.size(-1), '.');
  return x.dim() == 3 ? fold_windows(w, x) : squeeze(fold_windows(w, unsqueeze(x, 0)), Dims{0});
}
const RegisterComplex fold_row(
    "fold(Tensor input, int[1] output_size, int[1] kernel_size, int[1] dilation=1, "
    "int[1] padding=0, int[1] stride=1) -> Tensor",
    fold_op,
    {.meaning = "Images whose windows are added up, (N, C·KH·KW, windows) -> (N, C, H, W).",
     .formula = "y[n, c, i] = Σ x[n, (c, k), p] over p and k with p·stride + k·dilation − padding "
                "= i",
     .gradient = "∂L/∂x = unfold(∂L/∂y)",
     .home = "nn",
     .node = "Col2ImBackward0"});

}  // namespace
}  // namespace backlit::ops
