// The order is PyTorch's: the ready node that was recorded last runs first, leaves before all.
// Reading starts at run_backward. Per run and node there is one Slot; a node holds the index of its
// slot in the run that claimed it, so that the common case needs no map. Runs may nest (a hook may
// call backward) or interleave (two threads): a node that is claimed already is looked up in the
// later run's map.
#include "graph/engine.h"

#include <algorithm>
#include <unordered_map>

#include "ops/arithmetic.h"
#include "ops/joining.h"
#include "ops/views.h"

namespace backlit {
namespace {

struct Slot {
  Node* node;
  std::int32_t dependencies = 0;
  bool needed = true;
  bool queued = false;
  Tensor first;                    // gradient of output 0
  std::unique_ptr<Tensor[]> more;  // of the others, when there are any
};

struct Capture {
  std::int32_t slot;
  std::uint32_t output_nr;
  std::size_t input;
};

constexpr std::size_t kSpareSlots = 1 << 18;  // 8 MB
std::vector<Slot> spare_slots;

}  // namespace

class GraphTask {
 public:
  GraphTask(const BackwardOptions& options) : options_(options), slots_(std::move(spare_slots)) {
    slots_.reserve(16);
  }
  ~GraphTask() {
    for (Slot& s : slots_) {
      if (s.node->task == this) s.node->task = nullptr;
      Py_DECREF(s.node);
    }
    // the next run takes over the memory of a small one
    if (slots_.capacity() <= kSpareSlots) {
      slots_.clear();
      spare_slots = std::move(slots_);
    }
  }
  GraphTask(const GraphTask&) = delete;
  GraphTask& operator=(const GraphTask&) = delete;

  void discover(std::span<const Edge> roots);
  void select(std::span<const Edge> inputs);
  void add(const Edge& edge, Tensor grad);
  std::vector<Tensor> run(std::span<const Edge> roots, std::size_t n_inputs);
  bool has_hooks() const;

 private:
  std::int32_t find(Node* n) const {
    if (n->task == this) return n->slot;
    if (others_.empty()) return -1;
    const auto it = others_.find(n);
    return it == others_.end() ? -1 : it->second;
  }
  std::int32_t claim(Node* n);
  Tensor& grad(Slot& s, std::uint32_t nr) { return nr == 0 ? s.first : s.more[nr - 1]; }
  void push(std::int32_t slot);
  std::int32_t pop();
  void execute(std::int32_t index);
  void run_node(Slot& slot, std::span<Tensor> in);
  void apply_rule(Node& node, std::span<Tensor> in, std::span<Tensor> out, const bool* needs);
  void run_hooks_and_captures(std::int32_t index, std::span<Tensor> in);

  BackwardOptions options_;
  std::vector<Slot> slots_;
  std::unordered_map<Node*, std::int32_t> others_;  // nodes claimed by another run
  std::vector<Capture> captures_;
  std::vector<Tensor> captured_;
  std::vector<std::int32_t> heap_;  // ready nodes, highest sequence on top
  bool selective_ = false;
};

std::int32_t GraphTask::claim(Node* n) {
  const auto index = static_cast<std::int32_t>(slots_.size());
  slots_.emplace_back().node = n;
  Py_INCREF(n);
  if (!n->task) {
    n->task = this;
    n->slot = index;
  } else {
    others_.emplace(n, index);
  }
  if (n->n_outputs > 1)
    slots_.back().more = std::make_unique<Tensor[]>(static_cast<std::size_t>(n->n_outputs) - 1);
  return index;
}

void GraphTask::discover(std::span<const Edge> roots) {
  for (const Edge& r : roots)
    if (find(r.node) < 0) claim(r.node);
  // slots_ grows while it is walked: every claimed node is visited once
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Node* n = slots_[i].node;
    for (int e = 0; e < n->n_edges; ++e) {
      Node* next = n->edges()[e].node;
      if (!next) continue;
      std::int32_t s = find(next);
      if (s < 0) s = claim(next);
      ++slots_[static_cast<std::size_t>(s)].dependencies;
    }
  }
}

// Marks the nodes from which one of the inputs can be reached.
void GraphTask::select(std::span<const Edge> inputs) {
  selective_ = true;
  for (Slot& s : slots_) s.needed = false;
  std::vector<std::vector<std::int32_t>> parents(slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Node* n = slots_[i].node;
    for (int e = 0; e < n->n_edges; ++e)
      if (Node* next = n->edges()[e].node)
        parents[static_cast<std::size_t>(find(next))].push_back(static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> stack;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::int32_t s = inputs[i].node ? find(inputs[i].node) : -1;
    if (s < 0) continue;
    captures_.push_back({s, inputs[i].output_nr, i});
    stack.push_back(s);
  }
  std::vector<bool> reached(slots_.size(), false);
  const auto visit_parents = [&](std::int32_t s) {
    for (auto p : parents[static_cast<std::size_t>(s)])
      if (!reached[static_cast<std::size_t>(p)]) {
        reached[static_cast<std::size_t>(p)] = true;
        slots_[static_cast<std::size_t>(p)].needed = true;
        stack.push_back(p);
      }
  };
  while (!stack.empty()) {
    const auto s = stack.back();
    stack.pop_back();
    visit_parents(s);
  }
  // .backward(inputs=...) accumulates into leaves, so their nodes run as well
  if (options_.accumulate)
    for (const Capture& c : captures_) {
      Slot& s = slots_[static_cast<std::size_t>(c.slot)];
      if (accumulated_leaf(s.node)) s.needed = true;
    }
  std::ranges::sort(captures_, {}, &Capture::slot);
}

void GraphTask::add(const Edge& edge, Tensor g) {
  Slot& s = slots_[static_cast<std::size_t>(find(edge.node))];
  Tensor& sum = grad(s, edge.output_nr);
  if (!sum.defined()) {
    sum = std::move(g);
  } else if (!modes.grad && sum.unique() && sum->storage->refs == 1 && !sum->storage->read_only &&
             sum.dtype() == g.dtype() && sum.layout().dense) {
    ops::add_in_place(sum, g);
  } else {
    sum = ops::add(sum, g);
  }
}

void GraphTask::push(std::int32_t slot) {
  heap_.push_back(slot);
  std::ranges::push_heap(heap_, [&](auto a, auto b) {
    return slots_[static_cast<std::size_t>(a)].node->sequence <
           slots_[static_cast<std::size_t>(b)].node->sequence;
  });
}

std::int32_t GraphTask::pop() {
  std::ranges::pop_heap(heap_, [&](auto a, auto b) {
    return slots_[static_cast<std::size_t>(a)].node->sequence <
           slots_[static_cast<std::size_t>(b)].node->sequence;
  });
  const auto slot = heap_.back();
  heap_.pop_back();
  return slot;
}

void GraphTask::run_hooks_and_captures(std::int32_t index, std::span<Tensor> in) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  Node& node = *slot.node;
  if (node.meta && options_.hooks) {
    for (std::size_t i = 0; i < node.meta->tensor_hooks.size(); ++i) {
      const auto h = node.meta->tensor_hooks[i];
      if (!in[h.output_nr].defined()) continue;
      if (h.hooks) call_tensor_hooks(h.hooks.get(), in[h.output_nr]);
      if (h.retain) retain_grad(h.retain.get(), in[h.output_nr]);
    }
    if (node.meta->pre_hooks && slot.needed) call_pre_hooks(node, in);
  }
  const Tensor* leaf = accumulated_leaf(&node);
  if (!options_.accumulate || !leaf) {
    if (leaf && !slot.needed && (*leaf)->meta && (*leaf)->meta->hooks && options_.hooks)
      call_tensor_hooks((*leaf)->meta->hooks, in[0]);
    for (auto it = std::ranges::lower_bound(captures_, index, {}, &Capture::slot);
         it != captures_.end() && it->slot == index; ++it)
      captured_[it->input] = in[it->output_nr];
  }
}

void GraphTask::execute(std::int32_t index) {
  Slot& slot = slots_[static_cast<std::size_t>(index)];
  if (!slot.more) {
    Tensor in = std::move(slot.first);
    if (slot.node->meta || selective_) run_hooks_and_captures(index, {&in, 1});
    run_node(slots_[static_cast<std::size_t>(index)], {&in, 1});
  } else {
    std::vector<Tensor> in;
    const auto more = static_cast<std::size_t>(slot.node->n_outputs) - 1;
    in.reserve(more + 1);
    in.push_back(std::move(slot.first));
    for (std::size_t i = 0; i < more; ++i) in.push_back(std::move(slot.more[i]));
    run_hooks_and_captures(index, in);
    run_node(slots_[static_cast<std::size_t>(index)], in);
  }
}

namespace {

// The n tensors as one; undefined where all are.
Tensor stacked(std::vector<Tensor> rows) {
  const auto some = std::ranges::find_if(rows, [](const Tensor& t) { return t.defined(); });
  if (some == rows.end()) return Tensor();
  const Tensor like = *some;
  for (Tensor& t : rows)
    if (!t.defined()) t = Tensor::zeros(like.sizes(), like.dtype());
  return ops::stack(rows, 0);
}

std::vector<Tensor> row_of(std::span<const Tensor> batches, std::int64_t i) {
  std::vector<Tensor> row;
  for (const Tensor& t : batches) row.push_back(t.defined() ? ops::select(t, 0, i) : Tensor());
  return row;
}

}  // namespace

// The rule of the node; once for each incoming gradient where it does not take a batch of them.
void GraphTask::apply_rule(Node& node, std::span<Tensor> in, std::span<Tensor> out,
                           const bool* needs) {
  if (options_.batch < 0 || node.kind->takes_batch) [[likely]] {
    Vjp vjp(node, in.data(), out.data(), needs, nullptr, options_.batch);
    return node.kind->vjp(vjp);
  }
  std::vector<std::vector<Tensor>> rows(out.size());
  for (std::int64_t b = 0; b < options_.batch; ++b) {
    std::vector<Tensor> one = row_of(in, b), found(out.size());
    Vjp vjp(node, one.data(), found.data(), needs);
    node.kind->vjp(vjp);
    for (std::size_t i = 0; i < out.size(); ++i) rows[i].push_back(std::move(found[i]));
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = stacked(std::move(rows[i]));
}

// Hooks see one gradient at a time.
bool GraphTask::has_hooks() const {
  return std::ranges::any_of(slots_, [](const Slot& s) {
    const NodeMeta* m = s.node->meta;
    if (m && (!m->tensor_hooks.empty() || m->pre_hooks || m->post_hooks)) return true;
    const Tensor* leaf = accumulated_leaf(s.node);
    return leaf && (*leaf)->meta && (*leaf)->meta->hooks;
  });
}

void GraphTask::run_node(Slot& slot, std::span<Tensor> in) {
  Node& node = *slot.node;
  const int n = node.n_edges;
  constexpr int kFew = 4;
  Tensor few[kFew];
  bool few_needs[kFew];
  std::vector<Tensor> many;
  std::vector<char> many_needs;
  Tensor* out = few;
  bool* needs = few_needs;
  if (n > kFew) {
    many.resize(static_cast<std::size_t>(n));
    many_needs.resize(static_cast<std::size_t>(n));
    out = many.data();
    needs = reinterpret_cast<bool*>(many_needs.data());
  }
  const bool any = std::ranges::any_of(in, [](const Tensor& t) { return t.defined(); });
  if (slot.needed && any) {
    for (int i = 0; i < n; ++i) {
      Node* next = node.edges()[i].node;
      needs[i] = next != nullptr;
      if (selective_ && next) {
        const auto s = static_cast<std::size_t>(find(next));
        needs[i] = slots_[s].needed || std::ranges::any_of(captures_, [&](const Capture& c) {
                     return static_cast<std::size_t>(c.slot) == s &&
                            c.output_nr == node.edges()[i].output_nr;
                   });
      }
    }
    apply_rule(node, in, {out, static_cast<std::size_t>(n)}, needs);
    if (modes.anomaly && modes.anomaly_check_nan) [[unlikely]]
      check_for_nan(node, {out, static_cast<std::size_t>(n)});
    if (node.meta && node.meta->post_hooks && options_.hooks)
      call_post_hooks(node, {out, static_cast<std::size_t>(n)}, in);
    if (!options_.retain_graph) release_saved(node);
  }
  for (Tensor& t : in) t = Tensor();
  for (int i = 0; i < n; ++i) {
    const Edge& edge = node.edges()[i];
    if (!edge.node) continue;
    const auto next = find(edge.node);
    if (out[i].defined()) add(edge, std::move(out[i]));
    if (--slots_[static_cast<std::size_t>(next)].dependencies == 0) push(next);
  }
}

std::vector<Tensor> GraphTask::run(std::span<const Edge> roots, std::size_t n_inputs) {
  captured_.resize(n_inputs);
  for (const Edge& r : roots) {
    const auto s = find(r.node);
    Slot& slot = slots_[static_cast<std::size_t>(s)];
    if (slot.dependencies == 0 && !slot.queued) {
      slot.queued = true;
      push(s);
    }
  }
  while (!heap_.empty()) {
    const auto index = pop();
    try {
      execute(index);
    } catch (...) {
      if (modes.anomaly) report_anomaly(*slots_[static_cast<std::size_t>(index)].node);
      throw;
    }
  }
  return std::move(captured_);
}

namespace {

// A batch of gradients, one after the other.
std::vector<Tensor> run_each(std::span<const Edge> roots, std::span<const Tensor> grads,
                             std::span<const Edge> inputs, BackwardOptions options) {
  const std::int64_t n = std::exchange(options.batch, -1);
  const bool retain = std::exchange(options.retain_graph, true);
  std::vector<std::vector<Tensor>> rows(inputs.size());
  for (std::int64_t b = 0; b < n; ++b) {
    options.retain_graph = retain || b + 1 < n;
    std::vector<Tensor> found = run_backward(roots, row_of(grads, b), inputs, options);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].push_back(std::move(found[i]));
  }
  std::vector<Tensor> all;
  for (auto& column : rows) all.push_back(stacked(std::move(column)));
  return all;
}

}  // namespace

std::vector<Tensor> run_backward(std::span<const Edge> roots, std::span<const Tensor> grads,
                                 std::span<const Edge> inputs, const BackwardOptions& options) {
  struct Depth {
    Depth() { ++modes.backward_depth; }
    ~Depth() { --modes.backward_depth; }
  } depth;
  GradMode recording(options.create_graph);
  GraphTask task(options);
  task.discover(roots);
  if (options.batch >= 0 && task.has_hooks()) [[unlikely]]
    return run_each(roots, grads, inputs, options);
  if (!inputs.empty()) task.select(inputs);
  for (std::size_t i = 0; i < roots.size(); ++i) task.add(roots[i], grads[i]);
  return task.run(roots, inputs.size());
}

}  // namespace backlit
