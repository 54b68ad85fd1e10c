// Backward of elementwise operations: the incoming gradient times the local derivative, as one
// fused kernel or, with create_graph, as recorded operations.
#include <algorithm>

#include "formulas/formula.h"
#include "ops/arithmetic.h"
#include "ops/elementwise_node.h"
#include "ops/recorded.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit {

// A gradient of the result's shape, brought to the shape and dtype of input i.
Tensor reduce_to_input(const Vjp& v, const ElementwisePayload& p, int i, Tensor g) {
  if (p.in_layout[i]) g = ops::sum_to(v, ops::to_dtype(g, p.compute), p.in_layout[i]->sizes());
  if (g.dtype() != p.in_dtype[i]) g = ops::to_dtype(g, p.in_dtype[i]);
  return g;
}

// g * local by the fused kernel, without recording.
Tensor ElementwisePayload::fused(Vjp& v, int i, const Tensor* inputs, const Tensor& y) const {
  const Tensor& g = v.g();
  const TileFunction f = op->backward[i][static_cast<std::size_t>(compute)];
  const std::uint8_t reads = op->reads[i];
  const int arity = op->arity;
  // what the rule does not read may be anything of that length
  Layout* layout = g->layout;
  bool direct = layout->dense && layout->numel <= kSmallElements && g.dtype() == compute;
  for (int k = 0; k < arity && direct; ++k) {
    if (!(reads >> k & 1)) continue;
    direct = inputs[k].defined()
                 ? same_geometry(inputs[k]->layout, layout) && inputs[k].dtype() == compute
                 : layout->numel <= kScalarTile && !is_complex(compute);
  }
  if (direct && (reads & kResultBit))
    direct = same_geometry(y->layout, layout) && y.dtype() == compute;
  if (direct) {
    Tensor out = Tensor::empty(g.layout_ref(), compute);
    const void* ptr[kMaxArity + 2];
    alignas(64) char buffers[kMaxArity][kScalarTile * sizeof(double)];
    ptr[0] = g.raw();
    for (int k = 0; k < arity; ++k) {
      ptr[k + 1] = inputs[k].defined() ? inputs[k].raw() : g.raw();
      if (inputs[k].defined() || !(reads >> k & 1)) continue;
      if (compute == Dtype::Float32)
        std::fill_n(reinterpret_cast<float*>(buffers[k]), layout->numel,
                    static_cast<float>(number[k]));
      else
        std::fill_n(reinterpret_cast<double*>(buffers[k]), layout->numel, number[k]);
      ptr[k + 1] = buffers[k];
    }
    ptr[arity + 1] = (reads & kResultBit) ? y.raw() : g.raw();
    f(ptr, out.raw(), layout->numel, params);
    return out;
  }
  TileInput in[kMaxArity + 2];
  Dims sizes(g.sizes());
  in[0] = {g.raw(), g.dtype(), &g.layout()};
  for (int k = 0; k < arity; ++k) {
    if (!(reads >> k & 1))
      in[k + 1] = in[0];
    else if (inputs[k].defined())
      in[k + 1] = {inputs[k].raw(), inputs[k].dtype(), &inputs[k].layout()};
    else
      in[k + 1] = {reinterpret_cast<const char*>(&number[k]), Dtype::Float64, nullptr};
  }
  in[arity + 1] = (reads & kResultBit) ? TileInput{y.raw(), y.dtype(), &y.layout()} : in[0];
  const Layout* layouts[kMaxArity + 1] = {&g.layout()};
  std::size_t n_layouts = 1;
  for (int k = 0; k < arity; ++k)
    if ((reads >> k & 1) && inputs[k].defined()) layouts[n_layouts++] = &inputs[k].layout();
  Tensor out = Tensor::empty(result_layout(sizes, {layouts, n_layouts}), compute);
  run_tiles(f, {in, static_cast<std::size_t>(arity) + 2}, {out.raw(), compute, &out.layout()},
            compute, compute, params);
  return out;
}

// As in PyTorch the operation runs and is recorded; only backward refuses.
[[noreturn]] void fail_rule(const ElementwiseOp& op, int i) {
  if (op.rule == Rule::NotImplemented)
    fail(ErrorKind::Runtime, "derivative for aten::", op.name, " is not implemented. ", op.why);
  fail(ErrorKind::NotImplemented, "the derivative for '", op.name, i == 0 ? ": input" : ": other",
       "' is not implemented. ", op.why);
}

double ElementwisePayload::uniform_local(int i) const {
  const Recorded none[kMaxArity];
  return op->local[i](none, Recorded(), params).number();
}

void ElementwisePayload::operator()(Vjp& v) const {
  Tensor inputs[kMaxArity], y;
  const int arity = op->arity;
  std::uint8_t reads = 0;
  for (int i = 0; i < arity; ++i)
    if (v.needs(i)) reads |= op->reads[i];
  for (int k = 0; k < arity; ++k)
    if (saved_at[k] >= 0 && (reads >> k & 1)) inputs[k] = v.saved(saved_at[k]);
  if (reads & kResultBit) y = v.saved(saved_at[kMaxArity]);
  if (op->rule == Rule::NotDifferentiable) {  // recorded in place only: nothing passes
    for (int i = 0; i < arity; ++i)
      if (v.needs(i))
        v.set(i, Tensor::zeros(in_layout[i] ? Span(v.sizes(in_layout[i]->sizes())) : v.g().sizes(),
                               in_dtype[i]));
    return;
  }
  for (int i = 0; i < arity; ++i) {
    if (!v.needs(i) || op->input_rule[i] == Rule::NotDifferentiable) continue;
    if (op->rule == Rule::NotImplemented || op->input_rule[i] == Rule::NotImplemented)
      fail_rule(*op, i);
    Tensor g;
    if (op->uniform[i] && uniform_local(i) == 1) {
      g = v.g();
    } else if (modes.grad) {
      Recorded r[kMaxArity];
      recorded_dtype = compute;
      for (int k = 0; k < arity; ++k)
        r[k] = is_tensor[k] ? (inputs[k].defined() ? Recorded(ops::to_dtype(inputs[k], compute))
                                                   : Recorded())
                            : Recorded(number[k]);
      const Recorded ry = y.defined() ? Recorded(ops::to_dtype(y, compute)) : Recorded();
      g = ops::times_local(v.g(), op->local[i](r, ry, params), op->masks);
    } else {
      g = fused(v, i, inputs, y);
    }
    v.set(i, reduce_to_input(v, *this, i, std::move(g)));
  }
}

}  // namespace backlit
