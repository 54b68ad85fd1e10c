// The products of a convolution (convolution_loops.h) by panels, where enough rows share them: a
// panel of staged lines is packed once and meets all rows from L1, not from wherever the lines lie.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/panel_gemm.h"

namespace backlit {

inline constexpr std::int64_t kLeastPanelRows = 32;  // rows that repay its packing

template <class T> bool panels_pay(std::int64_t rows, std::int64_t lines) {
  return panel_loops<T>().replaces_blas && rows >= kLeastPanelRows && lines >= kLeastPanelRows;
}

// y[r * y_row + p] (+)= start[r] + Σ_d a[r, d] · x[offsets[d] + p] for p < n. Null start: 0.
template <class T>
void multiply_by_panels(std::int64_t rows, std::int64_t depth, RowGroups<T> a,
                        const std::int64_t* offsets, const T* x, std::int64_t n, const T* start,
                        bool add, T* y, std::int64_t y_row) {
  const PanelGemm<T>& loops = panel_loops<T>();
  alignas(64) T panel[kPanelElements];
  for (std::int64_t p = 0; p < n; p += loops.columns) {
    const std::int64_t wide = std::min(loops.columns, n - p);
    if (start)
      for (std::int64_t r = 0; r < rows; ++r) std::fill_n(y + r * y_row + p, wide, start[r]);
    for (std::int64_t d = 0; d < depth; d += loops.depth) {
      const std::int64_t steps = std::min(loops.depth, depth - d);
      loops.pack_steps_at(wide, steps, x + p, offsets + d, panel);
      loops.multiply(rows, wide, steps, T(1), {a.data + d * a.column, a.group, a.row, a.column},
                     panel, {T(add || start || d > 0), y + p, y_row}, y + p, y_row);
    }
  }
}

// w[r * w_row + k] += Σ_p g[r * g_row + p] · x[offsets[k] + p] for p < n.
template <class T>
void correlate_by_panels(std::int64_t rows, std::int64_t columns, std::int64_t n, const T* g,
                         std::int64_t g_row, const T* x, const std::int64_t* offsets, T* w,
                         std::int64_t w_row) {
  const PanelGemm<T>& loops = panel_loops<T>();
  alignas(64) T panel[kPanelElements];
  for (std::int64_t k = 0; k < columns; k += loops.columns) {
    const std::int64_t wide = std::min(loops.columns, columns - k);
    for (std::int64_t p = 0; p < n; p += loops.depth) {
      const std::int64_t steps = std::min(loops.depth, n - p);
      loops.pack_lines_at(wide, steps, x + p, offsets + k, panel);
      loops.multiply(rows, wide, steps, T(1), {g + p, g_row, g_row, 1}, panel, {T(1), w + k, w_row},
                     w + k, w_row);
    }
  }
}

}  // namespace backlit
