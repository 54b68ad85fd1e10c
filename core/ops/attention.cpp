// Scaled dot product attention: fused for floats without dropout, composed of recorded operations
// elsewhere, and for gradients of gradients.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/threads.h"
#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/dropout.h"
#include "ops/floats.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/softmax.h"
#include "ops/tile_run.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 18;  // multiplications of one task
constexpr i64 kManyHeads = 8;   // from here on, backward does not divide the keys of a head
constexpr double kMasked = -std::numeric_limits<double>::infinity();

// What is left of the call once shapes and masks are settled.
struct Attention {
  double scale;
  bool causal;

  void operator()(Vjp& v) const;
  void fused(Vjp& v) const;
  void recorded(Vjp& v) const;
  Tensor weights(const Tensor& q, const Tensor& k, const Tensor& mask) const;
};

// --- the fused form: operands are (batch dimensions, rows, columns) ---

// The same elements with neighbours in each row.
Tensor in_rows(const Tensor& x) {
  const int last = x.dim() - 1;
  return x.layout().stride(last) == 1 || x.layout().size(last) <= 1 ? x
                                                                    : clone_contiguous(detach(x));
}

// Rows of `x` at the batch number `head`, counted over all but the last two dimensions.
template <class T> AttentionMatrix<T> matrix_of(const Tensor& x, i64 head) {
  const Layout& l = x.layout();
  i64 at = 0;
  for (int d = x.dim() - 3; d >= 0; --d) {
    at += head % l.size(d) * l.stride(d);
    head /= l.size(d);
  }
  return {x.data<std::remove_const_t<T>>() + at, l.stride(x.dim() - 2)};
}

// Operands of the kernels, one head at a time.
struct Heads {
  Tensor q, k, v, mask, out, log_sum;
  AttentionShape shape;
  i64 count;

  Heads(const Attention& a, const Tensor& query, const Tensor& key, const Tensor& value,
        const Tensor& given_mask)
      : q(in_rows(detach(query))), k(in_rows(detach(key))), v(in_rows(detach(value))) {
    const int n = q.dim();
    const i64 queries = q.layout().size(n - 2), keys = k.layout().size(n - 2),
              width = q.layout().size(n - 1);
    shape = {queries, keys, width, v.layout().size(n - 1), a.scale, a.causal, 0, 0};
    count = 1;
    for (int d = 0; d < n - 2; ++d) count *= q.layout().size(d);
    if (!given_mask.defined()) return;
    Dims sizes(q.sizes());
    sizes[n - 1] = keys;
    mask = expand(detach(given_mask), sizes);
    shape.mask_row = mask.layout().stride(n - 2);
    shape.mask_column = mask.layout().stride(n - 1);
  }
  // What the products of a head cost.
  i64 work() const {
    return std::max<i64>(1, shape.queries * shape.keys * (shape.width + shape.value_width));
  }
  template <class T> AttentionHead<T> head(i64 i) const {
    return {matrix_of<const T>(q, i), matrix_of<const T>(k, i),
            matrix_of<const T>(v, i), mask.defined() ? matrix_of<const T>(mask, i).data : nullptr,
            matrix_of<T>(out, i),     log_sum.data<T>() + i * shape.queries};
  }
};

// In the memory order of `like`, so that heads taken from one (batch, rows, heads, columns) product
// go back into one without a copy.
Tensor new_like(const Tensor& like, Span sizes) {
  const Layout* order[] = {&like.layout()};
  return Tensor::empty(result_layout(sizes, order), like.dtype());
}

void forward(const Heads& h) {
  visit_floats(h.q.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const AttentionShape& s = h.shape;
    const i64 pieces = (s.queries - 1) / kAttentionQueries + 1, tasks = h.count * pieces;
    const GilRelease release(h.work() * h.count >= kTask);
    parallel_for(tasks, std::max<i64>(1, kTask / h.work() * pieces), [&](i64 begin, i64 end) {
      for (i64 t = begin; t < end; ++t) {
        const i64 first = t % pieces * kAttentionQueries;
        attention_forward(s, h.head<T>(t / pieces), first,
                          std::min(kAttentionQueries, s.queries - first));
      }
    });
  });
}

Tensor fused_attention(const Attention& a, const Tensor& q, const Tensor& k, const Tensor& v,
                       const Tensor& mask) {
  Heads h(a, q, k, v, mask);
  Dims sizes(q.sizes());
  h.log_sum = Tensor::empty(Dims{h.count * h.shape.queries}, q.dtype());
  sizes[sizes.n - 1] = h.shape.value_width;
  h.out = new_like(h.q, sizes);
  if (h.count * h.shape.queries > 0) forward(h);
  Tensor y = std::move(h.out);
  y->inference = modes.inference;
  return record("ScaledDotProductFlashAttentionForCpuBackward0", std::move(y), {q, k, v},
                {q, k, v, mask, h.log_sum}, a, true);
}

// Pieces of the keys of a head that backward takes apart, and their length. Each piece has a share
// of the gradient of the queries; the shares are added in order.
struct KeyPieces {
  i64 count, length;
  explicit KeyPieces(const Heads& h) : count(1), length(h.shape.keys) {
    if (h.count >= kManyHeads || h.work() * h.count < kTask) return;
    const i64 blocks = (length - 1) / kAttentionKeys + 1;
    const i64 per_piece = std::max<i64>(4, (blocks * h.count - 1) / kManyHeads + 1);
    length = per_piece * kAttentionKeys;
    count = (blocks - 1) / per_piece + 1;
  }
};

template <class T> void backward(const Heads& h, const Tensor& g, const Tensor (&to)[3]) {
  const AttentionShape& s = h.shape;
  const KeyPieces pieces(h);
  const i64 share = s.queries * s.width, tasks = h.count * pieces.count;
  const auto delta =
      std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(tasks * s.queries));
  const auto shares = std::make_unique_for_overwrite<T[]>(
      static_cast<std::size_t>(to[0].defined() ? h.count * (pieces.count - 1) * share : 0));
  const auto share_of = [&](i64 head, i64 piece) {
    return shares.get() + (head * (pieces.count - 1) + piece - 1) * share;
  };
  const auto part = [&](int i, i64 head) {
    return to[i].defined() ? matrix_of<T>(to[i], head) : AttentionMatrix<T>{nullptr, 0};
  };
  const GilRelease release(h.work() * h.count >= kTask);
  parallel_for(tasks, std::max<i64>(1, kTask / 2 / h.work()), [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t) {
      const i64 head = t / pieces.count, piece = t % pieces.count, first = piece * pieces.length;
      AttentionGradient<T> grad{matrix_of<const T>(g, head), part(0, head), part(1, head),
                                part(2, head), delta.get() + t * s.queries};
      if (piece > 0 && grad.q.data) grad.q = {share_of(head, piece), s.width};
      attention_backward(s, h.head<T>(head), grad, first, std::min(first + pieces.length, s.keys));
    }
  });
  if (pieces.count == 1 || !to[0].defined()) return;
  parallel_for(h.count * s.queries, (1 << 15) / (s.width * pieces.count) + 1,
               [&](i64 begin, i64 end) {
                 for (i64 r = begin; r < end; ++r)
                   for (i64 piece = 1; piece < pieces.count; ++piece) {
                     const i64 head = r / s.queries, row = r % s.queries;
                     const T* from = share_of(head, piece) + row * s.width;
                     T* sum = part(0, head).from(row).data;
                     for (i64 c = 0; c < s.width; ++c) sum[c] += from[c];
                   }
               });
}

void Attention::fused(Vjp& v) const {
  Heads h(*this, v.saved(0), v.saved(1), v.saved(2), v.saved(3));
  h.log_sum = v.saved(4);
  h.out = v.saved(5);
  const Tensor g = in_rows(v.g());
  Tensor to[3];
  for (int i = 0; i < 3; ++i)
    if (v.needs(i)) {
      const Tensor& x = i == 0 ? h.q : i == 1 ? h.k : h.v;
      to[i] = new_like(x, x.sizes());
    }
  if (h.count > 0) visit_floats(g.dtype(), [&](auto zero) { backward<decltype(zero)>(h, g, to); });
  for (int i = 0; i < 3; ++i) v.set(i, std::move(to[i]));
}

// --- of recorded operations ---

Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }

// softmax(scale q·kᵀ + mask) over the keys; zeros where a query sees none.
Tensor Attention::weights(const Tensor& q, const Tensor& k, const Tensor& mask) const {
  Tensor s = mul(matmul(q, transposed(k)), Scalar(scale));
  if (mask.defined()) s = add(s, mask);
  if (causal) {
    const Dims last{s.size(-2), s.size(-1)};
    const Tensor seen = tril(Tensor::full(last, 1, s.dtype()));
    s = where(apply<formulas::Eq>(seen, Scalar(0.0)), Scalar(kMasked), s);
  }
  if (!mask.defined()) return softmax(s, -1);
  const Tensor counts =
      sum(apply<formulas::Ne>(detach(s), Scalar(kMasked)), Dims{s.dim() - 1}, true);
  const Tensor blind = apply<formulas::Eq>(counts, Scalar(0));
  // where softmax is nan, so is its gradient: those queries see zeros first
  return where(blind, Scalar(0.0), softmax(where(blind, Scalar(0.0), s), -1));
}

void Attention::recorded(Vjp& v) const {
  const Tensor q = v.saved(0), k = v.saved(1), x = v.saved(2), &g = v.g();
  const Tensor p = weights(q, k, v.saved(3));
  if (v.needs(2)) v.set(2, matmul(transposed(p), g));
  if (!v.needs(0) && !v.needs(1)) return;
  const Tensor h = matmul(g, transposed(x));
  const Tensor s = mul(mul(p, sub(h, sum(mul(h, p), Dims{h.dim() - 1}, true))), Scalar(scale));
  if (v.needs(0)) v.set(0, matmul(s, k));
  if (v.needs(1)) v.set(1, matmul(transposed(s), q));
}

void Attention::operator()(Vjp& v) const { modes.grad ? recorded(v) : fused(v); }

// --- the call ---

void check_dtypes(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  BACKLIT_CHECK(q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2, Runtime,
                "Expected query, key, and value to all be  at least 2 dimensional, but got "
                "query.dim: ",
                q.dim(), " key.dim: ", k.dim(), " and value.dim: ", v.dim(), " instead.");
  BACKLIT_CHECK(q.dtype() == k.dtype() && q.dtype() == v.dtype(), Runtime,
                "Expected query, key, and value to have the same dtype, but got query.dtype: ",
                info(q.dtype()).c_name, " key.dtype: ", info(k.dtype()).c_name,
                " and value.dtype: ", info(v.dtype()).c_name, " instead.");
  BACKLIT_CHECK(!mask.defined() || mask.dtype() == Dtype::Bool || mask.dtype() == q.dtype() ||
                    mask.dtype() == Dtype::Float32,
                Runtime,
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                "attn_mask.dtype: ",
                info(mask.dtype()).c_name, " and  query.dtype: ", info(q.dtype()).c_name,
                " instead.");
  BACKLIT_CHECK(q.is_floating(), Runtime, "expected scalar type Float but found ",
                info(q.dtype()).scalar_name);
}

// 0 where a bool mask is true, -inf elsewhere; others in the queries' dtype.
Tensor additive(const Tensor& mask, Dtype dtype) {
  if (mask.dtype() != Dtype::Bool) return to_dtype(mask, dtype);
  return where(mask, Tensor::scalar(0, dtype), Scalar(kMasked));
}

// q, k and v with the same batch dimensions; products that do not fit throw what matmul does.
void broadcast_batches(Tensor& q, Tensor& k, Tensor& v) {
  const auto batch = [](const Tensor& x) { return x.sizes().first(x.sizes().size() - 2); };
  const Dims sizes = broadcast_sizes(broadcast_sizes(batch(q), batch(k)), batch(v));
  const i64 queries = q.size(-2), keys = k.size(-2);
  const auto shaped = [&](i64 rows, i64 columns) {
    Dims wanted{rows, columns};
    if (!sizes.empty()) wanted.insert(0, product(sizes));
    return expand(Tensor::scalar(0, q.dtype()), wanted);
  };
  if (q.size(-1) != k.size(-1)) matmul(shaped(queries, q.size(-1)), shaped(k.size(-1), keys));
  if (keys != v.size(-2)) matmul(shaped(queries, keys), shaped(v.size(-2), v.size(-1)));
  for (Tensor* x : {&q, &k, &v}) {
    Dims wanted(sizes);
    wanted.push_back(x->size(-2));
    wanted.push_back(x->size(-1));
    if (!std::ranges::equal(x->sizes(), Span(wanted))) *x = expand(*x, wanted);
  }
}

Tensor attend(const Attention& a, Tensor q, Tensor k, Tensor v, const Tensor& mask,
              double dropout_p) {
  broadcast_batches(q, k, v);
  if (mask.defined()) {
    Dims scores(q.sizes());
    scores[scores.n - 1] = k.size(-2);
    const Dims both = broadcast_sizes(scores, mask.sizes());
    BACKLIT_CHECK(both == scores, Runtime, "output with shape ", to_string(scores),
                  " doesn't match the broadcast shape ", to_string(both));
  }
  const bool floats = q.dtype() == Dtype::Float32 || q.dtype() == Dtype::Float64;
  if (floats && dropout_p == 0 && !(mask.defined() && mask.requires_grad()))
    return fused_attention(a, q, k, v, mask);
  return matmul(dropout(a.weights(q, k, mask), dropout_p), v);
}

// Heads of keys and values that several heads of queries share: (..., H, L, E) as
// (..., heads, H / heads, L, E), beside (..., heads, 1, S, E).
Tensor attend_grouped(const Attention& a, const Tensor& q, const Tensor& k, const Tensor& v,
                      Tensor mask, double dropout_p) {
  const i64 all = q.size(-3), heads = k.size(-3), value_heads = v.size(-3);
  BACKLIT_CHECK(heads > 0 && value_heads > 0 && all % heads == 0 && all % value_heads == 0, Runtime,
                "Number of heads in key and value must divide the number of heads in query. Got ",
                all, " heads of queries, ", heads, " of keys and ", value_heads, " of values.");
  const auto spread = [&](const Tensor& x) {  // one head for each of the queries'
    Dims sizes(x.sizes());
    sizes.insert(sizes.n - 2, all / x.size(-3));
    const Tensor y = expand(unsqueeze(x, -3), sizes);
    sizes.erase(sizes.n - 3);
    sizes[sizes.n - 3] = all;
    return reshape(y, sizes);
  };
  if (heads != value_heads) return attend(a, q, spread(k), spread(v), mask, dropout_p);
  const auto grouped = [&](const Tensor& x) {
    Dims sizes(x.sizes());
    sizes[sizes.n - 3] = heads;
    sizes.insert(sizes.n - 2, all / heads);
    return reshape(x, sizes);
  };
  if (mask.defined() && mask.dim() > 2)
    mask = mask.size(-3) == all ? grouped(mask) : unsqueeze(mask, -3);
  const Tensor y = attend(a, grouped(q), unsqueeze(k, -3), unsqueeze(v, -3), mask, dropout_p);
  Dims sizes(y.sizes());
  sizes.erase(sizes.n - 3);
  sizes[sizes.n - 3] = all;
  return reshape(y, sizes);
}

Tensor attention_op(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& attn_mask,
                    double dropout_p, bool causal, std::optional<double> scale, bool gqa) {
  check_dtypes(q, k, v, attn_mask);
  BACKLIT_CHECK(!causal || !attn_mask.defined() || q.dim() == 4, Runtime,
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
                "is_causal=True");
  const Tensor mask = attn_mask.defined() ? additive(attn_mask, q.dtype()) : Tensor();
  const i64 width = q.size(-1);
  const double usual = width ? 1 / std::sqrt(static_cast<double>(width)) : 1;  // not inf times 0
  const Attention a{scale.value_or(usual), causal};
  return gqa ? attend_grouped(a, q, k, v, mask, dropout_p) : attend(a, q, k, v, mask, dropout_p);
}

const Register attention_row(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> "
    "Tensor",
    attention_op,
    {.meaning = "Means of the values, weighted for each query by its products with the keys: "
                "(*, L, E), (*, S, E), (*, S, V) -> (*, L, V). A bool mask is true where a query "
                "sees a key, others are added to the scores.",
     .formula = "Y = softmax(scale · Q·Kᵀ + mask) · V",
     .gradient = "∂L/∂V = Pᵀ · ∂L/∂Y, ∂L/∂Q = scale · D · K, ∂L/∂K = scale · Dᵀ · Q, "
                 "D = P ∘ (H − Σⱼ Hⱼ Pⱼ), H = ∂L/∂Y · Vᵀ",
     .home = "nn",
     .node = "ScaledDotProductFlashAttentionForCpuBackward0"});

}  // namespace
}  // namespace backlit::ops
