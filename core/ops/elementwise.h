// Elementwise operations: every one of them runs, and is recorded, through `elementwise`.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "graph/node.h"
#include "kernels/tiles.h"
#include "tensor/tensor.h"

namespace backlit {

class Recorded;
class Symbol;
enum class Promote : std::uint8_t;
enum class Rule : std::uint8_t;

inline constexpr int kMaxArity = 3, kMaxParams = 4;

// A number from Python. Does not decide the result's dtype unless its category is higher.
struct Scalar {
  enum class Kind : std::uint8_t { Bool, Int, Float, Complex } kind;
  double d;  // the real part of a complex number
  std::int64_t i;
  double im = 0;

  Scalar(double v) : kind(Kind::Float), d(v), i(0) {}
  Scalar(std::int64_t v) : kind(Kind::Int), d(static_cast<double>(v)), i(v) {}
  Scalar(int v) : Scalar(static_cast<std::int64_t>(v)) {}
  Scalar(bool v) : kind(Kind::Bool), d(v), i(v) {}
  Scalar(Complex<double> v) : kind(Kind::Complex), d(v.re), i(0), im(v.im) {}
  void write(void* p, Dtype dtype) const;
};

// A tensor (borrowed) or a number.
struct Operand {
  TensorObject* t;
  Scalar s;
  Operand(const Tensor& x) : t(x.get()), s(0.0) {}
  Operand(TensorObject* x) : t(x), s(0.0) {}
  Operand(Scalar x) : t(nullptr), s(x) {}
};

// The record of one formula: all its readings.
struct ElementwiseOp {
  const char* name = nullptr;
  const char* signature;
  const char* meaning;
  const char* formula;
  const char* home;
  const char* aliases;
  const char* node;            // "MulBackward0"
  const char* node_number[2];  // where that input is a number; "" is `node`
  const char* why;
  const char* bool_error;
  int arity, params;
  Promote promote;
  Rule rule, input_rule[kMaxArity];
  unsigned kinds;
  bool inplace, inplace_function, method, checks_zero_divisor, masks;
  double domain[kMaxArity][2];
  // What the local derivative of input i reads: bits 0..2 the inputs, bit 3 the result.
  std::uint8_t reads[kMaxArity];
  bool uniform[kMaxArity];  // it reads neither: one number, the same for all elements
  // The local derivative as recorded operations.
  Recorded (*local[kMaxArity])(const Recorded* inputs, const Recorded& y, const double* params);
  // The same as an expression, and that of the value.
  Symbol (*local_symbol[kMaxArity])(const Symbol* inputs, const Symbol& y, const Symbol* params);
  Symbol (*value_symbol)(const Symbol* inputs, const Symbol* params);
  TileFunction forward[kDtypes];
  TileFunction backward[kMaxArity][kDtypes];
  // What the operation means for complex inputs, where that is no formula of complex numbers.
  Tensor (*on_complex)(std::span<const Operand> inputs);
};
inline constexpr std::uint8_t kResultBit = 8;

// The record of formula F, filled before the module is used.
template <class F> struct RecordOf {
  inline static ElementwiseOp op{};
};

// All formulas, in order of registration.
const std::vector<ElementwiseOp*>& elementwise_ops();
void register_elementwise(ElementwiseOp& op);
void link_kernels();  // chooses the kernels for this machine

// y = op(inputs) with broadcasting and type promotion, recorded when an input requires grad.
Tensor elementwise(const ElementwiseOp& op, std::span<const Operand> inputs,
                   const double* params = nullptr);
// The same written into inputs[0] (its in-place form).
// Throws when an input shares a part, but not all, of the memory of `out`.
void check_no_partial_overlap(const Tensor& out, std::span<const Operand> in);
Tensor elementwise_in_place(const ElementwiseOp& op, std::span<const Operand> inputs,
                            const double* params = nullptr);

template <class F, class... A> Tensor apply(const A&... inputs) {
  const Operand operands[] = {Operand(inputs)...};
  return elementwise(RecordOf<F>::op, operands);
}
template <class F, class... A> Tensor apply_in_place(const A&... inputs) {
  const Operand operands[] = {Operand(inputs)...};
  return elementwise_in_place(RecordOf<F>::op, operands);
}

// --- dtype rules ---
Dtype default_dtype();
void set_default_dtype(Dtype d);
Dtype promote_types(Dtype a, Dtype b);
Dtype result_type(std::span<const Operand> inputs);
// Throws PyTorch's "result type X can't be cast to the desired output type Y".
void check_can_cast(Dtype from, Dtype to);

}  // namespace backlit
