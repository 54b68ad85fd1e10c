// What convolutions refuse, in PyTorch's order and words. It runs those over one dimension as ones
// of height 1, which some of its texts show.
#include "ops/convolution.h"
#include "ops/elementwise.h"
#include "ops/products.h"

namespace backlit::ops {
namespace {

using std::int64_t;

Dims expanded(const char* name, const Dims& given, int dims) {
  BACKLIT_CHECK(given.size() == 1 || given.size() == dims, Runtime, "expected ", name,
                " to be a single integer value or a list of ", dims,
                " values to match the convolution dimensions, but got ", name, "=",
                to_string(given));
  if (given.size() == dims) return given;
  Dims all;
  for (int d = 0; d < dims; ++d) all.push_back(given[0]);
  return all;
}

bool any_below(const Dims& values, int64_t least) {
  for (const int64_t v : values)
    if (v < least) return true;
  return false;
}

Dims two_at_least(Dims values, int64_t fill) {
  if (values.size() == 1) values.insert(0, fill);
  return values;
}

// "2 x 3"
std::string crossed(const Dims& values) {
  std::string text;
  for (const int64_t v : values) text += concat(text.empty() ? "" : " x ", v);
  return text;
}

// "stride_height: 1 stride_width: 2"
std::string named(const char* name, const Dims& values, const char* separator = " ") {
  static constexpr const char* kDimensions[] = {"_depth: ", "_height: ", "_width: "};
  std::string text;
  for (int d = 0; d < values.size(); ++d)
    text += concat(d ? separator : "", name, kDimensions[3 - values.size() + d], values[d]);
  return text;
}

void check_numbers(const ConvArguments& a, int dims) {
  BACKLIT_CHECK(a.groups > 0, Runtime, "non-positive groups is not supported");
  BACKLIT_CHECK(!any_below(a.padding, 0), Runtime, "negative padding is not supported");
  BACKLIT_CHECK(!any_below(a.output_padding, 0), Runtime,
                "negative output_padding is not supported");
  BACKLIT_CHECK(!any_below(a.stride, 1), Runtime, "non-positive stride is not supported");
  BACKLIT_CHECK(!any_below(a.dilation, 0), Runtime, "dilation should be greater than zero");
  const Dims dilation = two_at_least(a.dilation, 1);
  if (any_below(a.dilation, 1))
    fail(ErrorKind::Runtime, "dilation should be greater than zero, but got ",
         a.transposed ? named("dilation", dilation, ", ") : to_string(dilation));
  BACKLIT_CHECK(dims <= 3, Runtime, "unsupported ConvNd parameters");
}

void check_channels(const Tensor& x, const Tensor& w, const Tensor& b, const ConvArguments& a) {
  BACKLIT_CHECK(w.dim() == x.dim(), Runtime, "Expected ", w.dim(), "-dimensional input for ",
                w.dim(), "-dimensional weight ", to_string(w.sizes()), ", but got ", x.dim(),
                "-dimensional input of size ", to_string(x.sizes()), " instead");
  const int64_t rows = w.layout().size(0), columns = w.layout().size(1);
  BACKLIT_CHECK(rows >= a.groups, Runtime, "Given groups=", a.groups,
                ", expected weight to be at least ", a.groups,
                " at dimension 0, but got weight of size ", to_string(w.sizes()), " instead");
  BACKLIT_CHECK(rows % a.groups == 0, Runtime, "Given groups=", a.groups,
                ", expected weight to be divisible by ", a.groups,
                " at dimension 0, but got weight of size [", to_string(w.sizes()), "] instead");
  const std::string given = a.transposed ? "transposed=1" : concat("groups=", a.groups);
  const int64_t in = a.transposed ? rows : columns * a.groups;
  BACKLIT_CHECK(x.layout().size(1) == in, Runtime, "Given ", given, ", weight of size ",
                to_string(w.sizes()), ", expected input", to_string(x.sizes()), " to have ", in,
                " channels, but got ", x.layout().size(1), " channels instead");
  const int64_t out = a.transposed ? columns * a.groups : rows;
  BACKLIT_CHECK(!b.defined() || (b.dim() == 1 && b.layout().size(0) == out), Runtime, "Given ",
                a.transposed ? "transposed=1, " : "", "weight of size ", to_string(w.sizes()),
                ", expected bias to be 1-dimensional with ", out,
                " elements, but got bias of size ", to_string(b.sizes()), " instead");
}

void check_dtypes(const Tensor& x, const Tensor& w, const Tensor& b, bool transposed) {
  const int dims = x.dim() - 2;
  const Dtype other = x.dtype() != w.dtype() || !b.defined() ? w.dtype() : b.dtype();
  const auto type_name = [](Dtype d) { return concat("torch.", info(d).tensor_type); };
  if (x.dtype() != other && computing(x.dtype()) == Dtype::Float32)  // of those PyTorch gives MKL
    fail(ErrorKind::Runtime, "Input type (", type_name(x.dtype()), ") and weight type (",
         type_name(other),
         ") should be the same or input should be a MKLDNN tensor and weight is "
         "a dense tensor. Convert one with .to(dtype).");
  BACKLIT_CHECK(x.dtype() == other, Runtime, "expected scalar type ", info(x.dtype()).scalar_name,
                " but found ", info(other).scalar_name, ". Got input ", info(x.dtype()).name,
                " and weight ", info(other).name, ".");
  if (x.dtype() == Dtype::Bool)
    fail(ErrorKind::NotImplemented, '"',
         dims < 3 ? (transposed ? "slow_conv_transpose2d_out_cpu" : "slow_conv2d_cpu")
                  : (transposed ? "slow_conv_transpose3d_out_cpu" : "compute_columns3d"),
         "\" not implemented for 'Bool'");
}

void check_kernel(const Dims& kernel, const Tensor& w, bool transposed) {
  const Dims shown = two_at_least(kernel, 1);
  if (transposed) {
    Dims sizes(w.sizes());
    if (kernel.size() == 1) sizes.insert(2, 1);
    const bool empty = w.layout().size(1) == 0;
    BACKLIT_CHECK(kernel.size() < 3 || (!empty && !any_below(kernel, 1)), Runtime,
                  "non-empty 5D (n_output_plane x n_input_plane x kernel_depth x kernel_height x "
                  "kernel_width) tensor expected for weight, but got: ",
                  to_string(sizes));
    BACKLIT_CHECK(!empty, Runtime,
                  "non-empty 2D or 4D weight tensor expected, but got: ", to_string(sizes));
  }
  if (!any_below(kernel, 1)) return;
  if (kernel.size() == 3)
    fail(ErrorKind::Runtime, "kernel size should be greater than zero, but got: ", crossed(kernel),
         " (TxHxW)");
  fail(ErrorKind::Runtime, "kernel size should be greater than zero, but got ",
       named("kernel", shown));
}

// The sizes of the result.
Dims output_sizes(const Dims& in, const Dims& kernel, const ConvArguments& a, bool same_size) {
  if (same_size) return in;
  Dims padded, reach, out;
  for (int d = 0; d < in.size(); ++d) {
    padded.push_back(in[d] + 2 * a.padding[d]);
    reach.push_back(a.dilation[d] * (kernel[d] - 1) + 1);
    out.push_back(a.transposed ? (in[d] - 1) * a.stride[d] - 2 * a.padding[d] + reach[d] +
                                     a.output_padding[d]
                               : (padded[d] - reach[d]) / a.stride[d] + 1);
  }
  for (int d = 0; d < in.size() && !a.transposed; ++d)
    BACKLIT_CHECK(padded[d] >= reach[d], Runtime, "Calculated padded input size per channel: (",
                  crossed(padded), "). Kernel size: (", crossed(reach),
                  "). Kernel size can't be greater than actual input size");
  if (a.transposed && any_below(out, 1)) {
    Dims shown = out;
    if (shown.size() == 1) shown.insert(0, 1);
    fail(ErrorKind::Runtime, "Given input size per channel: (", crossed(two_at_least(in, 1)),
         "). Calculated output size per channel: (", crossed(shown), "). Output size is too small");
  }
  return out;
}

void check_output_padding(const ConvArguments& a) {
  if (!a.transposed) return;
  for (int d = 0; d < a.stride.size(); ++d)
    BACKLIT_CHECK(a.output_padding[d] < a.stride[d] || a.output_padding[d] < a.dilation[d], Runtime,
                  "output padding must be smaller than either stride or dilation, but got ",
                  named("output_padding", two_at_least(a.output_padding, 0)), ' ',
                  named("stride", two_at_least(a.stride, 1)), ' ',
                  named("dilation", two_at_least(a.dilation, 1)));
}

}  // namespace

void check_bias_dtype(const Tensor& x, const Tensor& b) {
  BACKLIT_CHECK(!b.defined() || b.dtype() == x.dtype(), Runtime, "Input type (",
                info(x.dtype()).c_name, ") and bias type (", info(b.dtype()).c_name,
                ") should be the same. Convert the input with .to(dtype), or the module with "
                ".double() or .float().");
}

ConvForm checked_form(const Tensor& x, const Tensor& w, const Tensor& b,
                      const ConvArguments& arguments, bool same_size) {
  const int dims = w.dim() - 2;
  BACKLIT_CHECK(dims > 0, Runtime, "weight should have at least three dimensions");
  ConvArguments a = arguments;
  a.stride = expanded("stride", a.stride, dims);
  a.padding = expanded("padding", a.padding, dims);
  a.dilation = expanded("dilation", a.dilation, dims);
  a.output_padding = expanded("output_padding", a.output_padding, dims);
  check_numbers(a, dims);
  check_channels(x, w, b, a);
  const Dims in(x.sizes().subspan(2)), kernel(w.sizes().subspan(2));
  const bool empty_sample = any_below(in, 1);
  if (!a.transposed || !empty_sample) {
    check_output_padding(a);
    check_kernel(kernel, w, a.transposed);
  }
  BACKLIT_CHECK(!empty_sample || x.layout().size(0) == 0 || x.layout().size(1) == 0 ||
                    (!a.transposed && any_below(output_sizes(in, kernel, a, same_size), 0)),
                Runtime, "Only zero batch or zero channel inputs are supported, but got input ",
                "shape: ", to_string(x.sizes()));
  const Dims out = output_sizes(in, kernel, a, same_size);
  check_dtypes(x, w, b, a.transposed);
  ConvForm form{{x.layout().size(0),
                 a.groups,
                 0,
                 0,
                 {1, 1, 1},
                 {1, 1, 1},
                 {1, 1, 1},
                 {1, 1, 1},
                 {0, 0, 0},
                 {1, 1, 1}},
                dims};
  ConvShape& s = form.shape;
  s.in_channels = w.layout().size(1);
  s.out_channels = w.layout().size(0) / a.groups;
  const int first = dims == 3 ? 0 : 1;
  for (int d = 0; d < dims; ++d) {
    s.in[first + d] = a.transposed ? out[d] : in[d];
    s.out[first + d] = a.transposed ? in[d] : out[d];
    s.kernel[first + d] = kernel[d];
    s.stride[first + d] = a.stride[d];
    s.padding[first + d] = a.padding[d];
    s.dilation[first + d] = a.dilation[d];
  }
  return form;
}

}  // namespace backlit::ops
