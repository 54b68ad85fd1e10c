// Backward: runs the recorded graph from its results to its leaves.
#pragma once

#include <span>
#include <vector>

#include "graph/node.h"

namespace backlit {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool accumulate = true;   // into .grad of leaves; false with explicit inputs of autograd.grad
  bool hooks = true;        // false for a look at the gradients that leaves no trace
  std::int64_t batch = -1;  // so many gradients at once, with a dimension in front; not accumulated
};

// Sends grads[i] (defined) into roots[i]. With `inputs`, returns the gradient at each of these
// edges (undefined: not reached) and runs only the nodes that lead to them.
std::vector<Tensor> run_backward(std::span<const Edge> roots, std::span<const Tensor> grads,
                                 std::span<const Edge> inputs, const BackwardOptions& options);

// The leaf of an AccumulateGrad node, null for any other.
const Tensor* accumulated_leaf(Node* node);
// The version of the edge of an input that was not given, such as a bias.
inline constexpr std::uint32_t kAbsentInput = ~std::uint32_t{0};

// Adds g to the gradient of a leaf as PyTorch does: kept, copied, or added in place.
void accumulate_grad(const Tensor& leaf, Tensor g);

// Python's part of the engine: hooks (graph/hooks.cpp). Each may replace the gradients it is given.
void call_tensor_hooks(PyObject* hooks, Tensor& grad);
void call_pre_hooks(Node& node, std::span<Tensor> grads);
void call_post_hooks(Node& node, std::span<Tensor> outputs, std::span<const Tensor> grads);
void call_post_accumulate_hooks(const Tensor& leaf);
void retain_grad(PyObject* weak_tensor, const Tensor& grad);
// With anomaly mode on: throws, naming the node, when a gradient holds NaN.
void check_for_nan(Node& node, std::span<const Tensor> outputs);
// Adds the traceback of the node's creation to the error about to leave, and warns.
void report_anomaly(Node& node);

}  // namespace backlit
