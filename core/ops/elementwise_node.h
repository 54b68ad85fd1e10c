// The node of an elementwise operation: what it keeps, its backward, and what it can tell.
#pragma once

#include <cstring>

#include "ops/elementwise.h"

namespace backlit {

class Symbol;

// What the node keeps besides its saved tensors.
struct ElementwisePayload {
  static constexpr bool takes_batch = true;  // broadcasting aligns what is saved

  const ElementwiseOp* op;
  Dtype compute;
  Dtype in_dtype[kMaxArity];
  std::int8_t saved_at[kMaxArity + 1];  // index among the saved tensors; -1: not saved
  bool is_tensor[kMaxArity];
  double number[kMaxArity];        // the inputs that are numbers
  LayoutRef in_layout[kMaxArity];  // null: as the result
  double params[kMaxParams];

  void operator()(Vjp& v) const;
  Tensor fused(Vjp& v, int i, const Tensor* inputs, const Tensor& y) const;
  double uniform_local(int i) const;
};

// Null for the node of a structured operation.
inline ElementwisePayload* elementwise_payload(Node& node) {
  const bool is = node.kind == &RuleKind<ElementwisePayload>::kind;
  return is ? static_cast<ElementwisePayload*>(node.payload()) : nullptr;
}

// The short way of forward and backward: one direct call on the memory of dense tensors.
inline constexpr std::int64_t kSmallElements = 1 << 14;  // at most; GIL held
inline constexpr std::int64_t kScalarTile =
    64;  // numbers beside a small tensor: a buffer this long
inline bool same_geometry(const Layout* a, const Layout* b) {
  return a == b || (a->ndim == b->ndim &&
                    std::memcmp(a->values, b->values,
                                sizeof(std::int64_t) * 2 * static_cast<std::size_t>(a->ndim)) == 0);
}

// PyTorch's error of a rule that nobody wrote, for input i.
[[noreturn]] void fail_rule(const ElementwiseOp& op, int i);

// --- what it tells (ops/elementwise_explain.cpp) ---

// Inside of a trace: keeps the operands; in place, a copy of what the first one was.
void keep_operands(Node& node, std::span<const Operand> in, bool in_place);
// The formula's name of input i: x, or a, b, c.
const char* input_name(const ElementwiseOp& op, int i);
// Does the formula state a derivative with respect to input i?
bool has_local(const ElementwiseOp& op, int i);
// dy/dx_i and y as expressions of x or a, b, c and y; inputs that are numbers are these numbers.
Symbol local_symbol(const ElementwisePayload& p, int i);
Symbol value_symbol(const ElementwisePayload& p);
// dy/dx_i in the shape of the result; undefined where input i has none or wants none.
Tensor local_derivative(Node& node, const ElementwisePayload& p, int i);
// y for other inputs, one per input of the operation; numbers are taken from the node.
Tensor recompute(const ElementwisePayload& p, std::span<const Tensor> inputs);

}  // namespace backlit
