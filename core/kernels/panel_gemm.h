// Products by panels: lines of b (its columns) are packed side by side, so that one step of k reads
// whole vectors, and a tile of c stays in registers. One version per instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

namespace backlit {

// Room for a panel of b of any instruction set: columns * depth.
inline constexpr std::int64_t kPanelElements = 8192;

// The rows of a matrix, in groups that share a panel when they are packed: element (i, p), with i
// counted from the first row of a group, is data[i * row + p * column]; `group` leads from one
// row's place to that of the same row of the next group, per row of a group. row or column is 1.
template <class T> struct RowGroups {
  const T* data;
  std::int64_t group, row, column;
};

// What is added to a product: factor * (element (i, j) of data); when factor == 0, data is not
// read. ld == 0: one row for all.
template <class T> struct Addend {
  T factor;
  const T* data;
  std::int64_t ld;
  Addend at(std::int64_t i, std::int64_t j) const { return {factor, data + i * ld + j, ld}; }
};

template <class T> struct PanelGemm {
  using i64 = std::int64_t;
  i64 rows, columns;   // lines of a panel of a, of b
  i64 depth;           // elements of a line of a panel of b that takes part of L1
  bool replaces_blas;  // whether it is as fast as OpenBLAS on this instruction set
  // Panels hold one element of each of their lines after the other; the last one is filled up with
  // zeros to whole vectors. Element p of line i: x[i * line + p * along]; line or along is 1.
  void (*pack_a)(i64 lines, i64 k, const T* x, i64 line, i64 along, T* to);
  void (*pack_b)(i64 lines, i64 k, const T* x, i64 line, i64 along, T* to);
  // One panel of b, whose n lines lie anywhere: element p of line l is x[offsets[l] + p] or
  // x[offsets[p] + l].
  void (*pack_lines_at)(i64 n, i64 k, const T* x, const i64* offsets, T* to);
  void (*pack_steps_at)(i64 n, i64 k, const T* x, const i64* offsets, T* to);
  // c (m, n) = alpha * a @ b + addend with packed b. The sum over k is one chain
  // of additions whatever m and n are.
  void (*multiply)(i64 m, i64 n, i64 k, T alpha, RowGroups<T> a, const T* b, Addend<T> addend, T* c,
                   i64 ldc);
};

struct PanelGemmTable {
  PanelGemm<float> f32;
  PanelGemm<double> f64;
};

const PanelGemmTable& panel_gemm_table();
template <class T> const PanelGemm<T>& panel_loops() {
  if constexpr (std::is_same_v<T, float>)
    return panel_gemm_table().f32;
  else
    return panel_gemm_table().f64;
}

}  // namespace backlit
