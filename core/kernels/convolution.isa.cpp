#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "kernels/convolution_loops.h"
#include "kernels/lanes.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

// Rows by vectors of the block of y that is kept in registers.
#if defined(__AVX512F__)
constexpr int kMostRows = 8;
constexpr int vectors_of(int rows) { return rows == 8 ? 3 : rows == 6 ? 4 : rows == 4 ? 6 : 8; }
constexpr int kCorrelateRows = 6;
#else
constexpr int kMostRows = 6;
constexpr int vectors_of(int rows) { return rows >= 4 ? 2 : rows == 2 ? 4 : 8; }
constexpr int kCorrelateRows = 2;
#endif
constexpr int kCorrelateColumns = 4;

i64 panel_rows(i64 left) {
  if (left >= kMostRows) return kMostRows;
  return left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

// R rows by V vectors of y; with kPart, V is 1 and only the first `part` lanes count. Not inlined,
// so that the sums have the registers to themselves.
template <class T, int R, int V, bool kPart>
__attribute__((noinline)) void tile(i64 depth, const T* a, const i64* offsets, const T* x, i64 part,
                                    const T* start, bool add, T* y, i64 y_row) {
  constexpr int L = kLanes<T>;
  using Lane = Lanes<T, L>;
  using Vec = typename Lane::Type;
  Vec sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = (start ? start[r] : T(0)) - Vec{};
  for (i64 d = 0; d < depth; ++d, a += R) {
    const T* from = x + offsets[d];
    Vec line[V];
    for (int v = 0; v < V; ++v) line[v] = kPart ? load_part(from, part) : Lane::load(from + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec factor = a[r] - Vec{};  // + would turn -0 into 0: an addition
      for (int v = 0; v < V; ++v) sum[r][v] = multiply_add(factor, line[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      T* to = y + r * y_row + v * L;
      if constexpr (kPart)
        store_part(to, add ? sum[r][v] + load_part(to, part) : sum[r][v], part);
      else
        Lane::store(to, add ? sum[r][v] + Lane::load(to) : sum[r][v]);
    }
}

// Positions p to n of R rows, in tiles of falling width.
template <class T, int R, int V>
void tiles(i64 p, i64 n, i64 depth, const T* a, const i64* offsets, const T* x, const T* start,
           bool add, T* y, i64 y_row) {
  constexpr int width = V * kLanes<T>;
  for (; p + width <= n; p += width)
    tile<T, R, V, false>(depth, a, offsets, x + p, 0, start, add, y + p, y_row);
  if (p == n) return;
  if constexpr (V > 1)
    tiles<T, R, V / 2>(p, n, depth, a, offsets, x, start, add, y, y_row);
  else
    tile<T, R, 1, true>(depth, a, offsets, x + p, n - p, start, add, y + p, y_row);
}

template <class T>
void multiply(i64 rows, i64 depth, const T* a, const i64* offsets, const T* x, i64 n,
              const T* start, bool add, T* y, i64 y_row) {
  const auto run = [&](auto height) {
    constexpr int R = decltype(height)::value;
    tiles<T, R, vectors_of(R)>(0, n, depth, a, offsets, x, start, add, y, y_row);
  };
  while (rows > 0) {
    const i64 height = panel_rows(rows);
    switch (height) {
      case 8:
        if constexpr (kMostRows == 8) run(std::integral_constant<int, 8>{});
        break;
      case 6: run(std::integral_constant<int, 6>{}); break;
      case 4: run(std::integral_constant<int, 4>{}); break;
      case 2: run(std::integral_constant<int, 2>{}); break;
      default: run(std::integral_constant<int, 1>{});
    }
    rows -= height;
    a += height * depth;
    y += height * y_row;
    if (start) start += height;
  }
}

template <class T, int L, std::size_t... l>
typename Lanes<T, L / 2>::Type halves_added(typename Lanes<T, L>::Type v,
                                            std::index_sequence<l...>) {
  return __builtin_shufflevector(v, v, l...) + __builtin_shufflevector(v, v, (l + L / 2)...);
}
// The sum of the lanes.
template <class T, int L> T across(typename Lanes<T, L>::Type v) {
  if constexpr (L == 2)
    return v[0] + v[1];
  else
    return across<T, L / 2>(halves_added<T, L>(v, std::make_index_sequence<L / 2>()));
}

// R rows of g times C lines of x.
template <class T, int R, int C>
__attribute__((noinline)) void correlate_tile(i64 segments, i64 n, const T* g, const i64* g_at,
                                              i64 g_row, const T* x, const i64* offsets,
                                              i64 x_segment, T* w, i64 w_row) {
  constexpr int L = kLanes<T>;
  using Lane = Lanes<T, L>;
  using Vec = typename Lane::Type;
  Vec sum[R][C];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sum[r][c] = Vec{};
  const auto add = [&](const T* rows, const T* lines, auto load) {
    Vec line[C];
    for (int c = 0; c < C; ++c) line[c] = load(lines + offsets[c]);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec row = load(rows + r * g_row);
      for (int c = 0; c < C; ++c) sum[r][c] = multiply_add(row, line[c], sum[r][c]);
    }
  };
  for (i64 s = 0; s < segments; ++s) {
    const T *rows = g + g_at[s], *lines = x + s * x_segment;
    i64 p = 0;
    for (; p + L <= n; p += L) add(rows + p, lines + p, [](const T* at) { return Lane::load(at); });
    if (p < n) add(rows + p, lines + p, [&](const T* at) { return load_part(at, n - p); });
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) w[r * w_row + c] += across<T, L>(sum[r][c]);
}

template <class T>
void correlate(i64 rows, i64 columns, i64 segments, i64 n, const T* g, const i64* g_at, i64 g_row,
               const T* x, const i64* offsets, i64 x_segment, T* w, i64 w_row) {
  const auto run = [&](auto height, auto width, i64 r, i64 c) {
    correlate_tile<T, decltype(height)::value, decltype(width)::value>(
        segments, n, g + r * g_row, g_at, g_row, x, offsets + c, x_segment, w + r * w_row + c,
        w_row);
  };
  // rows outside: they stay in L1 while the lines, most of which overlap, pass by
  const auto all_columns = [&](auto height, i64 r) {
    i64 c = 0;
    for (; c + kCorrelateColumns <= columns; c += kCorrelateColumns)
      run(height, std::integral_constant<int, kCorrelateColumns>{}, r, c);
    for (; c < columns; ++c) run(height, std::integral_constant<int, 1>{}, r, c);
  };
  i64 r = 0;
  for (; r + kCorrelateRows <= rows; r += kCorrelateRows)
    all_columns(std::integral_constant<int, kCorrelateRows>{}, r);
  if constexpr (kCorrelateRows > 4)
    for (; r + 4 <= rows; r += 4) all_columns(std::integral_constant<int, 4>{}, r);
  if constexpr (kCorrelateRows > 2)
    for (; r + 2 <= rows; r += 2) all_columns(std::integral_constant<int, 2>{}, r);
  if (r < rows) all_columns(std::integral_constant<int, 1>{}, r);
}

// The counts [begin, end) of an axis that lie in the input.
struct Inside {
  i64 begin, end;
  explicit Inside(const ConvAxis& a) {
    begin = a.first >= 0 ? 0 : (-a.first + a.step - 1) / a.step;
    end = a.first >= a.limit ? 0 : (a.limit - 1 - a.first) / a.step + 1;
    begin = std::min(begin, a.count);
    end = std::clamp(end, begin, a.count);
  }
};

// Elements i to n of a row: to = from, or to += from. In vectors of falling width, not in a masked
// one: rows are neighbours, and a load that touches the lanes left out of a store waits for it.
template <class T, bool kAdd, int L> void move_row(i64 i, i64 n, const T* from, T* to) {
  using Lane = Lanes<T, L>;
  for (; i + L <= n; i += L)
    Lane::store(to + i, kAdd ? Lane::load(to + i) + Lane::load(from + i) : Lane::load(from + i));
  if constexpr (L > 1)
    if (i < n) move_row<T, kAdd, (L * sizeof(T) > 16 ? L / 2 : 1)>(i, n, from, to);
}

template <class T, bool kAdd>
void move_rows(i64 rows, i64 n, const T* from, i64 from_row, T* to, i64 to_row) {
  for (i64 j = 0; j < rows; ++j)
    move_row<T, kAdd, kLanes<T>>(0, n, from + j * from_row, to + j * to_row);
}

template <class T> void gather(ConvAxis rows, ConvAxis run, const T* x, i64 x_row, T* plane) {
  const Inside row(rows), in(run);
  const i64 width = run.count, n = in.end - in.begin, height = row.end - row.begin;
  if (n < width || height < rows.count) std::fill_n(plane, rows.count * width, T(0));
  const T* from =
      x + (rows.first + row.begin * rows.step) * x_row + run.first + in.begin * run.step;
  T* to = plane + row.begin * width + in.begin;
  if (run.step == 1) return move_rows<T, false>(height, n, from, rows.step * x_row, to, width);
  for (i64 j = 0; j < height; ++j, from += rows.step * x_row, to += width)
    for (i64 i = 0; i < n; ++i) to[i] = from[i * run.step];
}

template <class T> void scatter(ConvAxis rows, ConvAxis run, const T* plane, T* x, i64 x_row) {
  const Inside row(rows), in(run);
  const i64 n = in.end - in.begin, height = row.end - row.begin;
  T* to = x + (rows.first + row.begin * rows.step) * x_row + run.first + in.begin * run.step;
  const T* from = plane + row.begin * run.count + in.begin;
  if (run.step == 1) return move_rows<T, true>(height, n, from, run.count, to, rows.step * x_row);
  for (i64 j = 0; j < height; ++j, from += run.count, to += rows.step * x_row)
    for (i64 i = 0; i < n; ++i) to[i * run.step] += from[i];
}

template <class T> constexpr ConvolutionLoops<T> functions() {
  return {kLanes<T>, panel_rows, multiply<T>, correlate<T>, gather<T>, scatter<T>};
}

constexpr ConvolutionTable table{functions<float>(), functions<double>()};
BACKLIT_ISA_TABLE(ConvolutionTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
