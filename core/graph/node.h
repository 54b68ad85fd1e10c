// The recorded graph: nodes, edges and saved tensors.
//
// A Node is one recorded operation. Its edges lead to the nodes that made its inputs (or to the
// AccumulateGrad node of a leaf); its saved tensors are what its rule needs. Memory of a node:
//   Node | Edge[n_edges] | Saved[n_saved] | Layout*[n_outputs] | payload
// where the payload is whatever the rule keeps besides tensors (sizes, flags, scalars).
//
// An operation records itself with one call:
//   return record("MmBackward0", y, {a, b}, {a, b}, [](Vjp& v) {
//     if (v.needs(0)) v.set(0, mm(v.g(), transpose(v.saved(1), 0, 1)));
//     if (v.needs(1)) v.set(1, mm(transpose(v.saved(0), 0, 1), v.g()));
//   });
// The rule is written with recorded operations, so it differentiates again.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "graph/modes.h"
#include "tensor/tensor.h"

namespace backlit {

class Vjp;
class GraphTask;
struct Node;

// What distinguishes the nodes of one operation; one static instance per rule.
struct NodeKind {
  void (*vjp)(Vjp&);
  void (*destroy)(void* payload) noexcept = nullptr;
  int (*traverse)(void* payload, visitproc, void*) = nullptr;  // Python objects in the payload
  // Overrides the saved-tensor check and release (custom functions keep theirs in Python).
  void (*release)(void* payload) = nullptr;
  // Asked when the last reference is gone: does something else keep the node from here on?
  bool (*survives)(Node&) = nullptr;
  // The rule takes many incoming gradients at once (ForBatches, below).
  bool takes_batch = false;
};

struct Edge {
  Node* node;  // owned; null: no gradient is wanted
  std::uint32_t output_nr;
  std::uint32_t version = 0;  // of the input's memory when it was recorded
};

struct Saved {
  enum class Kind : std::uint8_t { None, Tensor, Output, Packed };
  PyObject* object;  // owned: a tensor, or (unpack hook, packed object)
  std::uint32_t version;
  std::uint32_t output_nr;
  Kind kind;
  bool computed;       // it had an origin, which detach_() takes away
  std::int16_t input;  // the input of the operation that this is; -1: none of them
};

// What a node keeps inside backlit.trace(): its operands as they are, its results without history.
struct NodeValues {
  struct Value {
    Tensor tensor;
    std::uint32_t version = 0;
  };
  std::vector<Value> inputs, outputs;
  Object module;  // the nn.Module that ran: (class of the outermost, path from there), or null
};

// Hooks and whatever else few nodes have.
struct NodeMeta {
  struct TensorHooks {
    std::uint32_t output_nr;
    Object hooks;   // OrderedDict shared with the tensor, or null
    Object retain;  // weak reference to the tensor whose .grad is kept, or null
  };
  std::vector<TensorHooks> tensor_hooks;
  Object pre_hooks, post_hooks;  // OrderedDict
  Object metadata;               // dict
  std::unique_ptr<NodeValues> values;
};

struct Node {
  PyObject_HEAD const NodeKind* kind;
  const char* name;  // "PowBackward0"
  NodeMeta* meta;
  PyObject* weakrefs;
  std::uint64_t sequence;  // creation order: a node's number is above those of its inputs
  GraphTask* task;         // the backward run that uses `slot`, if any
  PyCodeObject* code;      // owned: the Python function that made it, or null (graph/location.cpp)
  std::int32_t lasti;      // offset in bytes of the instruction there
  std::int32_t slot;
  std::int32_t n_edges, n_outputs;  // cat and unbind have as many as their user has tensors
  std::uint16_t n_saved;
  std::uint8_t size_class;
  enum class Tracking : std::uint8_t { No, Itself, Whole } tracking;  // by the garbage collector
  bool released;  // saved tensors were freed by a backward run, or would be, but for a trace

  Edge* edges() { return reinterpret_cast<Edge*>(this + 1); }
  Saved* saved() { return reinterpret_cast<Saved*>(edges() + n_edges); }
  // Shapes of the outputs; null for one that has no history.
  Layout** outputs() { return reinterpret_cast<Layout**>(saved() + n_saved); }
  void* payload() { return outputs() + n_outputs; }
};

extern PyTypeObject* node_type;
inline constexpr std::uint64_t kAccumulateSequence = ~std::uint64_t{0};

// A node without saved tensors or edges set; the payload's memory is not initialised.
Node* new_node(const NodeKind& kind, const char* name, int edges, int saved, int outputs,
               std::size_t payload_bytes);
NodeMeta& meta_of(Node& node);
void track_if_inputs_are(Node& node);  // graph/tracking.h
// With anomaly mode on: remembers the Python stack (called by record).
void note_creation(Node& node);
// Remembers the innermost Python instruction outside of this package.
void note_location(Node& node);
// Inside of a trace: keep what the operation was given and gave (graph/trace.cpp).
void keep_inputs(Node& node, std::span<const Tensor> inputs);
void keep_output(Node& node, const Tensor& y, std::uint32_t nr);
void keep_former(Node& node, const Tensor& x);  // input 0 is about to change: keep a copy

// The edge along which the gradient of t flows: its grad_fn or its AccumulateGrad node.
Edge gradient_edge(const Tensor& t);
// grad_fn, brought up to date when t is a view whose base was changed in place.
Node* grad_fn_of(const Tensor& t);

void save_input(Saved& s, const Tensor& t);
void save_output(Saved& s, const Tensor& y, std::uint32_t output_nr = 0);
// The saved tensor, after the check that nothing changed it in place. A saved result comes from the
// node itself, or from `origin` where another node stands for it in the graph (CopySlices).
Tensor unpack(Node& node, int i, Node* origin = nullptr);
[[noreturn]] void fail_released();
std::string short_name(const Node& node);
// After a backward run that does not retain the graph. Inside of a trace only the flag is set.
void release_saved(Node& node);

// One application of a rule: incoming gradients, outgoing gradients.
class Vjp {
 public:
  Vjp(Node& node, Tensor* in, Tensor* out, const bool* needs, Node* origin = nullptr,
      std::int64_t batch = -1)
      : node_(node), in_(in), out_(out), needs_(needs), origin_(origin), batch_(batch) {}
  Node& node() const { return node_; }
  int inputs() const { return node_.n_edges; }
  // Is the gradient of input i wanted?
  bool needs(int i) const { return needs_[i]; }
  // Incoming gradient of output i; undefined when nothing depended on that output.
  const Tensor& g(int i = 0) const { return in_[i]; }
  // The same for a rule that keeps it: the only reference to it, unless a hook will see it.
  Tensor take_g(int i = 0) {
    return node_.meta && node_.meta->post_hooks ? in_[i] : std::move(in_[i]);
  }
  Tensor saved(int i) const { return unpack(node_, i, origin_); }
  void set(int i, Tensor t) { out_[i] = std::move(t); }
  template <class P> P& payload() const { return *static_cast<P*>(node_.payload()); }
  // Of a rule that takes batches: 1 where gradients have a dimension of their number in front.
  int lead() const { return batch_ >= 0 ? 1 : 0; }
  Dims sizes(Span one) const {
    Dims all(one);
    if (lead()) all.insert(0, batch_);
    return all;
  }

 private:
  Node& node_;
  Tensor* in_;
  Tensor* out_;
  const bool* needs_;
  Node* origin_;
  std::int64_t batch_;
};

inline bool any_requires_grad(std::span<const Tensor> inputs) {
  for (const Tensor& t : inputs)
    if (t.defined() && t.requires_grad()) return true;
  return false;
}
inline bool should_record(std::span<const Tensor> inputs) {
  return modes.grad && any_requires_grad(inputs);
}
inline bool should_record(std::initializer_list<Tensor> inputs) {
  return should_record(std::span<const Tensor>(inputs.begin(), inputs.size()));
}

// Makes `node` the origin of output number nr.
void set_history(const Tensor& y, Node* node, std::uint32_t nr = 0);
// The same for a tensor that has an origin already: its hooks stay with the former one, the wish to
// retain its gradient moves on.
void replace_history(const Tensor& y, Node* node, std::uint32_t nr = 0);

// A rule that also takes n incoming gradients at once, with a dimension in front (v.lead() is 1).
template <class F> struct ForBatches : F {
  static constexpr bool takes_batch = true;
};
template <class F> ForBatches(F) -> ForBatches<F>;

template <class F> struct RuleKind {
  static void vjp(Vjp& v) { v.payload<F>()(v); }
  static void destroy(void* p) noexcept { static_cast<F*>(p)->~F(); }
  static constexpr NodeKind kind{
      .vjp = &vjp,
      .destroy = std::is_trivially_destructible_v<F> ? nullptr : &destroy,
      .takes_batch = requires { F::takes_batch; }};
};

// A node for `rule` with its edges and saved inputs; outputs are attached by the caller.
template <class F>
Ref<Node> make_node(const char* name, std::span<const Tensor> inputs, std::span<const Tensor> saved,
                    int outputs, int saved_outputs, F rule) {
  const int n_saved = static_cast<int>(saved.size());
  Node* node = new_node(RuleKind<F>::kind, name, static_cast<int>(inputs.size()),
                        n_saved + saved_outputs, outputs, sizeof(F));
  auto owner = Ref<Node>::steal(node);
  new (node->payload()) F(std::move(rule));
  for (std::size_t i = 0; i < inputs.size(); ++i) node->edges()[i] = gradient_edge(inputs[i]);
  for (int i = 0; i < n_saved; ++i) {
    const Tensor& t = saved[static_cast<std::size_t>(i)];
    save_input(node->saved()[i], t);
    for (std::size_t k = 0; k < inputs.size(); ++k)
      if (inputs[k].get() == t.get()) node->saved()[i].input = static_cast<std::int16_t>(k);
  }
  track_if_inputs_are(*node);
  if (modes.tracing) [[unlikely]]
    keep_inputs(*node, inputs);
  return owner;
}

// Records y = op(inputs). `saved` are inputs or other tensors the rule reads through v.saved(i);
// with save_result the result itself is saved last. Does nothing when nothing requires grad.
template <class F>
Tensor record(const char* name, Tensor y, std::span<const Tensor> inputs,
              std::span<const Tensor> saved, F rule, bool save_result = false) {
  if (!should_record(inputs)) return y;
  auto node = make_node(name, inputs, saved, 1, save_result ? 1 : 0, std::move(rule));
  set_history(y, node.get());
  if (save_result) save_output(node->saved()[saved.size()], y);
  return y;
}
template <class F>
Tensor record(const char* name, Tensor y, std::initializer_list<Tensor> inputs,
              std::initializer_list<Tensor> saved, F rule, bool save_result = false) {
  return record(name, std::move(y), std::span<const Tensor>(inputs.begin(), inputs.size()),
                std::span<const Tensor>(saved.begin(), saved.size()), std::move(rule), save_result);
}

// The same for several outputs; outputs that are not floating keep no history.
template <class F>
void record_outputs(const char* name, std::span<const Tensor> outputs,
                    std::span<const Tensor> inputs, std::span<const Tensor> saved, F rule) {
  if (!should_record(inputs)) return;
  auto node = make_node(name, inputs, saved, static_cast<int>(outputs.size()), 0, std::move(rule));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].defined() && outputs[i].is_differentiable())
      set_history(outputs[i], node.get(), static_cast<std::uint32_t>(i));
}

// --- in-place changes and views (graph/inplace.cpp) ---

// Throws unless t may be changed in place now (leaf and view rules, overlapping memory, inference
// tensors). `differentiable`: the change depends on something that requires a gradient.
void check_inplace(const Tensor& t, bool differentiable);
inline void check_inplace(const Tensor& t) { check_inplace(t, t.requires_grad()); }
inline void bump_version(const Tensor& t) { ++t->storage->version; }
// After an in-place change recorded as `node` (null: not recorded): t, or the base that t looks at,
// now comes from output `nr` of it; t was its input number `input`.
void rebase_history(const Tensor& t, Node* node, std::uint32_t nr = 0, int input = 0);
// Marks y as a differentiable view of x (its base, if x is a view itself).
void set_view(const Tensor& y, const Tensor& x, ViewKind kind = ViewKind::Plain);

}  // namespace backlit
