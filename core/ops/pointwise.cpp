// Fronts of arithmetic: sums, quotients, powers, bounds, interpolation and selection.
#include "ops/pointwise.h"

#include <cmath>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/power.h"
#include "formulas/rounding.h"

namespace backlit::ops {

void need_tensor(const char* name, const Operand& a, const Operand& b) {
  BACKLIT_CHECK(
      a.t || b.t, Type, name,
      "() received an invalid combination of arguments - got two numbers. Make one of them a "
      "tensor.");
}

Choice of_numbers(const ElementwiseOp& formula, const Operand& a, const Operand& b) {
  Choice c(formula, a, b);
  if (a.t || b.t) return c;
  const auto kind = std::max(a.s.kind, b.s.kind);
  c.keep[0] = as_tensor(kind == a.s.kind              ? a.s
                        : kind == Scalar::Kind::Float ? Scalar(a.s.d)
                                                      : Scalar(a.s.i));
  c.in[0] = Operand(c.keep[0]);
  return c;
}

double parameter(const Scalar& s, Dtype dtype) {
  BACKLIT_CHECK(s.kind != Scalar::Kind::Complex || s.im == 0, NotImplemented,
                "a complex number as a parameter of an elementwise operation. Got ", s.d, " + ",
                s.im, "j; multiply a tensor by it instead.");
  if (dtype == Dtype::Float64 || dtype == Dtype::Bool || is_complex(dtype)) return s.d;
  if (is_floating(dtype)) {
    BACKLIT_CHECK(!std::isfinite(s.d) || std::isfinite(static_cast<float>(s.d)), Runtime,
                  "value cannot be converted to type float without overflow");
    return s.d;
  }
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_floating_point_v<T>) {
      // unsigned types take the negative of the integers they hold, and wrap
      const double high = static_cast<double>(std::numeric_limits<T>::max());
      const double low = std::is_signed_v<T> ? static_cast<double>(std::numeric_limits<T>::lowest())
                         : s.kind == Scalar::Kind::Float ? 0
                                                         : -high;
      BACKLIT_CHECK(s.d >= low && s.d <= high, Runtime, "value cannot be converted to type ",
                    dtype == Dtype::UInt8   ? "uint8_t"
                    : dtype == Dtype::Int8  ? "int8_t"
                    : dtype == Dtype::Int16 ? "int16_t"
                    : dtype == Dtype::Int32 ? "int"
                                            : "int64_t",
                    " without overflow");
    }
  });
  if (dtype == Dtype::UInt8 && s.d < 0) return std::trunc(s.d) + 256;
  return std::trunc(s.d);
}

std::string with_out(const std::string& signature) {
  const auto close = signature.rfind(')');
  const bool star = signature.find("*,") != std::string::npos;
  return signature.substr(0, close) + (star ? ", Tensor? out=None)" : ", *, Tensor? out=None)") +
         " -> Tensor";
}

std::string with_underscore(const std::string& signature) {
  const auto open = signature.find('(');
  const std::string number = "(Tensor|Number ";
  const bool either = signature.compare(open, number.size(), number) == 0;
  return concat(signature.substr(0, open), "_(", either ? "Tensor " : "",
                signature.substr(either ? open + number.size() : open + 1), " -> Tensor");
}

Tensor run_into_out(const char* name, const Choice& c, const Tensor& out) {
  if (out.defined()) check_no_partial_overlap(out, c.operands());
  return into_out(name, run(c), out);
}

Tensor run_in_place(const Choice& c) {
  // converted operand 0: a number is of a higher category than the tensor, which throws
  if (c.in[0].t != c.self) check_can_cast(c.in[0].t->dtype, c.self->dtype);
  return elementwise_in_place(*c.op, c.operands(), c.params);
}

namespace {

using namespace formulas;

// --- sums ---

// PyTorch's rules for alpha; `dtype` is that of the result.
double alpha_for(const Scalar& alpha, Dtype dtype) {
  BACKLIT_CHECK(alpha.kind != Scalar::Kind::Bool || dtype == Dtype::Bool, Runtime,
                "Boolean alpha only supported for Boolean results.");
  BACKLIT_CHECK(is_differentiable(dtype) || alpha.kind != Scalar::Kind::Float, Runtime,
                "For integral input tensors, argument alpha must not be a floating point number.");
  return parameter(alpha, dtype);
}

bool is_one(const Scalar& s) { return s.kind == Scalar::Kind::Int && s.i == 1; }

Choice scaled(const ElementwiseOp& op, const Operand& a, const Operand& b, const Scalar& alpha) {
  Choice c = of_numbers(op, a, b);
  if (!is_one(alpha)) c.params[0] = alpha_for(alpha, result_type(c.operands()));
  return c;
}

Choice add_front(Operand a, Operand b, Scalar alpha) { return scaled(formula<Add>(), a, b, alpha); }
Choice sub_front(Operand a, Operand b, Scalar alpha) {
  refuse_bools(a, b);
  return scaled(formula<Sub>(), a, b, alpha);
}
Choice rsub_front(Tensor a, Operand b, Scalar alpha) {
  refuse_bools(a, b);
  return scaled(formula<Rsub>(), a, b, alpha);
}

const RegisterFront<&add_front> add_row(
    "add(Tensor|Number input, Tensor|Number other, *, Scalar alpha=1)",
    {.meaning = Add::meaning, .formula = Add::formula, .gradient = "∂L/∂a = g, ∂L/∂b = alpha g"});
const RegisterFront<&sub_front> sub_row(
    "sub(Tensor|Number input, Tensor|Number other, *, Scalar alpha=1)",
    {.meaning = Sub::meaning,
     .formula = Sub::formula,
     .gradient = "∂L/∂a = g, ∂L/∂b = -alpha g",
     .aliases = Sub::aliases});
const RegisterFront<&rsub_front> rsub_row(
    "rsub(Tensor input, Tensor|Number other, *, Scalar alpha=1)",
    {.meaning = Rsub::meaning,
     .formula = Rsub::formula,
     .gradient = "∂L/∂a = -alpha g, ∂L/∂b = g",
     .method = false},
    InPlace::None);

Choice addcmul_front(Tensor x, Tensor a, Tensor b, Scalar value) {
  Choice c(formula<Addcmul>(), x, a, b);
  c.keep[0] = x;
  if (!is_one(value)) c.params[0] = parameter(value, result_type(c.operands()));
  return c;
}
Choice addcdiv_front(Tensor x, Tensor a, Tensor b, Scalar value) {
  BACKLIT_CHECK(
      a.is_differentiable() || b.is_differentiable(), Runtime,
      "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
      "will perform a true division of tensor1 and tensor2. Write input + value * (tensor1 / "
      "tensor2) instead.");
  Choice c(formula<Addcdiv>(), x, a, b);
  if (!is_one(value)) c.params[0] = parameter(value, result_type(c.operands()));
  return c;
}
const RegisterFront<&addcmul_front> addcmul_row(
    Addcmul::signature, {.meaning = Addcmul::meaning,
                         .formula = Addcmul::formula,
                         .gradient = "∂L/∂a = g, ∂L/∂b = value c g, ∂L/∂c = value b g"});
const RegisterFront<&addcdiv_front> addcdiv_row(
    Addcdiv::signature, {.meaning = Addcdiv::meaning,
                         .formula = Addcdiv::formula,
                         .gradient = "∂L/∂a = g, ∂L/∂b = value g / c, ∂L/∂c = -value b g / c²"});

// --- quotients ---

Choice div_front(Operand a, Operand b, std::optional<std::string> mode) {
  if (!mode) return of_numbers(formula<Div>(), a, b);
  if (*mode == "floor") return of_numbers(formula<DivFloor>(), a, b);
  BACKLIT_CHECK(*mode == "trunc", Runtime,
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
                *mode, "'");
  return of_numbers(formula<DivTrunc>(), a, b);
}
const RegisterFront<&div_front> div_row(
    "div(Tensor|Number input, Tensor|Number other, *, str? rounding_mode=None)",
    {.meaning =
         "Quotient of two tensors, element by element; rounded down (\"floor\") or towards zero "
         "(\"trunc\") on request.",
     .formula = Div::formula,
     .gradient = "∂L/∂a = g / b, ∂L/∂b = -g a / b²; 0 when rounded",
     .aliases = "divide"});

Choice true_divide_front(Operand a, Operand b) { return of_numbers(formula<Div>(), a, b); }
const RegisterFront<&true_divide_front> true_divide_row(
    "true_divide(Tensor|Number input, Tensor|Number other)",
    {.meaning = Div::meaning,
     .formula = Div::formula,
     .gradient = "∂L/∂a = g / b, ∂L/∂b = -g a / b²"});

Choice floor_divide_front(Operand a, Operand b) { return of_numbers(formula<FloorDivide>(), a, b); }
const RegisterFront<&floor_divide_front> floor_divide_row(FloorDivide::signature,
                                                          {.meaning = FloorDivide::meaning,
                                                           .formula = FloorDivide::formula});

Choice mul_front(Operand a, Operand b) { return of_numbers(formula<Mul>(), a, b); }
const RegisterFront<&mul_front> mul_row(Mul::signature, {.meaning = Mul::meaning,
                                                         .formula = Mul::formula,
                                                         .gradient = "∂L/∂a = b g, ∂L/∂b = a g",
                                                         .aliases = Mul::aliases});

// --- powers ---

// A power with a number as exponent: the kernel that PyTorch uses for it.
const ElementwiseOp& power_formula(double p) {
  if (p == 2) return formula<PowSquare>();
  if (p == 3) return formula<PowCube>();
  if (p == 0.5) return formula<PowSqrt>();
  if (p == -0.5) return formula<PowRsqrt>();
  if (p == -1) return formula<PowReciprocal>();
  if (p == -2) return formula<PowReciprocalSquare>();
  return formula<PowScalar>();
}

}  // namespace

Choice choose_power(const Operand& base, const Operand& exponent) {
  if (base.t && !exponent.t) {
    const Scalar& p = exponent.s;
    if (p.kind == Scalar::Kind::Complex) return {formula<Pow>(), base, exponent};
    if (is_differentiable(base.t->dtype) || p.kind == Scalar::Kind::Float) {
      Choice c(power_formula(p.d), base);
      c.params[0] = p.d;
      if (!is_differentiable(base.t->dtype)) c.convert(0, default_dtype());
      return c;
    }
    BACKLIT_CHECK(p.i >= 0, Runtime, "Integers to negative integer powers are not allowed.");
    if (p.i == 2 && base.t->dtype != Dtype::Bool) return {formula<PowSquare>(), base};
  }
  if (!base.t && base.s.kind != Scalar::Kind::Complex && is_differentiable(exponent.t->dtype)) {
    Choice c(formula<RPow>(), exponent);
    c.params[0] = base.s.d;
    return c;
  }
  return {formula<Pow>(), base, exponent};
}

Tensor pow(const Operand& base, const Operand& exponent) {
  return run(choose_power(base, exponent));
}

namespace {

Choice square_front(Tensor x) {
  Choice c(formula<Square>(), x);
  if (x.dtype() == Dtype::Bool) c.convert(0, Dtype::Int64);
  return c;
}
const RegisterFront<&square_front> square_row(Square::signature,
                                              {.meaning = Square::meaning,
                                               .formula = Square::formula,
                                               .gradient = "∂L/∂x = 2 x g"},
                                              InPlace::Function);

Tensor pow_op(Operand base, Operand exponent, Tensor out) {
  need_tensor("pow", base, exponent);
  return into_out("pow", pow(base, exponent), out);
}
Tensor pow_in_place_op(Tensor base, Operand exponent) {
  return run_in_place(choose_power(base, exponent));
}

const RowOptions power_options{.meaning = Pow::meaning,
                               .formula = Pow::formula,
                               .gradient = "∂L/∂a = g b aᵇ⁻¹, ∂L/∂b = g aᵇ ln a"};
const RegisterAny pow_row(
    "pow(Tensor|Number input, Tensor|Number exponent, *, Tensor? out=None) -> Tensor", pow_op,
    power_options);
const RegisterAny pow_in_place_row(
    "pow_(Tensor input, Tensor|Number exponent) -> Tensor", pow_in_place_op,
    {.meaning = Pow::meaning, .formula = Pow::formula, .function = false});

Operand as_double(const Operand& x, Tensor& keep) {
  if (!x.t) return x.s.kind == Scalar::Kind::Complex ? x : Operand(Scalar(x.s.d));
  keep = to_dtype(Tensor::borrow(x.t), is_complex(x.t->dtype) ? Dtype::Complex128 : Dtype::Float64);
  return keep;
}
Tensor float_power_op(Operand base, Operand exponent, Tensor out) {
  need_tensor("float_power", base, exponent);
  Tensor a, b;
  const Operand x = as_double(base, a), p = as_double(exponent, b);
  return into_out("float_power", pow(x, p), out);
}
Tensor float_power_in_place_op(Tensor base, Operand exponent) {
  BACKLIT_CHECK(base.dtype() == Dtype::Float64, Runtime,
                "the base given to float_power_ has dtype ", info(base.dtype()).scalar_name,
                " but the operation's result requires dtype Double");
  Tensor b;
  return run_in_place(choose_power(base, as_double(exponent, b)));
}
const RegisterAny float_power_row(
    "float_power(Tensor|Number input, Tensor|Number exponent, *, Tensor? out=None) -> Tensor",
    float_power_op,
    {.meaning = FloatPower::meaning,
     .formula = FloatPower::formula,
     .gradient = power_options.gradient});
const RegisterAny float_power_in_place_row(
    "float_power_(Tensor input, Tensor|Number exponent) -> Tensor", float_power_in_place_op,
    {.meaning = FloatPower::meaning, .formula = FloatPower::formula, .function = false});

// --- bounds ---

// The lowest or highest number of a dtype as an operand.
Scalar extreme(Dtype dtype, bool high) {
  if (is_floating(dtype)) return Scalar(high ? kInfinity : -kInfinity);
  Scalar s(std::int64_t{0});
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_floating_point_v<T>)
      s = Scalar(static_cast<std::int64_t>(high ? std::numeric_limits<T>::max()
                                                : std::numeric_limits<T>::lowest()));
  });
  return s;
}

void need_bound(bool any) {
  BACKLIT_CHECK(any, Runtime, "torch.clamp: At least one of 'min' or 'max' must not be None");
}

Choice clamp_tensors(Tensor x, Tensor min, Tensor max) {
  need_bound(min.defined() || max.defined());
  if (!max.defined()) return {formula<ClampLowerTensor>(), x, min};
  if (!min.defined()) return {formula<ClampUpperTensor>(), x, max};
  return {formula<ClampTensor>(), x, min, max};
}

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // integers that double holds exactly
bool exact(const std::optional<Scalar>& s) { return !s || (s->i <= kExact && s->i >= -kExact); }

// x as the tensor that a computation with these numbers starts from.
Dtype with_numbers(const Tensor& x, const std::optional<Scalar>& a,
                   const std::optional<Scalar>& b) {
  const Operand in[] = {x, a ? Operand(*a) : Operand(x), b ? Operand(*b) : Operand(x)};
  return result_type(in);
}

Choice clamp_numbers(Tensor x, std::optional<Scalar> min, std::optional<Scalar> max) {
  need_bound(min || max);
  const Dtype d = with_numbers(x, min, max);
  if (!is_floating(d) && !(exact(min) && exact(max)))
    return {formula<ClampTensor>(), x, min ? *min : extreme(d, false),
            max ? *max : extreme(d, true)};
  Choice c(formula<Clamp>(), x);
  c.convert(0, d);
  c.params[0] = min ? parameter(*min, d) : -kInfinity;
  c.params[1] = max ? parameter(*max, d) : kInfinity;
  return c;
}

template <class OfTensor, class OfNumber> struct OneBound {
  static Choice tensor(Tensor x, Tensor bound) { return {formula<OfTensor>(), x, bound}; }
  static Choice number(Tensor x, Scalar bound) {
    const Dtype d = with_numbers(x, bound, {});
    if (!is_floating(d) && !exact(bound)) return {formula<OfTensor>(), x, bound};
    Choice c(formula<OfNumber>(), x);
    c.convert(0, d);
    c.params[0] = parameter(bound, d);
    return c;
  }
};

using LowerBound = OneBound<ClampMinTensor, ClampMin>;
using UpperBound = OneBound<ClampMaxTensor, ClampMax>;

const RowOptions clamp_options{.meaning = Clamp::meaning,
                               .formula = Clamp::formula,
                               .gradient = "∂L/∂x = g where min ≤ x ≤ max, else 0",
                               .aliases = "clip"};
const RegisterFront<&clamp_tensors> clamp_tensors_row(
    "clamp(Tensor input, Tensor? min=None, Tensor? max=None)", clamp_options, InPlace::Function);
const RegisterFront<&clamp_numbers> clamp_numbers_row(
    "clamp(Tensor input, Scalar? min=None, Scalar? max=None)", clamp_options, InPlace::Function);
const RowOptions clamp_min_options{.meaning = ClampMin::meaning,
                                   .formula = ClampMin::formula,
                                   .gradient = "∂L/∂x = g where x ≥ min, else 0"};
const RegisterFront<&LowerBound::tensor> clamp_min_tensor_row("clamp_min(Tensor input, Tensor min)",
                                                              clamp_min_options, InPlace::Function);
const RegisterFront<&LowerBound::number> clamp_min_number_row("clamp_min(Tensor input, Scalar min)",
                                                              clamp_min_options, InPlace::Function);
const RowOptions clamp_max_options{.meaning = ClampMax::meaning,
                                   .formula = ClampMax::formula,
                                   .gradient = "∂L/∂x = g where x ≤ max, else 0"};
const RegisterFront<&UpperBound::tensor> clamp_max_tensor_row("clamp_max(Tensor input, Tensor max)",
                                                              clamp_max_options, InPlace::Function);
const RegisterFront<&UpperBound::number> clamp_max_number_row("clamp_max(Tensor input, Scalar max)",
                                                              clamp_max_options, InPlace::Function);

}  // namespace
}  // namespace backlit::ops
