// The products of attention run in blocks that stay in cache: a block of scores is made, turned
// into weights, used, and forgotten. Backward makes it again from q, k and log_sum.
#include "kernels/attention.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "kernels/isa.h"
#include "kernels/small_gemm.h"

namespace backlit {
namespace {

using i64 = std::int64_t;

constexpr i64 kKeys = kAttentionKeys;
constexpr i64 kRows = 32;     // queries of a block of scores
constexpr i64 kColumns = 32;  // what is computed of a block on the causal edge is rounded up to it

template <class T> struct Kernels {
  const AttentionLoops<T>& loops;
  const SmallGemm<T>& products;
};
template <class T> Kernels<T> kernels() {
  static const AttentionTable& table = best_table<AttentionTable>("AttentionTable");
  if constexpr (std::is_same_v<T, float>)
    return {table.f32, small_loops<T>()};
  else
    return {table.f64, small_loops<T>()};
}

// A block of scores: `rows` queries from `query` on, keys from `key` on. `open` of the keys count
// for the first query, and `n` for any of them.
struct Block {
  i64 query, rows, key, n, open;
  Block(const AttentionShape& s, i64 query, i64 rows, i64 key, i64 keys)
      : query(query), rows(rows), key(key), n(keys), open(keys) {
    if (!s.causal) return;
    open = std::max<i64>(query + 1 - key, 0);
    const i64 last = query + rows - key;
    n = last <= 0 ? 0 : std::min((last + kColumns - 1) / kColumns * kColumns, keys);
  }
};

// s = scale q · kᵀ + mask, with the transposed keys of the block in `keys`.
template <class T>
void scores(const AttentionShape& shape, const AttentionHead<T>& h, const Block& b, const T* keys,
            T* s) {
  const auto& [loops, products] = kernels<T>();
  products.gemm(b.rows, b.n, shape.width, static_cast<T>(shape.scale), h.q.from(b.query).data,
                h.q.row, 1, keys, kKeys, 1, T(0), s, kKeys);
  if (h.mask)
    loops.add_mask(b.rows, b.n, s, h.mask + b.query * shape.mask_row + b.key * shape.mask_column,
                   shape.mask_row, shape.mask_column);
}

template <class T> std::unique_ptr<T[]> room(i64 n) {
  return std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(n));
}

template <class T> void clear(AttentionMatrix<T> x, i64 first, i64 last, i64 width) {
  for (i64 i = first; x.data && i < last; ++i) std::fill_n(x.from(i).data, width, T(0));
}

}  // namespace

template <class T>
void attention_forward(const AttentionShape& shape, const AttentionHead<T>& h, i64 first,
                       i64 rows) {
  const auto& [loops, products] = kernels<T>();
  const auto memory = room<T>(kRows * kKeys + shape.width * kKeys);
  T *const s = memory.get(), *const keys = s + kRows * kKeys;
  T top[kAttentionQueries], sum[kAttentionQueries];
  std::fill_n(top, rows, -std::numeric_limits<T>::infinity());
  std::fill_n(sum, rows, T(0));
  if (shape.keys == 0) clear(h.out, first, first + rows, shape.value_width);
  for (i64 key = 0; key < shape.keys; key += kKeys) {
    const i64 count = std::min(kKeys, shape.keys - key);
    if (shape.causal && key >= first + rows) break;
    loops.transpose(count, shape.width, h.k.from(key).data, h.k.row, keys);
    for (i64 r = 0; r < rows; r += kRows) {
      const Block b(shape, first + r, std::min(kRows, rows - r), key, count);
      if (b.n == 0) continue;
      scores(shape, h, b, keys, s);
      T* out = h.out.from(b.query).data;
      loops.exponentials(b.rows, b.n, b.open, s, top + r, sum + r, shape.value_width,
                         key > 0 ? out : nullptr, h.out.row);
      products.gemm(b.rows, shape.value_width, b.n, T(1), s, kKeys, 1, h.v.from(key).data, h.v.row,
                    1, key > 0 ? T(1) : T(0), out, h.out.row);
    }
  }
  loops.finish(rows, shape.value_width, top, sum, h.out.from(first).data, h.out.row,
               h.log_sum + first);
}

template <class T>
void attention_backward(const AttentionShape& shape, const AttentionHead<T>& h,
                        const AttentionGradient<T>& grad, i64 begin, i64 end) {
  const auto& [loops, products] = kernels<T>();
  const i64 width = shape.width, value_width = shape.value_width;
  const auto memory = room<T>((2 * kRows + width + value_width) * kKeys);
  T *const s = memory.get(), *const t = s + kRows * kKeys, *const keys = t + kRows * kKeys,
           *const values = keys + width * kKeys;
  const T scale = static_cast<T>(shape.scale);
  loops.row_products(shape.queries, value_width, grad.g.data, grad.g.row, h.out.data, h.out.row,
                     grad.delta);
  clear(grad.q, 0, shape.queries, width);
  clear(grad.k, begin, end, width);
  clear(grad.v, begin, end, value_width);
  for (i64 key = begin; key < end; key += kKeys) {
    const i64 count = std::min(kKeys, end - key);
    loops.transpose(count, width, h.k.from(key).data, h.k.row, keys);
    loops.transpose(count, value_width, h.v.from(key).data, h.v.row, values);
    for (i64 query = 0; query < shape.queries; query += kRows) {
      const Block b(shape, query, std::min(kRows, shape.queries - query), key, count);
      if (b.n == 0) continue;
      const AttentionMatrix<const T> g = grad.g.from(query), q = h.q.from(query);
      scores(shape, h, b, keys, s);
      products.gemm(b.rows, b.n, value_width, T(1), g.data, g.row, 1, values, kKeys, 1, T(0), t,
                    kKeys);
      loops.gradients(b.rows, b.n, b.open, s, t, h.log_sum + query, grad.delta + query);
      if (grad.v.data)
        products.gemm(b.n, value_width, b.rows, T(1), s, 1, kKeys, g.data, g.row, 1, T(1),
                      grad.v.from(key).data, grad.v.row);
      if (grad.k.data)
        products.gemm(b.n, width, b.rows, scale, t, 1, kKeys, q.data, q.row, 1, T(1),
                      grad.k.from(key).data, grad.k.row);
      if (grad.q.data)
        products.gemm(b.rows, width, b.n, scale, t, kKeys, 1, h.k.from(key).data, h.k.row, 1, T(1),
                      grad.q.from(query).data, grad.q.row);
    }
  }
}

#define BACKLIT_INSTANTIATE(T)                                                                  \
  template void attention_forward<T>(const AttentionShape&, const AttentionHead<T>&, i64, i64); \
  template void attention_backward<T>(const AttentionShape&, const AttentionHead<T>&,           \
                                      const AttentionGradient<T>&, i64, i64);
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

}  // namespace backlit
