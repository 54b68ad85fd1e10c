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
  bool repeats = false;
  for (int i = 0; i < l.ndim; ++i) {
    if (l.size(i) == 0) return false;  // nothing to write; strides of empty tensors may be 0
    repeats = repeats || (l.stride(i) == 0 && l.size(i) > 1);
  }
  return repeats;
}

// Payload of CopySlices. Its edges are those of `change`, but for number `input`, which leads to
// the base's former origin instead of the view's.
struct CopySlices {
  LayoutRef base, view;
  std::int64_t offset;
  Ref<Node> change;
  int input;

  void operator()(Vjp& v) const {
    if (!change) fail_released();
    // with create_graph every step is recorded, so that the gradient differentiates again
    Tensor result, slice, inner;
    Ref<Node> origin;  // of what the change saved of its result: the view, right after this node
    if (modes.grad) {
      inner = ops::pick_strided(v.g(), base, view, offset);
      Py_INCREF(&v.node());
      origin = ops::as_strided_node({&v.node(), 0}, base, view, offset);
    } else {
      result = Tensor::empty(base, v.g().dtype());
      ops::copy_in_place(result, v.g());
      slice = result.alias(view, offset);
      inner = ops::clone(slice);
    }
    const auto n = static_cast<std::size_t>(v.inputs());
    std::vector<Tensor> out(n);
    std::vector<char> needs(n);
    for (int i = 0; i < v.inputs(); ++i) needs[static_cast<std::size_t>(i)] = v.needs(i);
    Vjp nested(*change, &inner, out.data(), reinterpret_cast<bool*>(needs.data()), origin.get());
    change->kind->vjp(nested);
    for (int i = 0; i < v.inputs(); ++i) {
      const Tensor& g = out[static_cast<std::size_t>(i)];
      if (!v.needs(i)) continue;
      if (i != input)
        v.set(i, g);
      else if (modes.grad)
        v.set(i, ops::slice_scatter_strided(v.g(), g, base, view, offset));
      else if (g.defined())
        ops::copy_in_place(slice, g);
      else
        ops::fill_in_place(slice, Scalar(0));
    }
    if (v.needs(input) && !modes.grad) v.set(input, result);
  }
  static int traverse(void* p, visitproc visit, void* arg) {
    Py_VISIT(static_cast<CopySlices*>(p)->change.get());
    return 0;
  }
  static void release(void* p) { release_saved(*static_cast<CopySlices*>(p)->change); }
};
constexpr NodeKind kCopySlices{&RuleKind<CopySlices>::vjp, &RuleKind<CopySlices>::destroy,
                               &CopySlices::traverse, &CopySlices::release};

void rebase_view(const Tensor& t, Node* change, int input) {
  Tensor base = Tensor::borrow(t->meta->base);
  BACKLIT_CHECK(
      ops::lies_within(base, t), NotImplemented,
      "an in-place change of a view that reaches outside of the memory of its base (as_strided). "
      "clone() the view first.");
  Node* node = new_node(kCopySlices, "CopySlices", change->n_edges, 0, 1, sizeof(CopySlices));
  auto owner = Ref<Node>::steal(node);
  const auto step = static_cast<std::int64_t>(size_of(t.dtype()));
  new (node->payload()) CopySlices{base.layout_ref(), t.layout_ref(), (t.raw() - base.raw()) / step,
                                   Ref<Node>::borrow(change), input};
  for (int i = 0; i < change->n_edges; ++i) {
    node->edges()[i] = i == input ? gradient_edge(base) : change->edges()[i];
    if (i != input) Py_XINCREF(node->edges()[i].node);
  }
  replace_history(base, node);
  grad_fn_of(t);
}

}  // namespace

namespace {

[[noreturn]] void fail_view(const Tensor& t, bool changed_elsewhere) {
  const ViewKind kind = t->meta->view_kind;
  const Node* node = t->grad_fn;
  const char* what = changed_elsewhere
                         ? "its base or another view of its base has been modified inplace"
                         : "is being modified inplace";
  const bool inference = kind == ViewKind::Inference, no_grad = kind == ViewKind::NoGrad;
  std::string text;
  if (node && !inference && !no_grad)
    text = concat("Output ", t->output_nr, " of ", short_name(*node), " is a view and ", what, ".");
  else
    text = concat(node ? concat("Output ", t->output_nr, " of ", short_name(*node),
                                " is a view of a view which was")
                       : std::string("A view was"),
                  inference ? " created in inference mode and " : " created in no_grad mode and ",
                  what, inference ? " in normal mode." : " with grad mode enabled.");
  if (kind == ViewKind::Parts)
    text +=
        " It shows the parts of complex numbers; backlit does not record changes through such a "
        "view. Compute the parts and join them with torch.complex instead.";
  else if (kind == ViewKind::Several)
    text +=
        " This view is the output of a function that returns multiple views. Such functions do not "
        "allow the output views to be modified inplace. You should replace the inplace operation "
        "by an out-of-place one.";
  else if (kind == ViewKind::Function)
    text +=
        " This view was created inside a custom Function (or because an input was returned as-is) "
        "and the autograd logic to handle view+inplace would override the custom backward "
        "associated with the custom Function, leading to incorrect gradients. This behavior is "
        "forbidden. You can fix this by cloning the output of the custom Function.";
  else
    text += concat(
        " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify "
        "your code by moving both the view and the inplace either both inside the ",
        inference ? "inference_mode" : "no_grad",
        " block (if you don't want the inplace to be tracked) or both outside (if you want the "
        "inplace to be tracked).");
  fail(ErrorKind::Runtime, text);
}

void check_leaf(const Tensor& t) {
  const TensorObject* base = t->meta ? t->meta->base : nullptr;
  BACKLIT_CHECK(!(base && !base->grad_fn && t.requires_grad()), Runtime,
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation. Wrap the change in torch.no_grad(), or work on a clone().");
  BACKLIT_CHECK(!(t.requires_grad() && !grad_fn_of(t)), Runtime,
                "a leaf Variable that requires grad is being used in an in-place operation. Wrap "
                "the change in torch.no_grad(), or work on a clone().");
}

}  // namespace

void check_inplace(const Tensor& t, bool differentiable) {
  BACKLIT_CHECK(!t->storage->read_only, Runtime,
                "backlit: this tensor shares read-only memory and cannot be changed in place. "
                "clone() it first.");
  BACKLIT_CHECK(!(t->inference && !modes.inference), Runtime,
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can "
                "make a clone to get a normal tensor before doing inplace update.");
  if (differentiable && modes.grad) {
    if (t->meta && t->meta->base && t->meta->view_kind != ViewKind::Plain) fail_view(t, false);
    check_leaf(t);
  }
  BACKLIT_CHECK(
      !overlaps(t.layout()), Runtime,
      "unsupported operation: more than one element of the written-to tensor refers to a "
      "single memory location. Please clone() the tensor before performing the operation.");
}

void rebase_history(const Tensor& t, Node* node, std::uint32_t nr, int input) {
  if (!node) return;
  if (t->meta && t->meta->base) {
    rebase_view(t, node, input);
  } else {
    replace_history(t, node, nr);
  }
  // the rule may have saved what is now its own result, or a view of it
  entangle(t);
}

void set_view(const Tensor& y, const Tensor& x, ViewKind kind) {
  if (x->inference) return;
  const AutogradMeta* of_x = x->meta && x->meta->base ? x->meta : nullptr;
  TensorObject* base = of_x ? of_x->base : x.get();
  if (!modes.grad) kind = modes.inference ? ViewKind::Inference : ViewKind::NoGrad;
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
  const Tensor base = Tensor::borrow(meta->base);
  if (!base.requires_grad() && !t->grad_fn) return nullptr;
  if (meta->view_kind != ViewKind::Plain) fail_view(t, true);
  meta->view_version = t.version();
  const auto step = static_cast<std::int64_t>(size_of(t.dtype()));
  const Ref<Node> node = ops::as_strided_node(base, t.layout_ref(), (t.raw() - base.raw()) / step);
  replace_history(t, node.get());
  return t->grad_fn;
}

}  // namespace backlit
