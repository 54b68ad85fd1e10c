// A recurrent layer as one node: the fused loops of kernels/recurrent.h around products over all
// steps at once. Where its gradient is recorded, the layer is run again step by step and that is
// differentiated.
#include <algorithm>
#include <type_traits>

#include "base/threads.h"
#include "graph/engine.h"
#include "kernels/gemm.h"
#include "ops/arithmetic.h"
#include "ops/recurrent.h"
#include "ops/reductions.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
using namespace recurrent_input;

// What the forward pass keeps, one after the other behind the inputs; each (directions, rows, ·).
enum : int { Gates, HBefore, CBefore, TanhC, Unprojected, kKept };

// Row-major and not recorded.
Tensor plain(const Tensor& t) {
  return !t.defined() || t.is_contiguous() ? t : contiguous(detach(t));
}

template <class T> T* memory(const Tensor& t, i64 direction = 0, i64 directions = 1) {
  return t.defined() ? t.data<T>() + direction * (t.numel() / directions) : nullptr;
}

struct Sizes {
  i64 in, out, hidden, gates, columns;

  Sizes(Cell cell, const std::vector<Tensor>& inputs) {
    const Layout &ih = inputs[weight(0, WeightIh)].layout(),
                 &hh = inputs[weight(0, WeightHh)].layout();
    in = ih.size(1), out = hh.size(1), gates = ih.size(0);
    hidden = gates / gates_of(cell), columns = columns_of(cell) * hidden;
  }
};

// The layer over memory of element type T.
template <class T> class Fused {
 public:
  Fused(const RecurrentLayer& layer, std::vector<Tensor> inputs)
      : layer_(layer), sizes_(layer.cell, inputs), inputs_(std::move(inputs)) {
    for (Tensor& t : inputs_) t = plain(t);
  }

  std::vector<Tensor> forward(bool keep);
  std::vector<Tensor> backward(const Vjp& v);
  std::vector<Tensor> kept;

 private:
  const Tensor& input(int direction, int which) const {
    return inputs_[static_cast<std::size_t>(weight(direction, which))];
  }
  bool projected() const { return input(0, WeightHr).defined(); }
  Tensor gradient_of(const Tensor& g, const Tensor& state) const;
  void make_workspace(bool keep);
  void add_input(int direction);
  Sequence<T> sequence(int direction, bool keep) const;
  void parameter_gradients(const Vjp& v, int direction, const Tensor& sums,
                           const Tensor& dprojected, std::vector<Tensor>& out) const;
  void bias_gradients(const Vjp& v, int direction, const Tensor& sums,
                      std::vector<Tensor>& out) const;

  const RecurrentLayer& layer_;
  Sizes sizes_;
  std::vector<Tensor> inputs_;
  Tensor y_, h_, c_;
};

// Memory of the gradient of a state, which starts from that of the last one.
template <class T> Tensor Fused<T>::gradient_of(const Tensor& g, const Tensor& state) const {
  return g.defined() ? clone_contiguous(detach(g)) : Tensor::zeros(state.sizes(), dtype_of<T>);
}

template <class T> void Fused<T>::make_workspace(bool keep) {
  const auto make = [&](i64 rows, i64 columns) {
    return Tensor::empty(Dims{layer_.directions, rows, columns}, dtype_of<T>);
  };
  const i64 rows = keep ? layer_.rows() : layer_.batch();
  kept.resize(kKept);
  kept[Gates] = make(layer_.rows(), sizes_.columns);
  kept[HBefore] = make(rows, sizes_.out);
  if (layer_.cell != Cell::Lstm) return;
  kept[CBefore] = make(rows, sizes_.hidden);
  kept[TanhC] = make(rows, sizes_.hidden);
  if (projected()) kept[Unprojected] = make(rows, sizes_.hidden);
}

// gates = x @ W_ihᵀ + biases, for all steps at once.
template <class T> void Fused<T>::add_input(int direction) {
  const i64 rows = layer_.rows(), columns = sizes_.columns, gates = sizes_.gates, in = sizes_.in;
  T* to = memory<T>(kept[Gates], direction, layer_.directions);
  const T *x = memory<T>(inputs_[X]), *w = memory<T>(input(direction, WeightIh));
  const T *b_ih = memory<T>(input(direction, BiasIh)), *b_hh = memory<T>(input(direction, BiasHh));
  // The reset gate of a GRU stands between the last gate's two biases.
  const i64 shared = layer_.cell == Cell::Gru ? 2 * sizes_.hidden : gates;
  std::vector<T> bias(static_cast<std::size_t>(columns), T(0));
  for (i64 j = 0; b_ih && j < gates; ++j) bias[static_cast<std::size_t>(j)] = b_ih[j];
  for (i64 j = 0; b_hh && j < gates; ++j)
    bias[static_cast<std::size_t>(j < shared ? j : j + columns - gates)] += b_hh[j];
  gemm_plus_row<T>(false, true, rows, gates, in, x, std::max<i64>(in, 1), w, std::max<i64>(in, 1),
                   bias.data(), to, columns);
  if (columns > gates)
    parallel_for(rows, (1 << 14) / columns + 1, [&](i64 begin, i64 end) {
      for (i64 i = begin; i < end; ++i)
        std::copy(bias.begin() + gates, bias.end(), to + i * columns + gates);
    });
}

template <class T> Sequence<T> Fused<T>::sequence(int direction, bool keep) const {
  const auto part = [&](const Tensor& t) { return memory<T>(t, direction, layer_.directions); };
  return {.cell = layer_.cell,
          .keep = keep,
          .steps = layer_.steps(),
          .offsets = layer_.offsets.data(),
          .hidden = sizes_.hidden,
          .out = sizes_.out,
          .weight_hh = memory<T>(input(direction, WeightHh)),
          .weight_hr = memory<T>(input(direction, WeightHr)),
          .h = part(h_),
          .c = part(c_),
          .gates = part(kept[Gates]),
          .h_before = part(kept[HBefore]),
          .c_before = part(kept[CBefore]),
          .tanh_c = part(kept[TanhC]),
          .unprojected = part(kept[Unprojected]),
          .y = y_.defined() ? y_.data<T>() + direction * sizes_.out : nullptr,
          .ldy = layer_.directions * sizes_.out};
}

template <class T> Tensor panels_for(const Sequence<T>& s, int count) {
  return Tensor::empty(Dims{count * panel_elements(s)}, dtype_of<T>);
}

template <class T> std::vector<Tensor> Fused<T>::forward(bool keep) {
  make_workspace(keep);
  y_ = Tensor::empty(Dims{layer_.rows(), layer_.directions * sizes_.out}, dtype_of<T>);
  h_ = clone_contiguous(detach(inputs_[H]));
  if (layer_.cell == Cell::Lstm) c_ = clone_contiguous(detach(inputs_[C]));
  std::vector<Sequence<T>> sequences;
  for (int d = 0; d < layer_.directions; ++d) sequences.push_back(sequence(d, keep));
  const Tensor panels = panels_for(sequences[0], layer_.directions);
  if (layer_.rows() > 0) {
    const GilRelease release(layer_.rows() * sizes_.columns * sizes_.out >= kGilReleaseElements);
    for (int d = 0; d < layer_.directions; ++d) add_input(d);
    run_forward(sequences.data(), layer_.directions, panels.data<T>());
  }
  return {y_, h_, c_};
}

template <class T>
void Fused<T>::bias_gradients(const Vjp& v, int direction, const Tensor& sums,
                              std::vector<Tensor>& out) const {
  const int ih = weight(direction, BiasIh), hh = weight(direction, BiasHh);
  if (!v.needs(ih) && !v.needs(hh)) return;
  const i64 gates = sizes_.gates, shift = sizes_.columns - gates;
  const Tensor all = sum(select(sums, 0, direction), Dims{0}, false);
  const auto pick = [&](i64 shared, i64 moved) {
    const Tensor b = Tensor::empty(Dims{gates}, dtype_of<T>);
    std::copy_n(all.data<T>(), shared, b.data<T>());
    std::copy_n(all.data<T>() + shared + moved, gates - shared, b.data<T>() + shared);
    return b;
  };
  if (v.needs(ih)) out[static_cast<std::size_t>(ih)] = pick(gates, 0);
  if (v.needs(hh)) out[static_cast<std::size_t>(hh)] = pick(shift ? 2 * shift : gates, shift);
}

template <class T>
void Fused<T>::parameter_gradients(const Vjp& v, int direction, const Tensor& sums,
                                   const Tensor& dprojected, std::vector<Tensor>& out) const {
  const i64 rows = layer_.rows(), columns = sizes_.columns, hidden = sizes_.hidden;
  const auto part = [&](const Tensor& t) { return memory<T>(t, direction, layer_.directions); };
  // aᵀ @ b over all rows
  const auto product = [&](i64 m, i64 n, const T* a, i64 lda, const T* b, T* to) {
    gemm<T>(true, false, m, n, rows, T(1), a, lda, b, std::max<i64>(n, 1), T(0), to,
            std::max<i64>(n, 1));
  };
  const auto result = [&](int which) {
    const int i = weight(direction, which);
    if (!v.needs(i)) return static_cast<T*>(nullptr);
    Tensor& t = out[static_cast<std::size_t>(i)];
    t = Tensor::empty(input(direction, which).sizes(), dtype_of<T>);
    return t.data<T>();
  };
  const T* g = part(sums);
  if (T* to = result(WeightIh))
    product(sizes_.gates, sizes_.in, g, columns, memory<T>(inputs_[X]), to);
  if (T* to = result(WeightHh)) {
    const i64 shared = columns > sizes_.gates ? 2 * hidden : sizes_.gates, out_size = sizes_.out;
    product(shared, out_size, g, columns, part(kept[HBefore]), to);
    if (shared < sizes_.gates)
      product(hidden, out_size, g + columns - hidden, columns, part(kept[HBefore]),
              to + shared * out_size);
  }
  if (T* to = result(WeightHr))
    product(sizes_.out, hidden, part(dprojected), sizes_.out, part(kept[Unprojected]), to);
  bias_gradients(v, direction, sums, out);
}

template <class T> std::vector<Tensor> Fused<T>::backward(const Vjp& v) {
  const int directions = layer_.directions;
  const auto make = [&](i64 rows, i64 columns) {
    return Tensor::empty(Dims{directions, rows, columns}, dtype_of<T>);
  };
  const Tensor dy = plain(v.g(0)), dh = gradient_of(v.g(1), inputs_[H]);
  const bool lstm = layer_.cell == Cell::Lstm;
  const Tensor dc = lstm ? gradient_of(v.g(2), inputs_[C]) : Tensor();
  const Tensor sums = make(layer_.rows(), sizes_.columns);
  const Tensor dprojected = projected() ? make(layer_.rows(), sizes_.out) : Tensor();
  const Tensor scratch = projected() ? make(layer_.batch(), sizes_.hidden) : Tensor();
  std::vector<SequenceGradient<T>> sequences;
  for (int d = 0; d < directions; ++d)
    sequences.push_back({.forward = sequence(d, true),
                         .dy = dy.defined() ? dy.data<T>() + d * sizes_.out : nullptr,
                         .dh = memory<T>(dh, d, directions),
                         .dc = memory<T>(dc, d, directions),
                         .sums = memory<T>(sums, d, directions),
                         .dprojected = memory<T>(dprojected, d, directions),
                         .scratch = memory<T>(scratch, d, directions)});
  const Tensor panels = panels_for(sequences[0].forward, directions);
  std::vector<Tensor> out(inputs_.size());
  if (v.needs(X)) out[X] = Tensor::zeros(inputs_[X].sizes(), dtype_of<T>);
  {
    const GilRelease release(layer_.rows() * sizes_.columns * sizes_.out >= kGilReleaseElements);
    if (layer_.rows() > 0) run_backward(sequences.data(), directions, panels.data<T>());
    for (int d = 0; v.needs(X) && d < directions; ++d)
      gemm<T>(false, false, layer_.rows(), sizes_.in, sizes_.gates, T(1),
              memory<T>(sums, d, directions), sizes_.columns, memory<T>(input(d, WeightIh)),
              sizes_.in, d == 0 ? T(0) : T(1), out[X].data<T>(), sizes_.in);
  }
  if (v.needs(H)) out[H] = dh;
  if (v.needs(C)) out[C] = dc;
  for (int d = 0; d < directions; ++d) parameter_gradients(v, d, sums, dprojected, out);
  return out;
}

// The recorded gradient: that of the steps, which run again on aliases of the inputs, so that each
// use of a tensor has an edge of its own to stop at.
std::vector<Tensor> recorded_gradient(const RecurrentLayer& layer,
                                      const std::vector<Tensor>& inputs, const Vjp& v) {
  std::vector<Tensor> names(inputs.size());
  std::vector<Edge> wanted;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    names[i] = alias(inputs[i]);
    if (!v.needs(static_cast<int>(i))) continue;
    wanted.push_back(gradient_edge(names[i]));
    places.push_back(i);
  }
  const std::vector<Tensor> outputs = recurrent_layer_by_steps(layer, names);
  std::vector<Edge> roots;
  std::vector<Tensor> grads;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].defined() && v.g(static_cast<int>(i)).defined() && outputs[i].requires_grad()) {
      roots.push_back(gradient_edge(outputs[i]));
      grads.push_back(v.g(static_cast<int>(i)));
    }
  std::vector<Tensor> out(inputs.size());
  if (roots.empty()) return out;
  std::vector<Tensor> found = run_backward(
      roots, grads, wanted, {.retain_graph = true, .create_graph = true, .accumulate = false});
  for (std::size_t k = 0; k < places.size(); ++k) out[places[k]] = std::move(found[k]);
  return out;
}

struct LayerGradient {
  RecurrentLayer layer;
  int inputs;

  template <class T> std::vector<Tensor> fused(const Vjp& v, std::vector<Tensor> given) const {
    Fused<T> run(layer, std::move(given));
    for (int k = 0; k < kKept; ++k) run.kept.push_back(v.saved(inputs + k));
    return run.backward(v);
  }
  void operator()(Vjp& v) const {
    std::vector<Tensor> given;
    for (int i = 0; i < inputs; ++i) given.push_back(v.saved(i));
    std::vector<Tensor> found;
    if (modes.grad)
      found = recorded_gradient(layer, given, v);
    else if (given[X].dtype() == Dtype::Float32)
      found = fused<float>(v, std::move(given));
    else
      found = fused<double>(v, std::move(given));
    for (int i = 0; i < inputs; ++i) v.set(i, std::move(found[static_cast<std::size_t>(i)]));
  }
};

const char* node_name(Cell cell) {
  switch (cell) {
    case Cell::Tanh: return "RnnTanhBackward0";
    case Cell::Relu: return "RnnReluBackward0";
    case Cell::Lstm: return "LstmBackward0";
    case Cell::Gru: break;
  }
  return "GruBackward0";
}

template <class T>
std::vector<Tensor> run_fused(const RecurrentLayer& layer, const std::vector<Tensor>& inputs) {
  const bool record = should_record(inputs);
  Fused<T> run(layer, inputs);
  std::vector<Tensor> outputs = run.forward(record);
  for (const Tensor& t : outputs)
    if (t.defined()) t->inference = modes.inference;
  if (layer.cell != Cell::Lstm) outputs.pop_back();
  if (!record) return outputs;
  std::vector<Tensor> saved = inputs;
  saved.insert(saved.end(), run.kept.begin(), run.kept.end());
  record_outputs(node_name(layer.cell), outputs, inputs, saved,
                 LayerGradient{layer, static_cast<int>(inputs.size())});
  return outputs;
}

}  // namespace

std::vector<Tensor> recurrent_layer(const RecurrentLayer& layer,
                                    const std::vector<Tensor>& inputs) {
  switch (inputs[X].dtype()) {
    case Dtype::Float32: return run_fused<float>(layer, inputs);
    case Dtype::Float64: return run_fused<double>(layer, inputs);
    default: return recurrent_layer_by_steps(layer, inputs);
  }
}

}  // namespace backlit::ops
