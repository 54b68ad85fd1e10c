// What an elementwise node tells of itself: its formula and its local derivatives, as expressions
// (the formula read with T = Symbol) and as tensors (the same read with T = Recorded).
#include <algorithm>

#include "formulas/symbol.h"
#include "ops/arithmetic.h"
#include "ops/elementwise_node.h"
#include "ops/recorded.h"
#include "ops/views.h"

namespace backlit {
namespace {

struct Symbols {
  std::vector<Symbol> inputs, params;
};

Symbols symbols_of(const ElementwisePayload& p) {
  Symbols s;
  for (int i = 0; i < p.op->arity; ++i)
    s.inputs.push_back(p.is_tensor[i] ? Symbol::variable(input_name(*p.op, i))
                                      : Symbol(p.number[i]));
  for (int i = 0; i < p.op->params; ++i) s.params.push_back(p.params[i]);
  return s;
}

}  // namespace

void keep_operands(Node& node, std::span<const Operand> in, bool in_place) {
  Tensor tensors[kMaxArity];
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i].t) tensors[i] = Tensor::borrow(in[i].t);
  keep_inputs(node, {tensors, in.size()});
  if (in_place) keep_former(node, tensors[0]);
}

const char* input_name(const ElementwiseOp& op, int i) {
  constexpr const char* several[] = {"a", "b", "c"};
  return op.arity == 1 ? "x" : several[i];
}

bool has_local(const ElementwiseOp& op, int i) { return op.local[i] != nullptr; }

Symbol local_symbol(const ElementwisePayload& p, int i) {
  const Symbols s = symbols_of(p);
  return p.op->local_symbol[i](s.inputs.data(), Symbol::variable("y"), s.params.data());
}

Symbol value_symbol(const ElementwisePayload& p) {
  const Symbols s = symbols_of(p);
  return p.op->value_symbol(s.inputs.data(), s.params.data());
}

Tensor local_derivative(Node& node, const ElementwisePayload& p, int i) {
  const ElementwiseOp& op = *p.op;
  if (!has_local(op, i) || !node.edges()[i].node) return {};
  const GradMode off(false);
  Recorded inputs[kMaxArity], y;
  for (int k = 0; k < op.arity; ++k) {
    if (!p.is_tensor[k]) inputs[k] = Recorded(p.number[k]);
    if (p.saved_at[k] >= 0 && (op.reads[i] >> k & 1))
      inputs[k] = Recorded(ops::to_dtype(unpack(node, p.saved_at[k]), p.compute));
  }
  if (op.reads[i] & kResultBit)
    y = Recorded(ops::to_dtype(unpack(node, p.saved_at[kMaxArity]), p.compute));
  recorded_dtype = p.compute;
  const Recorded local = op.local[i](inputs, y, p.params);
  const Tensor t = local.is_number() ? Tensor::scalar(local.number(), p.compute)
                                     : ops::to_dtype(local.tensor(), p.compute);
  const Layout* shape = node.outputs()[0];
  return shape ? ops::expand(t, shape->sizes()) : t;
}

Tensor recompute(const ElementwisePayload& p, std::span<const Tensor> inputs) {
  const GradMode off(false);
  std::vector<Operand> operands;
  for (int k = 0; k < p.op->arity; ++k) {
    if (p.is_tensor[k])
      operands.push_back(Operand(inputs[static_cast<std::size_t>(k)]));
    else
      operands.push_back(Operand(Scalar(p.number[k])));
  }
  return elementwise(*p.op, operands, p.params);
}

}  // namespace backlit
