// The loop over time. Rows of the batch do not meet in it, so chunks of rows go through all steps
// apart, with weights packed once; without chunks the product of each step runs on all threads.
#include "kernels/recurrent.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/isa.h"
#include "kernels/panel_gemm.h"

namespace backlit {
namespace {

using i64 = std::int64_t;

constexpr i64 kLeastRows = 16, kMostRows = 64;  // of a chunk: they share each read of the weights
constexpr i64 kProductWork = 256 << 10;         // multiplications of one task of a product

template <class T> const CellKernels<T>& cell_kernels(Cell cell) {
  static const CellTable& table = best_table<CellTable>("CellTable");
  if constexpr (std::is_same_v<T, float>)
    return table.f32[static_cast<int>(cell)];
  else
    return table.f64[static_cast<int>(cell)];
}

constexpr i64 round_up(i64 n, i64 to) { return (n + to - 1) / to * to; }

i64 chunk_of(i64 batch) { return std::clamp(round_up((batch + 3) / 4, 8), kLeastRows, kMostRows); }

// One row, or one step, would not repay the packing.
template <class T> bool packs(const Sequence<T>& s) { return s.batch() > 1 && s.steps > 1; }

template <class T> i64 packed_size(i64 n, i64 k) {
  return round_up(n, panel_loops<T>().columns) * k;
}

// c += a @ op(weight) for rows of a, many times over.
template <class T> class Weight {
 public:
  // op(weight) is (k, n); pack: into `panels`, which moves on.
  Weight(bool transposed, i64 n, i64 k, const T* weight, i64 ld, T*& panels, bool pack)
      : transposed_(transposed), n_(n), k_(k), ld_(ld), weight_(weight) {
    if (!pack) return;
    panel_loops<T>().pack_b(n, k, weight, transposed ? ld : 1, transposed ? 1 : ld, panels);
    packed_ = panels;
    panels += packed_size<T>(n, k);
  }
  void add_product(i64 rows, const T* a, i64 lda, T* c, i64 ldc) const {
    if (!packed_)
      return gemm<T>(false, transposed_, rows, n_, k_, T(1), a, lda, weight_, ld_, T(1), c, ldc);
    const i64 width = panel_loops<T>().columns, panels = (n_ - 1) / width + 1;
    parallel_for(panels, std::max<i64>(1, kProductWork / std::max<i64>(1, rows * k_ * width)),
                 [&](i64 begin, i64 end) {
                   const i64 j = begin * width;
                   panel_loops<T>().multiply(rows, std::min(end * width, n_) - j, k_, T(1),
                                             {a, lda, lda, 1}, packed_ + j * k_, {T(1), c + j, ldc},
                                             c + j, ldc);
                 });
  }

 private:
  bool transposed_;
  i64 n_, k_, ld_;
  const T *weight_, *packed_ = nullptr;
};

// The part of weight_hh that belongs to neighbouring columns of the gates.
struct Part {
  i64 column, row, count;
};
struct Parts {
  Part part[2];
  int count;
};
Parts parts_of(Cell cell, i64 hidden) {
  if (cell == Cell::Gru) return {{{0, 0, 2 * hidden}, {3 * hidden, 2 * hidden, hidden}}, 2};
  return {{{0, 0, gates_of(cell) * hidden}, {}}, 1};
}

// The weights of one sequence, forward (transposed: h @ Wᵀ) or backward (sums @ W).
template <class T> struct Weights {
  Parts parts;
  std::vector<Weight<T>> hh;
  std::optional<Weight<T>> hr;

  Weights(const Sequence<T>& s, bool forward, T*& panels) : parts(parts_of(s.cell, s.hidden)) {
    const bool pack = packs(s);
    for (int p = 0; p < parts.count; ++p) {
      const Part& part = parts.part[p];
      const T* from = s.weight_hh + part.row * s.out;
      if (forward)
        hh.emplace_back(true, part.count, s.out, from, s.out, panels, pack);
      else
        hh.emplace_back(false, s.out, part.count, from, s.out, panels, pack);
    }
    if (!s.weight_hr) return;
    if (forward)
      hr.emplace(true, s.out, s.hidden, s.weight_hr, s.hidden, panels, pack);
    else
      hr.emplace(false, s.hidden, s.out, s.weight_hr, s.hidden, panels, pack);
  }
};

// Rows [first, last) of the batch through one step: where they lie.
struct Rows {
  i64 first, count, at;  // of the batch; at: of the sequence
};
template <class T> Rows rows_at(const Sequence<T>& s, i64 step, i64 first, i64 last) {
  const i64 begin = s.offsets[step], size = s.offsets[step + 1] - begin;
  return {first, std::min(last, size) - first, begin + first};
}

template <class T> T* row_of(T* matrix, i64 row, i64 columns) {
  return matrix ? matrix + row * columns : nullptr;
}

template <class T> void copy_rows(i64 rows, i64 n, const T* from, i64 ld_from, T* to, i64 ld_to) {
  for (i64 i = 0; i < rows; ++i) std::copy_n(from + i * ld_from, n, to + i * ld_to);
}

template <class T> void forward_step(const Sequence<T>& s, const Weights<T>& w, const Rows& r) {
  const i64 kept = s.keep ? r.at : r.first;  // row of what is kept
  T *gates = s.gates + r.at * s.columns(), *h = s.h + r.first * s.out;
  T* before = s.h_before + kept * s.out;
  std::copy_n(h, r.count * s.out, before);
  for (int p = 0; p < w.parts.count; ++p)
    w.hh[static_cast<std::size_t>(p)].add_product(r.count, before, s.out,
                                                  gates + w.parts.part[p].column, s.columns());
  T* const result = s.weight_hr ? s.unprojected + kept * s.hidden : h;
  cell_kernels<T>(s.cell).forward({r.count, s.hidden, gates, before, row_of(s.c, r.first, s.hidden),
                                   row_of(s.c_before, kept, s.hidden),
                                   row_of(s.tanh_c, kept, s.hidden), result});
  if (w.hr) {
    std::fill_n(h, r.count * s.out, T(0));
    w.hr->add_product(r.count, result, s.hidden, h, s.out);
  }
  copy_rows(r.count, s.out, h, s.out, s.y + r.at * s.ldy, s.ldy);
}

template <class T>
void backward_step(const SequenceGradient<T>& g, const Weights<T>& w, const Rows& r) {
  const Sequence<T>& s = g.forward;
  T *dh = g.dh + r.first * s.out, *sums = g.sums + r.at * s.columns();
  if (g.dy)
    for (i64 i = 0; i < r.count; ++i)
      for (i64 j = 0; j < s.out; ++j) dh[i * s.out + j] += g.dy[(r.at + i) * s.ldy + j];
  T* dresult = dh;
  if (w.hr) {
    dresult = g.scratch + r.first * s.hidden;
    std::copy_n(dh, r.count * s.out, g.dprojected + r.at * s.out);
    std::fill_n(dresult, r.count * s.hidden, T(0));
    w.hr->add_product(r.count, dh, s.out, dresult, s.hidden);
    std::fill_n(dh, r.count * s.out, T(0));
  }
  cell_kernels<T>(s.cell).backward(
      {r.count, s.hidden, s.gates + r.at * s.columns(), row_of(s.h_before, r.at, s.out),
       row_of(s.c_before, r.at, s.hidden), row_of(s.tanh_c, r.at, s.hidden), sums, dresult,
       row_of(g.dc, r.first, s.hidden)});
  for (int p = 0; p < w.parts.count; ++p)
    w.hh[static_cast<std::size_t>(p)].add_product(r.count, sums + w.parts.part[p].column,
                                                  s.columns(), dh, s.out);
}

// Steps in the order of time, or against it, for every chunk of rows of every sequence.
template <class T, class Step> void run(const Sequence<T>& s, int count, bool against, Step step) {
  const i64 rows = packs(s) ? chunk_of(s.batch()) : s.batch();
  const i64 chunks = (s.batch() - 1) / rows + 1;
  const auto body = [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      const auto which = static_cast<int>(task / chunks);
      const i64 first = task % chunks * rows, last = std::min(first + rows, s.batch());
      for (i64 t = 0; t < s.steps; ++t) {
        const Rows r = rows_at(s, against != (which == 1) ? s.steps - 1 - t : t, first, last);
        if (r.count > 0) step(which, r);
      }
    }
  };
  if (packs(s))
    parallel_for(count * chunks, 1, body);
  else
    body(0, count * chunks);  // products run on all threads, and may load OpenBLAS
}

}  // namespace

template <class T> i64 panel_elements(const Sequence<T>& s) {
  if (!packs(s)) return 0;
  const Parts parts = parts_of(s.cell, s.hidden);
  i64 forward = 0, backward = 0;
  for (int p = 0; p < parts.count; ++p) {
    forward += packed_size<T>(parts.part[p].count, s.out);
    backward += packed_size<T>(s.out, parts.part[p].count);
  }
  if (s.weight_hr) {
    forward += packed_size<T>(s.out, s.hidden);
    backward += packed_size<T>(s.hidden, s.out);
  }
  return std::max(forward, backward);
}

template <class T> void run_forward(const Sequence<T>* sequences, int count, T* panels) {
  std::vector<Weights<T>> weights;
  for (int i = 0; i < count; ++i) weights.emplace_back(sequences[i], true, panels);
  run(sequences[0], count, false, [&](int which, const Rows& r) {
    forward_step(sequences[which], weights[static_cast<std::size_t>(which)], r);
  });
}

template <class T> void run_backward(const SequenceGradient<T>* sequences, int count, T* panels) {
  std::vector<Weights<T>> weights;
  for (int i = 0; i < count; ++i) weights.emplace_back(sequences[i].forward, false, panels);
  run(sequences[0].forward, count, true, [&](int which, const Rows& r) {
    backward_step(sequences[which], weights[static_cast<std::size_t>(which)], r);
  });
}

#define BACKLIT_INSTANTIATE(T)                               \
  template i64 panel_elements<T>(const Sequence<T>&);        \
  template void run_forward<T>(const Sequence<T>*, int, T*); \
  template void run_backward<T>(const SequenceGradient<T>*, int, T*);
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

}  // namespace backlit
