// Recurrent layers over raw memory: the pointwise part of a step, and the loop over time.
//
// The rows of all time steps lie one after the other, those of step t from offsets[t] on; the
// number of rows of a step does not grow with t. Start reading at Sequence.
#pragma once

#include <cstdint>

namespace backlit {

enum class Cell : std::uint8_t { Tanh, Relu, Lstm, Gru };
inline constexpr int kCells = 4;

// Rows of the weights that a cell has, in multiples of the hidden size.
constexpr int gates_of(Cell c) { return c == Cell::Lstm ? 4 : c == Cell::Gru ? 3 : 1; }
// Columns kept for each row of the sequence: those gates, and for the GRU apart what the hidden
// state adds to its third gate, because the reset gate multiplies only that.
constexpr int columns_of(Cell c) { return c == Cell::Gru ? 4 : gates_of(c); }

// One step of `rows` rows; all matrices contiguous. What a cell lacks is null.
template <class T> struct CellStep {
  std::int64_t rows, hidden;
  T* gates;                  // (rows, columns): sums, which become gates: LSTM i f g o, GRU r z n
  const T* h_before;         // GRU
  T *c, *c_before, *tanh_c;  // LSTM: c is replaced, its former value and its tanh are kept
  T* h;                      // the result
};
template <class T> struct CellGradient {
  std::int64_t rows, hidden;
  const T *gates, *h_before, *c_before, *tanh_c;
  T* sums;  // (rows, columns): gradient of the sums
  T* dh;    // gradient of h; left is what reaches the former h past the sums
  T* dc;    // gradient of c, becomes that of the former c
};

template <class T> struct CellKernels {
  void (*forward)(const CellStep<T>&);
  void (*backward)(const CellGradient<T>&);
};
struct CellTable {
  CellKernels<float> f32[kCells];
  CellKernels<double> f64[kCells];
};

// A layer in one direction. What is kept for the backward pass has one row per row of the sequence.
template <class T> struct Sequence {
  Cell cell;
  bool keep;  // false: nothing but `gates` has more rows than one step
  std::int64_t steps;
  const std::int64_t* offsets;  // steps + 1
  std::int64_t hidden, out;     // out: of the projected state, else hidden
  const T* weight_hh;           // (gates * hidden, out)
  const T* weight_hr;           // (out, hidden), or null
  T *h, *c;                     // (batch, out), (batch, hidden): the first state, becomes the last
  T* gates;  // columns_of(cell) * hidden; given: what input and biases add to the sums
  T *h_before, *c_before, *tanh_c;
  T* unprojected;  // o ∘ tanh c, of a projected LSTM
  T* y;            // (rows of the sequence, out) at row stride ldy
  std::int64_t ldy;

  std::int64_t batch() const { return offsets[1]; }
  std::int64_t columns() const { return columns_of(cell) * hidden; }
};

template <class T> struct SequenceGradient {
  Sequence<T> forward;  // as it was run, with keep
  const T* dy;          // like y, or null
  T *dh, *dc;           // gradient of the last state, becomes that of the first
  T* sums;              // like gates
  T* dprojected;        // (rows, out): gradient of each projected state; null without projection
  T* scratch;           // (batch, hidden), for the same
};

// `panels` is 64-byte aligned memory for packed weights: panel_elements(s) for each sequence.
template <class T> std::int64_t panel_elements(const Sequence<T>& s);
template <class T> void run_forward(const Sequence<T>* sequences, int count, T* panels);
template <class T> void run_backward(const SequenceGradient<T>* sequences, int count, T* panels);

}  // namespace backlit
