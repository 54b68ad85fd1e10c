// Convolutions. Values and derivatives of all orders are readings of one sum, linear in each of x,
// w and g (kernels/convolution.h): the gradient of each reading consists of the two others.
#include "ops/convolution.h"

#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

namespace {

using std::int64_t;

Dims sizes_of(int64_t first, int64_t second, const int64_t (&rest)[3], int dims) {
  Dims sizes{first, second};
  for (int d = dims == 3 ? 0 : 1, n = 0; n < dims; ++d, ++n) sizes.push_back(rest[d]);
  return sizes;
}

}  // namespace

Dims ConvForm::x_sizes() const {
  return sizes_of(shape.batch, shape.groups * shape.in_channels, shape.in, dims);
}
Dims ConvForm::w_sizes() const {
  return sizes_of(shape.groups * shape.out_channels, shape.in_channels, shape.kernel, dims);
}
Dims ConvForm::y_sizes() const {
  return sizes_of(shape.batch, shape.groups * shape.out_channels, shape.out, dims);
}

namespace {

constexpr const char* kForward = "ConvolutionBackward0";
constexpr const char* kBackward = "ConvolutionBackwardBackward0";

Tensor form_y(const char* name, const ConvForm& f, const Tensor& x, const Tensor& w,
              const Tensor& b);
Tensor form_x(const char* name, const ConvForm& f, const Tensor& g, const Tensor& w,
              const Tensor& b);
Tensor form_w(const ConvForm& f, const Tensor& g, const Tensor& x);

Tensor plain(const Tensor& t) {
  return !t.defined() || t.is_contiguous() ? t : contiguous(detach(t));
}

// Whether it takes long enough to let other Python threads run.
bool is_long(const ConvForm& f) {
  return product(f.y_sizes()) * f.shape.in_channels >= kGilReleaseElements / 8;
}

template <class F> void visit_numbers(Dtype dtype, F&& f) {
  visit(dtype, [&](auto zero) {
    if constexpr (!std::is_same_v<decltype(zero), bool>) f(zero);
  });
}

// The gradient of a bias: of each channel.
Tensor channel_sums(const Tensor& g) {
  Dims dims{0};
  for (int d = 2; d < g.dim(); ++d) dims.push_back(d);
  return sum(g, dims, false);
}

// A bias for each channel, of (N, C, ...).
Tensor per_channel(const Tensor& b, int dims) {
  Dims column{-1};
  for (int d = 0; d < dims; ++d) column.push_back(1);
  return reshape(b, column);
}

// y of x and w, plus a bias per channel.
Tensor form_y(const char* name, const ConvForm& f, const Tensor& x, const Tensor& w,
              const Tensor& b) {
  Tensor y = new_result(f.y_sizes(), x.dtype());
  const Tensor px = plain(x), pw = plain(w), pb = plain(b);
  visit_numbers(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(is_long(f));
    convolve(f.shape, px.data<T>(), pw.data<T>(), pb.defined() ? pb.data<T>() : nullptr,
             y.data<T>());
  });
  return record(name, std::move(y), {x, w, b}, {read_by(w, x), read_by(x, w)}, [f](Vjp& v) {
    if (v.needs(0)) v.set(0, form_x(kBackward, f, v.g(), v.saved(1), Tensor()));
    if (v.needs(1)) v.set(1, form_w(f, v.g(), v.saved(0)));
    if (v.needs(2)) v.set(2, channel_sums(v.g()));
  });
}

// x of g and w, plus a bias per channel: the transposed convolution.
Tensor form_x(const char* name, const ConvForm& f, const Tensor& g, const Tensor& w,
              const Tensor& b) {
  Tensor x = new_result(f.x_sizes(), g.dtype());
  const Tensor pg = plain(g), pw = plain(w);
  visit_numbers(g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(is_long(f));
    convolve_input(f.shape, pg.data<T>(), pw.data<T>(), x.data<T>());
  });
  if (b.defined()) add_in_place(x, expand(per_channel(detach(b), f.dims), x.sizes()));
  return record(name, std::move(x), {g, w, b}, {read_by(w, g), read_by(g, w)}, [f](Vjp& v) {
    if (v.needs(0)) v.set(0, form_y(kBackward, f, v.g(), v.saved(1), Tensor()));
    if (v.needs(1)) v.set(1, form_w(f, v.saved(0), v.g()));
    if (v.needs(2)) v.set(2, channel_sums(v.g()));
  });
}

// w of g and x.
Tensor form_w(const ConvForm& f, const Tensor& g, const Tensor& x) {
  Tensor w = new_result(f.w_sizes(), g.dtype());
  const Tensor pg = plain(g), px = plain(x);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(is_long(f));
    convolve_weight(f.shape, pg.data<T>(), px.data<T>(), w.data<T>());
  };
  g.dtype() == Dtype::Float32 ? run(float{}) : run(double{});
  return record(kBackward, std::move(w), {g, x}, {read_by(x, g), read_by(g, x)}, [f](Vjp& v) {
    if (v.needs(0)) v.set(0, form_y(kBackward, f, v.saved(1), v.g(), Tensor()));
    if (v.needs(1)) v.set(1, form_x(kBackward, f, v.saved(0), v.g(), Tensor()));
  });
}

Tensor run(const Tensor& x, const Tensor& w, const Tensor& b, const ConvArguments& a,
           bool same_size = false) {
  const ConvForm f = checked_form(x, w, b, a, same_size);
  if (x.is_complex()) {
    const Tensor none, xs[] = {real(x), imag(x)}, ws[] = {real(w), imag(w)};
    const auto part = [&](int i, int k) { return run(xs[i], ws[k], none, a, same_size); };
    const Tensor y = complex(sub(part(0, 0), part(1, 1)), add(part(0, 1), part(1, 0)));
    return b.defined() ? add(y, per_channel(b, f.dims)) : y;
  }
  if (a.transposed) return form_x(kForward, f, x, w, b);
  if (f.shape.in_channels > 0) return form_y(kForward, f, x, w, b);
  // As in PyTorch, no channels in are no channels out.
  Dims sizes = f.y_sizes();
  sizes[1] = 0;
  return view(mul(reshape(x, Dims{0}), reshape(w, Dims{0})), sizes);
}

// Adds the dimension of samples where there is none: y = f(x with it), without it.
template <class F> Tensor batched(const char* name, int dims, const Tensor& x, F f) {
  BACKLIT_CHECK(x.dim() == dims + 1 || x.dim() == dims + 2, Runtime, "Expected ", dims + 1,
                "D (unbatched) or ", dims + 2, "D (batched) input to ", name,
                ", but got input of size: ", to_string(x.sizes()));
  if (x.dim() == dims + 2) return f(x);
  return squeeze(f(unsqueeze(x, 0)), Dims{0});
}

// One number stands for all dimensions.
template <int N> Dims spread(const Dims& given) {
  Dims all = given;
  while (given.size() == 1 && all.size() < N) all.push_back(given[0]);
  return all;
}

template <int N> constexpr const char* kName = N == 1 ? "conv1d" : N == 2 ? "conv2d" : "conv3d";
template <int N>
constexpr const char* kTransposedName = N == 1   ? "conv_transpose1d"
                                        : N == 2 ? "conv_transpose2d"
                                                 : "conv_transpose3d";

template <int N>
Tensor conv(const Tensor& x, const Tensor& w, const Tensor& b, const Dims& stride,
            const Dims& padding, const Dims& dilation, int64_t groups) {
  check_bias_dtype(x, b);
  return batched(kName<N>, N, x, [&](const Tensor& batch) {
    return run(
        batch, w, b,
        {spread<N>(stride), spread<N>(padding), spread<N>(dilation), Dims{0}, false, groups});
  });
}

// padding="valid": none. "same": what keeps the sizes, one more behind than before where it is odd.
template <int N>
Tensor conv_mode(const Tensor& x, const Tensor& w, const Tensor& b, const Dims& stride,
                 const std::string& padding, const Dims& dilation, int64_t groups) {
  check_bias_dtype(x, b);
  return batched(kName<N>, N, x, [&](const Tensor& batch) {
    ConvArguments a{spread<N>(stride), Dims{0}, spread<N>(dilation), Dims{0}, false, groups};
    if (padding == "valid") return run(batch, w, b, a);
    BACKLIT_CHECK(padding == "same", Runtime, "Invalid padding string: '", padding, "'");
    BACKLIT_CHECK(w.dim() > 2, Runtime, "weight should have at least three dimensions");
    if (w.dim() != batch.dim()) {  // which `run` refuses
      a.stride = a.dilation = Dims{1};
      return run(batch, w, b, a);
    }
    for (const int64_t s : a.stride)
      BACKLIT_CHECK(s == 1, Runtime, "padding='same' is not supported for strided convolutions");
    const int dims = w.dim() - 2;
    BACKLIT_CHECK(a.dilation.size() == dims, Runtime, "dilation cannot broadcast to ", dims,
                  " dimensions");
    a.padding = Dims();
    for (int d = 0; d < dims; ++d)
      a.padding.push_back(a.dilation[d] * (w.layout().size(d + 2) - 1) / 2);
    return run(batch, w, b, a, true);
  });
}

template <int N>
Tensor conv_transpose(const Tensor& x, const Tensor& w, const Tensor& b, const Dims& stride,
                      const Dims& padding, const Dims& output_padding, int64_t groups,
                      const Dims& dilation) {
  return batched(kTransposedName<N>, N, x, [&](const Tensor& batch) {
    return run(batch, w, b,
               {spread<N>(stride), spread<N>(padding), spread<N>(dilation),
                spread<N>(output_padding), true, groups});
  });
}

Tensor convolution_op(const Tensor& x, const Tensor& w, const Tensor& b, const Dims& stride,
                      const Dims& padding, const Dims& dilation, bool transposed,
                      const Dims& output_padding, int64_t groups) {
  return run(x, w, b, {stride, padding, dilation, output_padding, transposed, groups});
}

RowOptions options(const char* meaning, const char* formula, const char* gradient) {
  return {.meaning = meaning, .formula = formula, .gradient = gradient, .method = false};
}
RowOptions forward(const char* meaning) {
  return options(meaning,
                 "y[n, o, p] = b[o] + Σ w[o, c, k] x[n, c, p·stride + k·dilation − padding] over "
                 "c and k",
                 "∂L/∂x[n, c, i] = Σ w[o, c, k] ∂L/∂y[n, o, p] over o, p and k with p·stride + "
                 "k·dilation − padding = i, ∂L/∂w[o, c, k] = Σ ∂L/∂y[n, o, p] x[n, c, p·stride + "
                 "k·dilation − padding] over n and p, ∂L/∂b[o] = Σ ∂L/∂y[n, o, p] over n and p");
}
RowOptions transposed(const char* meaning) {
  return options(meaning,
                 "y[n, c, i] = b[c] + Σ w[o, c, k] x[n, o, p] over o, p and k with p·stride + "
                 "k·dilation − padding = i",
                 "∂L/∂x[n, o, p] = Σ w[o, c, k] ∂L/∂y[n, c, p·stride + k·dilation − padding] over "
                 "c and k, ∂L/∂w[o, c, k] = Σ x[n, o, p] ∂L/∂y[n, c, p·stride + k·dilation − "
                 "padding] over n and p, ∂L/∂b[c] = Σ ∂L/∂y[n, c, i] over n and i");
}

#define BACKLIT_CONV(N, shapes)                                                               \
  const RegisterComplex conv##N##d_row(                                                       \
      "conv" #N                                                                               \
      "d(Tensor input, Tensor weight, Tensor? bias=None, int[1] "                             \
      "stride=1, int[1] padding=0, int[1] dilation=1, int groups=1) "                         \
      "-> Tensor",                                                                            \
      conv<N>, forward("Convolution: " shapes "."));                                          \
  const RegisterComplex conv##N##d_mode_row(                                                  \
      "conv" #N                                                                               \
      "d(Tensor input, Tensor weight, Tensor? bias=None, int[1] "                             \
      "stride=1, str padding='valid', int[1] dilation=1, "                                    \
      "int groups=1) -> Tensor",                                                              \
      conv_mode<N>,                                                                           \
      forward("Convolution without padding ('valid'), or with as "                            \
              "much as keeps the sizes ('same')."));                                          \
  const RegisterComplex conv_transpose##N##d_row(                                             \
      "conv_transpose" #N                                                                     \
      "d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, " \
      "int[1] output_padding=0, int groups=1, int[1] dilation=1) -> Tensor",                  \
      conv_transpose<N>, transposed("Transposed convolution, conv" #N "d's gradient."));
BACKLIT_CONV(1, "(N, C, L), (O, C / groups, K) -> (N, O, L')")
BACKLIT_CONV(2, "(N, C, H, W), (O, C / groups, KH, KW) -> (N, O, H', W')")
BACKLIT_CONV(3, "(N, C, D, H, W), (O, C / groups, KD, KH, KW) -> (N, O, D', H', W')")
#undef BACKLIT_CONV

const Register convolution_row(
    "convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, "
    "int[] dilation, bool transposed, int[] output_padding, int groups) -> Tensor",
    convolution_op,
    // the row of all their nodes: what it says holds for both kinds
    options("Convolution over one, two or three dimensions, or a transposed one.",
            "y[n, o, p] = b[o] + Σ w[o, c, k] x[n, c, q] over c, k and q, where p·stride + "
            "k·dilation − padding = q; transposed: p and q change places",
            "∂L/∂x[n, c, q] = Σ w[o, c, k] ∂L/∂y[n, o, p] over o, k and p, ∂L/∂w[o, c, k] = Σ "
            "∂L/∂y[n, o, p] x[n, c, q] over n, p and q, ∂L/∂b[o] = Σ ∂L/∂y[n, o, p] over n and "
            "p"));

// Time, batch and channels in this order.
Tensor conv_tbc(const Tensor& x, const Tensor& w, const Tensor& b, int64_t pad) {
  BACKLIT_CHECK(x.dim() == 3, Runtime, "Input must have 3 dims: time, batch, in_channel");
  BACKLIT_CHECK(w.dim() == 3, Runtime,
                "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.");
  BACKLIT_CHECK(b.dim() == 1, Runtime, "Bias must be 1-D");
  BACKLIT_CHECK(x.layout().size(2) == w.layout().size(1), Runtime,
                "Input dim 2 (input channels) is not == dim 1 in the weight tensor");
  BACKLIT_CHECK(b.layout().size(0) == w.layout().size(2), Runtime,
                "Bias size must equal dim 2 in the weight tensor (output channels).");
  const Tensor samples = permute(x, Dims{1, 2, 0}), kernels = permute(w, Dims{2, 1, 0});
  const ConvForm f =
      checked_form(samples, kernels, b, {Dims{1}, Dims{pad}, Dims{1}, Dims{0}, false, 1});
  return permute(form_y(kForward, f, samples, kernels, b), Dims{2, 0, 1});
}
const Register conv_tbc_row(
    "conv_tbc(Tensor input, Tensor weight, Tensor bias, int pad=0) -> Tensor", conv_tbc,
    {.meaning = "Convolution over time: (T, N, C), (K, C, O) -> (T', N, O).",
     .formula = "y[t, n, o] = b[o] + Σ w[k, c, o] x[t + k − pad, n, c] over c and k",
     .method = false});

}  // namespace
}  // namespace backlit::ops
