// Fronts of selection, interpolation, rounding and activations, and what is trivial for real
// numbers.
#include <cmath>

#include "formulas/activation.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/rounding.h"
#include "formulas/special.h"
#include "graph/inplace.h"
#include "ops/pointwise.h"
#include "ops/sorting.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using namespace formulas;

// --- selection ---

Tensor condition_of(const Tensor& condition) {
  if (condition.dtype() == Dtype::Bool) return condition;
  BACKLIT_CHECK(condition.dtype() == Dtype::UInt8, Runtime,
                "where expected condition to be a boolean tensor, but got a tensor with dtype ",
                info(condition.dtype()).scalar_name, ". Compare it with something: x > 0.");
  if (PyErr_WarnEx(
          PyExc_UserWarning,
          "where received a uint8 condition tensor. This behavior is deprecated and will be "
          "removed in a future version of PyTorch. Use a boolean condition instead.",
          1) < 0)
    throw PythonErrorSet();
  return to_dtype(condition, Dtype::Bool);
}

Tensor where_op(Tensor condition, Operand a, Operand b, Tensor out) {
  return into_out("where", where(condition_of(condition), a, b), out);
}
Tensor where_method_op(Tensor a, Tensor condition, Operand b) {
  return where(condition_of(condition), a, b);
}
const RegisterAny where_row(
    "where(Tensor condition, Tensor|Number input, Tensor|Number other, *, Tensor? out=None) -> "
    "Tensor",
    where_op,
    {.meaning = "Takes from input where the condition holds, and from other elsewhere.",
     .formula = Where::formula,
     .gradient = "∂L/∂b = g if a else 0, ∂L/∂c = 0 if a else g",
     .method = false});
const RegisterAny where_positions_row(
    "where(Tensor condition) -> Tensor[]", nonzero_as_tuple,
    {.meaning = "The positions where the condition is not 0: one vector per dimension.",
     .method = false});
const RegisterAny where_method_row(
    "where(Tensor input, Tensor condition, Tensor|Number other) -> Tensor", where_method_op,
    {.meaning = "Takes from this tensor where the condition holds, and from "
                "other elsewhere.",
     .formula = Where::formula,
     .home = "_C",
     .function = false});

Choice heaviside_front(Tensor x, Tensor values) {
  BACKLIT_CHECK(
      x.dtype() == values.dtype(), Runtime,
      "heaviside is not yet implemented for tensors with different dtypes. Convert one of them.");
  return {formula<Heaviside>(), x, values};
}
const RegisterFront<&heaviside_front> heaviside_row(Heaviside::signature,
                                                    {.meaning = Heaviside::meaning,
                                                     .formula = Heaviside::formula});

// --- interpolation ---

void need_same_dtype(const Tensor& x, const Tensor& other, const char* what) {
  BACKLIT_CHECK(x.dtype() == other.dtype(), Runtime, "expected dtype ", info(x.dtype()).c_name,
                " for `", what, "` but got dtype ", info(other.dtype()).c_name);
}
Choice lerp_tensor(Tensor a, Tensor b, Tensor weight) {
  need_same_dtype(a, b, "end");
  need_same_dtype(a, weight, "weight");
  return {formula<Lerp>(), a, b, weight};
}
Choice lerp_number(Tensor a, Tensor b, Scalar weight) {
  need_same_dtype(a, b, "end");
  if (a.is_complex()) return {formula<Lerp>(), a, b, weight};
  Choice c(formula<LerpScalar>(), a, b);
  c.params[0] = weight.d;
  return c;
}
const RowOptions lerp_options{.meaning = Lerp::meaning,
                              .formula = Lerp::formula,
                              .gradient = "∂L/∂a = (1 - c) g, ∂L/∂b = c g, ∂L/∂c = (b - a) g"};
const RegisterFront<&lerp_tensor> lerp_tensor_row("lerp(Tensor input, Tensor end, Tensor weight)",
                                                  lerp_options);
const RegisterFront<&lerp_number> lerp_number_row("lerp(Tensor input, Tensor end, Scalar weight)",
                                                  lerp_options);

// --- rounding ---

Choice round_front(Tensor x, std::optional<std::int64_t> decimals) {
  if (!decimals) return {formula<Round>(), x};
  const bool tens = *decimals < 0;
  Choice c(tens ? formula<RoundTens>() : formula<RoundDecimals>(), x);
  c.params[0] = std::pow(10.0, std::abs(static_cast<double>(*decimals)));
  return c;
}
const RegisterFront<&round_front> round_row(
    "round(Tensor input, *, int? decimals=None)",
    {.meaning = "Nearest integer, or number with so many decimals; a half goes to the even one.",
     .formula = Round::formula,
     .gradient = "0",
     .aliases = Round::aliases},
    InPlace::Function);

double largest(Dtype d) {
  return d == Dtype::Float64    ? std::numeric_limits<double>::max()
         : d == Dtype::Float16  ? 65504
         : d == Dtype::BFloat16 ? 0x1.fep127
                                : std::numeric_limits<float>::max();
}

Choice nan_to_num_front(Tensor x, std::optional<double> nan, std::optional<double> posinf,
                        std::optional<double> neginf) {
  Choice c(formula<NanToNum>(), x);
  c.params[0] = nan.value_or(0);
  c.params[1] = posinf.value_or(largest(x.dtype()));
  c.params[2] = neginf.value_or(-largest(x.dtype()));
  return c;
}
const RegisterFront<&nan_to_num_front> nan_to_num_row(
    "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None)",
    {.meaning = "Replaces nan by 0 and infinities by the largest numbers, or by what is given.",
     .formula = NanToNum::formula,
     .gradient = "∂L/∂x = g where x is finite, else 0"},
    InPlace::Function);

// --- activations ---

Choice gelu_front(Tensor x, std::string approximate) {
  if (approximate == "none") return {formula<Gelu>(), x};
  BACKLIT_CHECK(approximate == "tanh", Runtime,
                "approximate argument must be either none or tanh.");
  return {formula<GeluTanh>(), x};
}
const RegisterFront<&gelu_front> gelu_row("gelu(Tensor input, *, str approximate='none')",
                                          {.meaning = Gelu::meaning,
                                           .formula = Gelu::formula,
                                           .gradient = "∂L/∂x = g (Φ(x) + x φ(x))",
                                           .home = "nn"},
                                          InPlace::Function);

Choice threshold_front(Tensor x, Scalar threshold, Scalar value) {
  Choice c(formula<Threshold>(), x);
  c.params[0] = parameter(threshold, x.dtype());
  c.params[1] = parameter(value, x.dtype());
  return c;
}
const RegisterFront<&threshold_front> threshold_row(
    Threshold::signature,
    {.meaning = Threshold::meaning,
     .formula = Threshold::formula,
     .gradient = "∂L/∂x = g if x > threshold else 0",
     .aliases = Threshold::aliases,
     .method = false},
    InPlace::Function);

Choice celu_front(Tensor x, Scalar alpha) {
  BACKLIT_CHECK(alpha.d != 0, Runtime, "ZeroDivisionError: alpha cannot be 0 for CELU");
  Choice c(formula<Celu>(), x);
  c.params[0] = alpha.d;
  return c;
}
const RegisterFront<&celu_front> celu_row(Celu::signature,
                                          {.meaning = Celu::meaning,
                                           .formula = Celu::formula,
                                           .gradient = "∂L/∂x = g if x > 0 else g exp(x / alpha)",
                                           .aliases = Celu::aliases,
                                           .method = false},
                                          InPlace::Function);

Choice softshrink_front(Tensor x, Scalar lambd) {
  BACKLIT_CHECK(!(lambd.d < 0 || lambd.d > largest(x.dtype())), Runtime,
                "lambda must be in range [0, ", largest(x.dtype()), "] for input dtype ",
                info(x.dtype()).scalar_name, ", but found ", lambd.d);
  Choice c(formula<Softshrink>(), x);
  c.params[0] = lambd.d;
  return c;
}
const RegisterFront<&softshrink_front> softshrink_row(
    Softshrink::signature,
    {.meaning = Softshrink::meaning,
     .formula = Softshrink::formula,
     .gradient = "∂L/∂x = g if |x| > lambd else 0",
     .home = "nn",
     .method = false},
    InPlace::None);

Tensor prelu_op(Tensor x, Tensor weight) {
  BACKLIT_CHECK(x.dtype() == weight.dtype(), Runtime, "prelu: Type promoting not supported. Got ",
                info(x.dtype()).scalar_name, " and ", info(weight.dtype()).scalar_name);
  const std::int64_t n = weight.numel();
  if (n != 1) {
    BACKLIT_CHECK(x.dim() > 0, Runtime, "Not allow zero-dim input tensor.");
    const std::int64_t channels = x.dim() > 1 ? x.size(1) : 1;
    BACKLIT_CHECK(
        channels == n, Runtime,
        "Mismatch of parameter numbers and input channel size. Found parameter numbers = ", n,
        " and channel size = ", channels, ".");
  }
  BACKLIT_CHECK(
      weight.dim() <= 1, Runtime,
      "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.dim());
  Tensor w = weight;
  if (weight.dim() == 1) {
    Dims sizes;
    for (int d = 0; d < x.dim(); ++d) sizes.push_back(d == 1 ? n : 1);
    if (x.dim() <= 1 && x.dim() > 0) sizes[0] = n;
    w = view(weight, sizes);
  }
  return apply<PreluKernel>(x, w);
}
const RegisterAny prelu_row(
    "prelu(Tensor input, Tensor weight) -> Tensor", prelu_op,
    {.meaning = "Rectified linear unit with a learned slope below 0, one for all "
                "elements or one per channel (dimension 1).",
     .formula = PreluKernel::formula,
     .gradient = "∂L/∂x = g if x > 0 else w g, ∂L/∂w = Σ (0 if x > 0 else x g)",
     .aliases = "nn.prelu"});

// --- what a tensor holds ---

Tensor positive_op(Tensor x) {
  BACKLIT_CHECK(x.dtype() != Dtype::Bool, Runtime, Positive::bool_error);
  return x;
}
const RegisterAny positive_row("positive(Tensor input) -> Tensor", positive_op,
                               {.meaning = Positive::meaning,
                                .formula = Positive::formula,
                                .gradient = "g"});

bool is_complex_op(Tensor x) { return x.is_complex(); }
const RegisterAny is_complex_row("is_complex(Tensor input) -> bool", is_complex_op,
                                 {.meaning = "Whether the tensor holds complex numbers."});
bool never(Tensor) { return false; }
const RegisterAny is_conj_row(
    "is_conj(Tensor input) -> bool", never,
    {.meaning = "Whether the tensor is a view that conjugates when it is read: never, conj copies.",
     .aliases = "is_neg"});
bool is_floating_point_op(Tensor x) { return x.is_floating(); }
const RegisterAny is_floating_point_row(
    "is_floating_point(Tensor input) -> bool", is_floating_point_op,
    {.meaning = "Whether the tensor holds floating-point numbers."});
bool is_signed_op(Tensor x) { return x.dtype() != Dtype::Bool && x.dtype() != Dtype::UInt8; }
const RegisterAny is_signed_row("is_signed(Tensor input) -> bool", is_signed_op,
                                {.meaning = "Whether the dtype has negative numbers."});
bool is_nonzero_op(Tensor x) {
  BACKLIT_CHECK(x.numel() == 1, Runtime,
                x.numel() == 0 ? "Boolean value of Tensor with no values is ambiguous"
                               : "Boolean value of Tensor with more than one value is ambiguous");
  const Complex<double> number = read_complex(x.raw(), x.dtype());
  return !(number == Complex<double>());
}
const RegisterAny is_nonzero_row("is_nonzero(Tensor input) -> bool", is_nonzero_op,
                                 {.meaning = "Whether the tensor's one element differs from 0."});

}  // namespace
}  // namespace backlit::ops
