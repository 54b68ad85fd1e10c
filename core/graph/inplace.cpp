// In-place changes and views.
//
// A view and its base share memory. When one of them changes in place, the history of the other
// must follow. The base is the one that carries history: a change through a view is recorded on the
// base as CopySlices (the gradient outside of the view passes unchanged, the part inside goes
// through the change). A view notices a change of its base by the version counter and then takes a
// new grad_fn, AsStrided of the base.
#include "graph/inplace.h"

#include "graph/tracking.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit {
namespace {

bool overlaps(const Layout& l) {
  for (int i = 0; i < l.ndim; ++i)
    if (l.stride(i) == 0 && l.size(i) > 1) return true;
  return false;
}

// Payload of CopySlices. Edge 0 leads to the base's former origin, the others are those of `change`
// behind its first.
struct CopySlices {
  LayoutRef base, view;
  std::int64_t offset;
  Ref<Node> change;

  void operator()(Vjp& v) const {
    if (!change) fail_released();
    // with create_graph every step is recorded, so that the gradient differentiates again
    Tensor result, slice, inner;
    if (modes.grad) {
      inner = ops::pick_strided(v.g(), base, view, offset);
    } else {
      result = Tensor::empty(base, v.g().dtype());
      ops::copy_in_place(result, v.g());
      slice = result.alias(view, offset);
      inner = ops::clone(slice);
    }
    std::vector<Tensor> out(change->n_edges);
    std::vector<char> needs(change->n_edges);
    for (int i = 0; i < v.inputs(); ++i) needs[static_cast<std::size_t>(i)] = v.needs(i);
    Vjp nested(*change, &inner, out.data(), reinterpret_cast<bool*>(needs.data()));
    change->kind->vjp(nested);
    if (v.needs(0)) {
      if (modes.grad) {
        v.set(0, ops::slice_scatter_strided(v.g(), out[0], base, view, offset));
      } else {
        if (out[0].defined())
          ops::copy_in_place(slice, out[0]);
        else
          ops::fill_in_place(slice, Scalar(0));
        v.set(0, result);
      }
    }
    for (int i = 1; i < v.inputs(); ++i)
      if (v.needs(i)) v.set(i, out[static_cast<std::size_t>(i)]);
  }
  static int traverse(void* p, visitproc visit, void* arg) {
    Py_VISIT(static_cast<CopySlices*>(p)->change.get());
    return 0;
  }
  static void release(void* p) { release_saved(*static_cast<CopySlices*>(p)->change); }
};
constexpr NodeKind kCopySlices{&RuleKind<CopySlices>::vjp, &RuleKind<CopySlices>::destroy,
                               &CopySlices::traverse, &CopySlices::release};

void rebase_view(const Tensor& t, Node* change) {
  Tensor base = Tensor::borrow(t->meta->base);
  BACKLIT_CHECK(
      ops::lies_within(base, t), NotImplemented,
      "an in-place change of a view that reaches outside of the memory of its base (as_strided). "
      "clone() the view first.");
  Node* node = new_node(kCopySlices, "CopySlices", change->n_edges, 0, 1, sizeof(CopySlices));
  auto owner = Ref<Node>::steal(node);
  const auto step = static_cast<std::int64_t>(size_of(t.dtype()));
  new (node->payload()) CopySlices{base.layout_ref(), t.layout_ref(), (t.raw() - base.raw()) / step,
                                   Ref<Node>::borrow(change)};
  node->edges()[0] = gradient_edge(base);
  for (int i = 1; i < change->n_edges; ++i) {
    node->edges()[i] = change->edges()[i];
    Py_XINCREF(node->edges()[i].node);
  }
  Ref<Node> former = Ref<Node>::steal(base->grad_fn);
  base->grad_fn = nullptr;
  set_history(base, node);
  grad_fn_of(t);
}

}  // namespace

void check_inplace(const Tensor& t) {
  BACKLIT_CHECK(!t->storage->read_only, Runtime,
                "backlit: this tensor shares read-only memory and cannot be changed in place. "
                "clone() it first.");
  BACKLIT_CHECK(
      !overlaps(t.layout()), Runtime,
      "unsupported operation: more than one element of the written-to tensor refers to a "
      "single memory location. Please clone() the tensor before performing the operation.");
  if (!modes.grad) {
    BACKLIT_CHECK(
        !(t->inference && !modes.inference && t->requires_grad), Runtime,
        "Inplace update to inference tensor outside InferenceMode is not allowed. You can "
        "make a clone to get a normal tensor before doing inplace update.");
    return;
  }
  BACKLIT_CHECK(!(t->inference && !modes.inference), Runtime,
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can "
                "make a clone to get a normal tensor before doing inplace update. See "
                "torch.inference_mode for how to leave the mode on.");
  if (t->meta && t->meta->base &&
      (t.requires_grad() || Tensor::borrow(t->meta->base).requires_grad()))
    check_view_kind(t);
  BACKLIT_CHECK(
      !(t->requires_grad && !t->grad_fn), Runtime,
      "a leaf Variable that requires grad is being used in an in-place operation. Wrap the "
      "change in torch.no_grad(), or work on a clone().");
  if (t->meta && t->meta->base) {
    BACKLIT_CHECK(!(t->meta->base->requires_grad && !t->meta->base->grad_fn), Runtime,
                  "a view of a leaf Variable that requires grad is being used in an in-place "
                  "operation. Wrap the change in torch.no_grad(), or work on a clone().");
  }
}

namespace {

[[noreturn]] void fail_view(const Tensor& t, bool changed_elsewhere) {
  const ViewKind kind = t->meta->view_kind;
  const Node* node = t->grad_fn;
  const char* what = changed_elsewhere
                         ? "its base or another view of its base has been modified inplace"
                         : "is being modified inplace";
  std::string text;
  if (node && kind == ViewKind::Several)
    text = concat("Output ", t->output_nr, " of ", short_name(*node), " is a view and ", what, ".");
  else
    text = concat(node ? concat("Output ", t->output_nr, " of ", short_name(*node),
                                " is a view of a view which was")
                       : std::string("A view was"),
                  " created in no_grad mode and ", what, " with grad mode enabled.");
  if (kind == ViewKind::Several)
    text +=
        " This view is the output of a function that returns multiple views. Such functions do not "
        "allow "
        "the output views to be modified inplace. You should replace the inplace operation by an "
        "out-of-place one.";
  else
    text +=
        " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify "
        "your code "
        "by moving both the view and the inplace either both inside the no_grad block (if you "
        "don't want the "
        "inplace to be tracked) or both outside (if you want the inplace to be tracked).";
  fail(ErrorKind::Runtime, text);
}

}  // namespace

void check_view_kind(const Tensor& t) {
  if (t->meta && t->meta->base && t->meta->view_kind != ViewKind::Plain) fail_view(t, false);
}

void rebase_history(const Tensor& t, Node* node) {
  if (!node) return;
  if (t->meta && t->meta->base) {
    rebase_view(t, node);
  } else {
    Ref<Node> former = Ref<Node>::steal(t->grad_fn);
    t->grad_fn = nullptr;
    set_history(t, node);
  }
  // the rule may have saved what is now its own result, or a view of it
  entangle(t);
}

void set_view(const Tensor& y, const Tensor& x, ViewKind kind) {
  if (modes.inference) return;  // PyTorch keeps no base there
  const AutogradMeta* of_x = x->meta && x->meta->base ? x->meta : nullptr;
  TensorObject* base = of_x ? of_x->base : x.get();
  if (!modes.grad) kind = ViewKind::NoGrad;
  if (kind == ViewKind::Plain && of_x) kind = of_x->view_kind;
  AutogradMeta& meta = meta_of(*y.get());
  Py_INCREF(base);
  meta.base = base;
  meta.view_kind = kind;
  meta.view_version = y.version();
}

Node* grad_fn_of(const Tensor& t) {
  AutogradMeta* meta = t->meta;
  if (!meta || !meta->base || meta->view_version == t.version()) [[likely]]
    return t->grad_fn;
  Tensor base = Tensor::borrow(meta->base);
  if (!base.requires_grad() && !t->grad_fn) {
    meta->view_version = t.version();
    return nullptr;
  }
  if (meta->view_kind != ViewKind::Plain) fail_view(t, true);
  meta->view_version = t.version();
  if (!base.requires_grad()) return t->grad_fn;
  const auto step = static_cast<std::int64_t>(size_of(t.dtype()));
  Ref<Node> node = ops::as_strided_node(base, t.layout_ref(), (t.raw() - base.raw()) / step);
  Ref<Node> former = Ref<Node>::steal(t->grad_fn);
  t->grad_fn = nullptr;
  t->requires_grad = false;
  set_history(t, node.get());
  return t->grad_fn;
}

}  // namespace backlit
