// One layer of a recurrent network over whole sequences, in one or both directions.
#pragma once

#include <vector>

#include "graph/node.h"
#include "kernels/recurrent.h"

namespace backlit::ops {

// The rows of all time steps lie one after the other, those of step t from offsets[t] on; no step
// has more rows than the one before.
struct RecurrentLayer {
  Cell cell;
  int directions;
  std::vector<std::int64_t> offsets;

  std::int64_t steps() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t batch() const { return offsets[1]; }
  std::int64_t rows() const { return offsets.back(); }
};

// The inputs of a layer: x (rows, in), states (directions, batch, ·), or (batch, ·) in one
// direction, and for each direction weights, of which biases and projection may be undefined.
namespace recurrent_input {
enum : int { X, H, C, Weights };
enum : int { WeightIh, WeightHh, BiasIh, BiasHh, WeightHr, kWeights };
constexpr int weight(int direction, int which) { return Weights + direction * kWeights + which; }
}  // namespace recurrent_input

// y (rows, directions * out), the last states in the shape of the first; recorded as one node.
std::vector<Tensor> recurrent_layer(const RecurrentLayer& layer, const std::vector<Tensor>& inputs);

// The same step by step from recorded operations: differentiates to any order, in any dtype.
std::vector<Tensor> recurrent_layer_by_steps(const RecurrentLayer& layer,
                                             const std::vector<Tensor>& inputs);

}  // namespace backlit::ops
