// Recording of in-place changes.
#pragma once

#include "graph/node.h"

namespace backlit {

// Runs `change` on x as PyTorch does: checks, version bump, history. `inputs[0]` is x itself.
// The rule's node is made before the change, so that it saves what the inputs were.
template <class Change, class F>
Tensor record_in_place(const char* name, const Tensor& x, std::initializer_list<Tensor> inputs,
                       std::initializer_list<Tensor> saved, Change change, F rule,
                       bool save_result = false) {
  check_inplace(x, any_requires_grad({inputs.begin(), inputs.size()}));
  Ref<Node> node;
  if (x.is_differentiable() && should_record(inputs)) {
    node = make_node(name, {inputs.begin(), inputs.size()}, {saved.begin(), saved.size()}, 1,
                     save_result ? 1 : 0, std::move(rule));
    if (modes.tracing) [[unlikely]]
      keep_former(*node, x);
  }
  change();
  bump_version(x);
  if (node) {
    if (save_result) save_output(node->saved()[saved.size()], x);
    rebase_history(x, node.get());
  }
  return x;
}

}  // namespace backlit
