// Recurrent networks: layers over each other, padded or packed sequences, single cells.
#include "ops/recurrent.h"

#include <algorithm>
#include <span>

#include "ops/arithmetic.h"
#include "ops/dropout.h"
#include "ops/joining.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
using namespace recurrent_input;
using Tensors = std::vector<Tensor>;

struct Network {
  Cell cell;
  bool has_biases;
  i64 layers;
  double dropout;
  bool train;
  int directions;
};

// --- checks ---

void check_shape(const char* what, const Tensor& t, Span wanted) {
  BACKLIT_CHECK(!t.defined() || std::ranges::equal(t.sizes(), wanted), Runtime, what,
                " has an unexpected shape: got ", to_string(t.sizes()), " expected ",
                to_string(wanted), ".");
}

void check_dtype(const Tensor& t, Dtype dtype) {
  BACKLIT_CHECK(!t.defined() || t.dtype() == dtype, Runtime,
                "mat1 and mat2 must have the same dtype, but got ", info(dtype).scalar_name,
                " and ", info(t.dtype()).scalar_name,
                ". Convert the input with .to(dtype), or the module with .double() or .float().");
}

// The weights of every direction of one layer, beside its input and states.
void check_layer(Cell cell, const Tensors& in, int directions, i64 batch, i64 out) {
  const Tensor& x = in[X];
  for (const Tensor& t : in) check_dtype(t, x.dtype());
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "recurrent layers are not implemented for '",
                info(x.dtype()).scalar_name, "'.");
  for (int d = 0; d < directions; ++d) {
    const auto at = [&](int which) { return in[static_cast<std::size_t>(weight(d, which))]; };
    BACKLIT_CHECK(at(WeightIh).dim() == 2 && at(WeightHh).dim() == 2, Runtime,
                  "weights of recurrent layers must be matrices. Got ",
                  to_string(at(WeightIh).sizes()), " and ", to_string(at(WeightHh).sizes()), ".");
    const i64 gates = at(WeightIh).layout().size(0), hidden = gates / gates_of(cell);
    const i64 width = x.layout().size(1);
    BACKLIT_CHECK(width == at(WeightIh).layout().size(1), Runtime,
                  "mat1 and mat2 shapes cannot be multiplied (", x.layout().size(0), "x", width,
                  " and ", at(WeightIh).layout().size(1), "x", gates, "). Got an input of width ",
                  width, " for weight_ih ", to_string(at(WeightIh).sizes()), ".");
    BACKLIT_CHECK(out == at(WeightHh).layout().size(1), Runtime,
                  "mat1 and mat2 shapes cannot be multiplied (", batch, "x", out, " and ",
                  at(WeightHh).layout().size(1), "x", at(WeightHh).layout().size(0),
                  "). Got a hidden state of width ", out, " for weight_hh ",
                  to_string(at(WeightHh).sizes()), ".");
    check_shape("weight_ih", at(WeightIh), Dims{hidden * gates_of(cell), width});
    check_shape("weight_hh", at(WeightHh), Dims{gates, out});
    check_shape("bias_ih", at(BiasIh), Dims{gates});
    check_shape("bias_hh", at(BiasHh), Dims{gates});
    check_shape("weight_hr", at(WeightHr), Dims{out, hidden});
    BACKLIT_CHECK(at(WeightHr).defined() || out == hidden, Runtime, "weight_hh",
                  " has an unexpected shape: got ", to_string(at(WeightHh).sizes()), " for ",
                  hidden, " hidden units.");
  }
}

void check_state(const Tensor& state, const Network& n, i64 batch) {
  BACKLIT_CHECK(state.dim() == 3, Runtime, "hidden states must have 3 dimensions, got ",
                state.dim());
  const i64 given = state.layout().size(1);
  BACKLIT_CHECK(given == batch, Runtime, "The size of tensor a (", given,
                ") must match the size of tensor b (", batch,
                ") at non-singleton dimension 0. Got a hidden state ", to_string(state.sizes()),
                " for a batch of ", batch, ".");
  BACKLIT_CHECK(state.layout().size(0) == n.layers * n.directions, Runtime,
                "Expected more hidden states in stacked_rnn. Got ", state.layout().size(0), " for ",
                n.layers, " layers in ", n.directions, " directions.");
}

void check_parameters(const Network& n, const Tensors& params, std::size_t each, i64 states) {
  BACKLIT_CHECK(params.size() % each == 0, Runtime,
                "got an incorrect number of RNN parameters. Got ", params.size(),
                " where each layer has ", each, ".");
  const auto groups = static_cast<i64>(params.size() / each);
  BACKLIT_CHECK(n.directions == 1 || (groups % 2 == 0 && states % 2 == 0), Runtime,
                "Odd number of params or hiddens given to a bidirectional RNN");
  BACKLIT_CHECK(states == n.layers * n.directions, Runtime,
                "Expected more hidden states in stacked_rnn. Got ", states, " for ", n.layers,
                " layers in ", n.directions, " directions.");
  BACKLIT_CHECK(groups == n.layers * n.directions, Runtime,
                "Expected more weights in stacked_rnn. Got those of ", groups, " for ", n.layers,
                " layers in ", n.directions, " directions.");
}

// --- layers over each other ---

// The inputs of one layer, its weights taken from `params`, which list has_biases ? 4 : 2 tensors
// for each direction, and the projection after them.
Tensors layer_inputs(const Network& n, const Tensor& x, const Tensor& h, const Tensor& c,
                     std::span<const Tensor> params, std::size_t each) {
  Tensors in(static_cast<std::size_t>(weight(n.directions, 0)));
  in[X] = x, in[H] = h, in[C] = c;
  for (int d = 0; d < n.directions; ++d) {
    const auto from = params.subspan(static_cast<std::size_t>(d) * each, each);
    const auto put = [&](int which, std::size_t k) {
      in[static_cast<std::size_t>(weight(d, which))] = from[k];
    };
    put(WeightIh, 0), put(WeightHh, 1);
    if (n.has_biases) put(BiasIh, 2), put(BiasHh, 3);
    if (each % 2 != 0) put(WeightHr, each - 1);
  }
  return in;
}

// x (rows, in), states (layers * directions, batch, ·): y (rows, directions * out), last states.
Tensors run_network(const Network& n, std::vector<i64> offsets, Tensor x, const Tensors& states,
                    const Tensors& params) {
  const bool projected = n.cell == Cell::Lstm && states[0].dim() == 3 && states[1].dim() == 3 &&
                         states[0].layout().size(2) != states[1].layout().size(2);
  const std::size_t each = (n.has_biases ? 4u : 2u) + (projected ? 1u : 0u);
  check_parameters(n, params, each, states[0].dim() == 3 ? states[0].layout().size(0) : 0);
  const RecurrentLayer layer{n.cell, n.directions, std::move(offsets)};
  for (const Tensor& state : states) check_state(state, n, layer.batch());
  const std::size_t group = each * static_cast<std::size_t>(n.directions);
  std::vector<Tensors> last(states.size());
  for (i64 l = 0; l < n.layers; ++l) {
    const auto state = [&](std::size_t k) {
      if (k >= states.size()) return Tensor();
      return n.layers == 1 ? states[k] : narrow(states[k], 0, l * n.directions, n.directions);
    };
    const Tensors in =
        layer_inputs(n, x, state(0), state(1),
                     std::span(params).subspan(static_cast<std::size_t>(l) * group, group), each);
    check_layer(n.cell, in, n.directions, layer.batch(), in[H].layout().size(2));
    const Tensors out = recurrent_layer(layer, in);
    x = n.train && l + 1 < n.layers ? dropout(out[0], n.dropout, true) : out[0];
    for (std::size_t k = 0; k < states.size(); ++k) last[k].push_back(out[k + 1]);
  }
  Tensors result{x};
  for (const Tensors& each_layer : last)
    result.push_back(each_layer.size() == 1 ? each_layer[0] : cat(each_layer, 0));
  return result;
}

Tensors run_padded(const Network& n, const Tensor& input, const Tensors& states,
                   const Tensors& params, bool batch_first) {
  BACKLIT_CHECK(input.dim() == 3, Runtime, "input must have 3 dimensions, got ", input.dim());
  const Tensor x = batch_first ? transpose(input, 0, 1) : input;
  const i64 steps = x.layout().size(0), batch = x.layout().size(1);
  BACKLIT_CHECK(steps > 0, Runtime, "Expected sequence length to be larger than 0 in RNN");
  std::vector<i64> offsets(static_cast<std::size_t>(steps) + 1);
  for (std::size_t t = 0; t < offsets.size(); ++t) offsets[t] = static_cast<i64>(t) * batch;
  Tensors out = run_network(n, std::move(offsets),
                            reshape(x, Dims{steps * batch, x.layout().size(2)}), states, params);
  out[0] = view(out[0], Dims{steps, batch, out[0].layout().size(1)});
  if (batch_first) out[0] = transpose(out[0], 0, 1);
  return out;
}

std::vector<i64> packed_offsets(const Tensor& data, const Tensor& batch_sizes) {
  BACKLIT_CHECK(data.dim() == 2, Runtime, "input must have 2 dimensions, got ", data.dim());
  BACKLIT_CHECK(batch_sizes.dtype() == Dtype::Int64, Runtime,
                "expected scalar type Long but found ", info(batch_sizes.dtype()).scalar_name);
  BACKLIT_CHECK(batch_sizes.dim() == 1 && batch_sizes.numel() > 0, Runtime,
                "batch_sizes must be a vector with an entry for each step. Got shape ",
                to_string(batch_sizes.sizes()), ".");
  const Tensor sizes = contiguous(detach(batch_sizes));
  std::vector<i64> offsets{0};
  for (i64 t = 0; t < sizes.numel(); ++t) {
    const i64 n = sizes.data<i64>()[t];
    BACKLIT_CHECK(n >= 0 && (t == 0 || n <= sizes.data<i64>()[t - 1]), Runtime,
                  "batch_sizes must not increase, nor be negative. Got ", n, " at step ", t, ".");
    offsets.push_back(offsets.back() + n);
  }
  BACKLIT_CHECK(offsets.back() == data.layout().size(0), Runtime,
                "batch_sizes must add up to the rows of the data. Got ", offsets.back(), " and ",
                data.layout().size(0), ".");
  return offsets;
}

const Tensors& two_states(const char* name, const Tensors& hx) {
  BACKLIT_CHECK(hx.size() == 2, Runtime, name, " expects two hidden states");
  return hx;
}

Network network(Cell cell, bool has_biases, i64 layers, double dropout, bool train,
                bool bidirectional) {
  return {cell, has_biases, layers, dropout, train, bidirectional ? 2 : 1};
}

// --- the rows ---

template <Cell cell>
Tensors padded_op(const Tensor& input, const Tensor& hx, const Tensors& params, bool has_biases,
                  i64 num_layers, double dropout, bool train, bool bidirectional,
                  bool batch_first) {
  return run_padded(network(cell, has_biases, num_layers, dropout, train, bidirectional), input,
                    {hx}, params, batch_first);
}
template <Cell cell>
Tensors packed_op(const Tensor& data, const Tensor& batch_sizes, const Tensor& hx,
                  const Tensors& params, bool has_biases, i64 num_layers, double dropout,
                  bool train, bool bidirectional) {
  return run_network(network(cell, has_biases, num_layers, dropout, train, bidirectional),
                     packed_offsets(data, batch_sizes), data, {hx}, params);
}
Tensors lstm_op(const Tensor& input, const Tensors& hx, const Tensors& params, bool has_biases,
                i64 num_layers, double dropout, bool train, bool bidirectional, bool batch_first) {
  return run_padded(network(Cell::Lstm, has_biases, num_layers, dropout, train, bidirectional),
                    input, two_states("lstm", hx), params, batch_first);
}
Tensors packed_lstm_op(const Tensor& data, const Tensor& batch_sizes, const Tensors& hx,
                       const Tensors& params, bool has_biases, i64 num_layers, double dropout,
                       bool train, bool bidirectional) {
  return run_network(network(Cell::Lstm, has_biases, num_layers, dropout, train, bidirectional),
                     packed_offsets(data, batch_sizes), data, two_states("lstm", hx), params);
}

// One step of rows x (batch, in): the states after it.
Tensors run_cell(Cell cell, const Tensor& x, const Tensors& states, const Tensor& w_ih,
                 const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  BACKLIT_CHECK(x.dim() > 1, Index,
                "Dimension out of range (expected to be in range of [-1, 0], but got 1)");
  BACKLIT_CHECK(w_ih.dim() == 2 && x.layout().size(1) == w_ih.layout().size(1), Runtime,
                "input has inconsistent input_size: got ", x.layout().size(1), " expected ",
                w_ih.dim() == 2 ? w_ih.layout().size(1) : 0);
  const i64 hidden = w_hh.dim() == 2 ? w_hh.layout().size(1) : 0;
  for (std::size_t k = 0; k < states.size(); ++k) {
    const Tensor& state = states[k];
    BACKLIT_CHECK(state.dim() == 2, Runtime, "hidden", k, " must have 2 dimensions, got ",
                  state.dim());
    BACKLIT_CHECK(state.layout().size(0) == x.layout().size(0), Runtime, "Input batch size ",
                  x.layout().size(0), " doesn't match hidden", k, " batch size ",
                  state.layout().size(0));
    BACKLIT_CHECK(state.layout().size(1) == hidden, Runtime, "hidden", k,
                  " has inconsistent hidden_size: got ", state.layout().size(1), ", expected ",
                  hidden);
  }
  BACKLIT_CHECK(x.dim() == 2, Runtime, "input must have 2 dimensions, got ", x.dim());
  BACKLIT_CHECK(w_ih.layout().size(0) == gates_of(cell) * hidden, Runtime,
                "weight_ih first dim must be ", gates_of(cell),
                " * hidden_size = ", gates_of(cell) * hidden, ", but got ", w_ih.layout().size(0));
  Tensors in(static_cast<std::size_t>(weight(1, 0)));
  in[X] = x, in[H] = states[0];
  if (states.size() > 1) in[C] = states[1];
  const auto put = [&](int which, const Tensor& t) {
    in[static_cast<std::size_t>(weight(0, which))] = t;
  };
  put(WeightIh, w_ih), put(WeightHh, w_hh), put(BiasIh, b_ih), put(BiasHh, b_hh);
  check_layer(cell, in, 1, x.layout().size(0), hidden);
  Tensors out = recurrent_layer({cell, 1, {0, x.layout().size(0)}}, in);
  out.erase(out.begin());
  return out;
}

template <Cell cell>
Tensor cell_op(const Tensor& input, const Tensor& hx, const Tensor& w_ih, const Tensor& w_hh,
               const Tensor& b_ih, const Tensor& b_hh) {
  return run_cell(cell, input, {hx}, w_ih, w_hh, b_ih, b_hh)[0];
}
Tensors lstm_cell_op(const Tensor& input, const Tensors& hx, const Tensor& w_ih, const Tensor& w_hh,
                     const Tensor& b_ih, const Tensor& b_hh) {
  return run_cell(Cell::Lstm, input, two_states("lstm_cell", hx), w_ih, w_hh, b_ih, b_hh);
}

#define BACKLIT_NETWORK_OPTIONS                                                        \
  "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool " \
  "bidirectional"
#define BACKLIT_CELL_ARGUMENTS "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> "

constexpr RowOptions with_formula(const char* meaning, const char* formula, const char* node) {
  return {.meaning = meaning,
          .formula = formula,
          .gradient = "backwards through the steps; ∂L/∂W = Σ over steps of ∂L/∂aₜᵀ · (its input)",
          .method = false,
          .node = node};
}

// Both ways of giving sequences to a network with one state, and one step of it.
#define BACKLIT_RECURRENT(name, cell, meaning, cell_meaning, formula, node)                     \
  const Register name##_row(#name "(Tensor input, Tensor hx, " BACKLIT_NETWORK_OPTIONS          \
                                  ", bool batch_first) -> (Tensor, Tensor)",                    \
                            padded_op<cell>, with_formula(meaning, formula, node));             \
  const Register name##_packed_row(                                                             \
      #name "(Tensor data, Tensor batch_sizes, Tensor hx, " BACKLIT_NETWORK_OPTIONS             \
            ") -> (Tensor, Tensor)",                                                            \
      packed_op<cell>, with_formula(meaning, formula, node));                                   \
  const Register name##_cell_row(#name "_cell(Tensor input, Tensor hx, " BACKLIT_CELL_ARGUMENTS \
                                       "Tensor",                                                \
                                 cell_op<cell>, with_formula(cell_meaning, formula, node));

constexpr const char* kLstm =
    "i, f, o = σ(aᵢ), σ(a_f), σ(aₒ), g = tanh a_g with a = x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh; "
    "c' = f ∘ c + i ∘ g, h' = o ∘ tanh c'";

BACKLIT_RECURRENT(rnn_tanh, Cell::Tanh, "A network of tanh units over a sequence.",
                  "One step of a layer of tanh units.",
                  "h' = tanh(x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh)", "RnnTanhBackward0")
BACKLIT_RECURRENT(rnn_relu, Cell::Relu, "A network of rectified linear units over a sequence.",
                  "One step of a layer of rectified linear units.",
                  "h' = max(x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh, 0)", "RnnReluBackward0")
BACKLIT_RECURRENT(gru, Cell::Gru, "A network of gated recurrent units over a sequence.",
                  "One step of a layer of gated recurrent units.",
                  "r, z = σ(aᵣ), σ(a_z) with a = x·W_ihᵀ + b_ih + h·W_hhᵀ + b_hh; "
                  "n = tanh(x·W_inᵀ + b_in + r ∘ (h·W_hnᵀ + b_hn)), h' = (1 − z) ∘ n + z ∘ h",
                  "GruBackward0")

const Register lstm_row("lstm(Tensor input, Tensor[] hx, " BACKLIT_NETWORK_OPTIONS
                        ", bool batch_first) -> (Tensor, Tensor, Tensor)",
                        lstm_op,
                        with_formula("A network of long short-term memories over a sequence.",
                                     kLstm, "LstmBackward0"));
const Register lstm_packed_row(
    "lstm(Tensor data, Tensor batch_sizes, Tensor[] hx, " BACKLIT_NETWORK_OPTIONS
    ") -> (Tensor, Tensor, Tensor)",
    packed_lstm_op,
    with_formula("A network of long short-term memories over a sequence.", kLstm, "LstmBackward0"));
const Register lstm_cell_row(
    "lstm_cell(Tensor input, Tensor[] hx, " BACKLIT_CELL_ARGUMENTS "(Tensor, Tensor)", lstm_cell_op,
    with_formula("One step of a layer of long short-term memories.", kLstm, "LstmBackward0"));

}  // namespace
}  // namespace backlit::ops
