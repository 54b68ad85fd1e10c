// Attention over raw memory, block by block: no matrix of all queries and keys is kept.
#pragma once

#include <cstdint>

namespace backlit {

// A matrix whose rows are `row` elements apart; the elements of a row are neighbours.
template <class T> struct AttentionMatrix {
  T* data;
  std::int64_t row;
  AttentionMatrix from(std::int64_t i) const { return {data + i * row, row}; }
};

struct AttentionShape {
  std::int64_t queries, keys, width, value_width;
  double scale;
  bool causal;                         // query i sees the keys 0 .. i
  std::int64_t mask_row, mask_column;  // strides of the mask
};

// One head: q (queries, width), k (keys, width), v (keys, value_width), out like q times v. `mask`
// is added to the scores; null: nothing is. log_sum: ln Σⱼ exp score of each query, inf where it
// sees nothing.
template <class T> struct AttentionHead {
  AttentionMatrix<const T> q, k, v;
  const T* mask;
  AttentionMatrix<T> out;
  T* log_sum;
};

// The gradients of one head; null data: not wanted. `delta`: room for a number per query.
template <class T> struct AttentionGradient {
  AttentionMatrix<const T> g;
  AttentionMatrix<T> q, k, v;
  T* delta;
};

inline constexpr std::int64_t kAttentionQueries = 256;  // rows that one call of forward takes
inline constexpr std::int64_t kAttentionKeys = 64;      // ranges of keys start at multiples of this

// out and log_sum of `rows` <= kAttentionQueries queries from `first` on.
template <class T>
void attention_forward(const AttentionShape& shape, const AttentionHead<T>& head,
                       std::int64_t first, std::int64_t rows);

// The gradients of the keys and values [begin, end), and their share of that of the queries.
template <class T>
void attention_backward(const AttentionShape& shape, const AttentionHead<T>& head,
                        const AttentionGradient<T>& gradient, std::int64_t begin, std::int64_t end);

// The loops over a block of scores, s (rows, n) with rows kAttentionKeys apart: one version per
// instruction set. Of row r the first min(open + r, n) scores count; all of them if open >= n.
template <class T> struct AttentionLoops {
  using i64 = std::int64_t;
  // to[c * kAttentionKeys + r] = x[r * row + c]
  void (*transpose)(i64 rows, i64 columns, const T* x, i64 row, T* to);
  void (*add_mask)(i64 rows, i64 n, T* s, const T* mask, i64 mask_row, i64 mask_column);
  // s becomes exp(s - top) with the new top of all scores so far; sum and out (null: nothing is
  // there yet) are brought to that top, and sum grows.
  void (*exponentials)(i64 rows, i64 n, i64 open, T* s, T* top, T* sum, i64 width, T* out,
                       i64 out_row);
  // out /= sum; log_sum = top + ln sum
  void (*finish)(i64 rows, i64 width, const T* top, const T* sum, T* out, i64 out_row, T* log_sum);
  void (*row_products)(i64 rows, i64 width, const T* a, i64 a_row, const T* b, i64 b_row, T* y);
  // s becomes p = exp(s - log_sum), and h, the gradient of p, that of the scores: p (h - delta)
  void (*gradients)(i64 rows, i64 n, i64 open, T* s, T* h, const T* log_sum, const T* delta);
};

struct AttentionTable {
  AttentionLoops<float> f32;
  AttentionLoops<double> f64;
};

}  // namespace backlit
