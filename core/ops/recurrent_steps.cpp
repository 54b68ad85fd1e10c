// Recurrent layers step by step, from recorded operations.
#include "formulas/activation.h"
#include "formulas/trigonometric.h"
#include "ops/arithmetic.h"
#include "ops/joining.h"
#include "ops/products.h"
#include "ops/recurrent.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
using namespace recurrent_input;

Tensor sigmoid(const Tensor& x) { return apply<formulas::Sigmoid>(x); }
Tensor tanh(const Tensor& x) { return apply<formulas::Tanh>(x); }
Tensor relu(const Tensor& x) { return apply<formulas::Relu>(x); }

struct State {
  Tensor h, c;
};

// The weights of one direction.
struct Direction {
  Cell cell;
  Tensor w_ih, w_hh, b_ih, b_hh, w_hr;

  Direction(Cell cell, const std::vector<Tensor>& inputs, int direction) : cell(cell) {
    const auto at = [&](int which) {
      return inputs[static_cast<std::size_t>(weight(direction, which))];
    };
    w_ih = at(WeightIh), w_hh = at(WeightHh), b_ih = at(BiasIh), b_hh = at(BiasHh);
    w_hr = at(WeightHr);
  }
  // from_x: what the input adds to the sums of this step's rows.
  State step(const Tensor& from_x, const State& before) const;
};

State Direction::step(const Tensor& from_x, const State& before) const {
  const Tensor from_h = linear(before.h, w_hh, b_hh);
  const i64 hidden = w_hh.layout().size(0) / gates_of(cell);
  const auto gate = [&](const Tensor& sums, i64 k) { return narrow(sums, 1, k * hidden, hidden); };
  if (cell == Cell::Gru) {
    const Tensor both =
        sigmoid(add(narrow(from_x, 1, 0, 2 * hidden), narrow(from_h, 1, 0, 2 * hidden)));
    const Tensor reset = gate(both, 0), z = gate(both, 1);
    const Tensor n = tanh(add(gate(from_x, 2), mul(reset, gate(from_h, 2))));
    return {add(mul(sub(before.h, n), z), n), {}};
  }
  const Tensor sums = add(from_x, from_h);
  if (cell == Cell::Tanh) return {tanh(sums), {}};
  if (cell == Cell::Relu) return {relu(sums), {}};
  const Tensor input = sigmoid(gate(sums, 0)), forget = sigmoid(gate(sums, 1));
  const Tensor c = add(mul(forget, before.c), mul(input, tanh(gate(sums, 2))));
  const Tensor h = mul(sigmoid(gate(sums, 3)), tanh(c));
  return {w_hr.defined() ? linear(h, w_hr, {}) : h, c};
}

// Rows [0, n) of a state, and the state with these rows replaced.
Tensor first_rows(const Tensor& state, i64 n) {
  return !state.defined() || n == state.layout().size(0) ? state : narrow(state, 0, 0, n);
}
Tensor with_first_rows(const Tensor& state, const Tensor& rows) {
  if (!state.defined()) return state;
  const i64 n = rows.layout().size(0), all = state.layout().size(0);
  return n == all ? rows : cat({rows, narrow(state, 0, n, all - n)}, 0);
}

// A state of one direction, (batch, ·).
Tensor state_of(const Tensor& all, int direction) {
  return !all.defined() || all.dim() == 2 ? all : select(all, 0, direction);
}

}  // namespace

std::vector<Tensor> recurrent_layer_by_steps(const RecurrentLayer& layer,
                                             const std::vector<Tensor>& inputs) {
  std::vector<Tensor> ys, hs, cs;
  for (int d = 0; d < layer.directions; ++d) {
    const Direction direction(layer.cell, inputs, d);
    const Tensor from_x = linear(inputs[X], direction.w_ih, direction.b_ih);
    State state{state_of(inputs[H], d), state_of(inputs[C], d)};
    std::vector<Tensor> rows(static_cast<std::size_t>(layer.steps()));
    for (i64 k = 0; k < layer.steps(); ++k) {
      const auto t = static_cast<std::size_t>(d == 1 ? layer.steps() - 1 - k : k);
      const i64 at = layer.offsets[t], n = layer.offsets[t + 1] - at;
      const State after = direction.step(narrow(from_x, 0, at, n),
                                         {first_rows(state.h, n), first_rows(state.c, n)});
      rows[t] = after.h;
      state = {with_first_rows(state.h, after.h), with_first_rows(state.c, after.c)};
    }
    ys.push_back(cat(rows, 0));
    hs.push_back(state.h);
    if (state.c.defined()) cs.push_back(state.c);
  }
  // as the states were given
  const auto join = [&](const std::vector<Tensor>& states) {
    return inputs[H].dim() == 2 ? states[0] : stack(states, 0);
  };
  std::vector<Tensor> outputs{cat(ys, 1), join(hs)};
  if (!cs.empty()) outputs.push_back(join(cs));
  return outputs;
}

}  // namespace backlit::ops
