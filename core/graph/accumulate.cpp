// AccumulateGrad: the node at the end of every path, which adds to a leaf's .grad.
#include <algorithm>

#include "graph/engine.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"

namespace backlit {
namespace {

struct Accumulate {
  Tensor leaf;

  void operator()(Vjp& v) const {
    if (!leaf->requires_grad) return;  // it was set free after it was used
    Tensor g = v.take_g();
    if (leaf->meta && leaf->meta->hooks) call_tensor_hooks(leaf->meta->hooks, g);
    accumulate_grad(leaf, std::move(g));
    if (leaf->meta && leaf->meta->post_accumulate) call_post_accumulate_hooks(leaf);
  }
  static int traverse(void* p, visitproc visit, void* arg) {
    Py_VISIT(static_cast<Accumulate*>(p)->leaf.get());
    return 0;
  }
  static void destroy(void* p) noexcept {
    auto* a = static_cast<Accumulate*>(p);
    if (a->leaf && a->leaf->meta) a->leaf->meta->accumulator = nullptr;
    a->~Accumulate();
  }
};
constexpr NodeKind kAccumulate{&RuleKind<Accumulate>::vjp, &Accumulate::destroy,
                               &Accumulate::traverse};

}  // namespace

const Tensor* accumulated_leaf(Node* node) {
  return node->kind == &kAccumulate ? &static_cast<Accumulate*>(node->payload())->leaf : nullptr;
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined()) return {nullptr, 0, kAbsentInput};
  if (Node* fn = grad_fn_of(t)) {
    Py_INCREF(fn);
    return {fn, t->output_nr, t.version()};
  }
  if (!t->requires_grad) return {nullptr, 0};
  AutogradMeta& meta = meta_of(*t.get());
  if (meta.accumulator) {
    Py_INCREF(meta.accumulator);
    return {meta.accumulator, 0, t.version()};
  }
  Node* node = new_node(kAccumulate, "AccumulateGrad", 0, 0, 1, sizeof(Accumulate));
  new (node->payload()) Accumulate{t};
  node->sequence = kAccumulateSequence;
  meta.accumulator = node;
  if (t->entangled) track(*node);
  return {node, 0, t.version()};
}

void accumulate_grad(const Tensor& leaf, Tensor g) {
  AutogradMeta& meta = meta_of(*leaf.get());
  if (!meta.grad) {
    // g itself may become .grad when nobody else can see or change it
    const bool exclusive =
        g.unique() && g->storage->refs == 1 && !g->grad_fn &&
        g.layout().same_sizes(leaf.layout()) && g->storage->kind != Storage::Kind::External &&
        g->storage->kind != Storage::Kind::Shared &&
        (g->layout == leaf->layout || std::ranges::equal(g.strides(), leaf.strides()) ||
         (g.is_contiguous() && !leaf.layout().dense));
    if (!modes.grad && exclusive) {
      meta.grad = g.release();
    } else if (!modes.grad) {
      meta.grad = ops::clone_like(g, leaf).release();
    } else {
      meta.grad = ops::clone(g).release();
      entangle(leaf);
    }
    return;
  }
  Tensor sum = Tensor::borrow(meta.grad);
  if (!modes.grad) {
    ops::add_in_place(sum, g);
    return;
  }
  Tensor next = ops::add(sum, g);
  Py_DECREF(meta.grad);
  meta.grad = next.release();
  entangle(leaf);
}

}  // namespace backlit
