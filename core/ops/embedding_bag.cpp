// EmbeddingBag: rows of a matrix, picked by index and reduced bag by bag.
#include <algorithm>
#include <vector>

#include "base/threads.h"
#include "ops/along.h"
#include "ops/embedding.h"
#include "ops/floats.h"
#include "ops/reductions.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 15;  // elements that one task reads, about
enum Mode : i64 { Sum, Mean, Max };

// Bag b holds the indices starts[b] to starts[b + 1].
struct Bags {
  Tensor index;
  std::vector<i64> starts;
  i64 padding;

  i64 count() const { return static_cast<i64>(starts.size()) - 1; }
  i64 chunk(i64 width) const {
    return kTask * count() / (std::max<i64>(index.numel() * width, 1)) + 1;
  }
  // f(i, row) for the indices of bag b that count.
  template <class F> void visit(i64 b, F f) const {
    const i64* at = index.data<i64>();
    for (i64 i = starts[static_cast<std::size_t>(b)]; i < starts[static_cast<std::size_t>(b) + 1];
         ++i)
      if (at[i] != padding) f(i, at[i]);
  }
};

Bags make_bags(const Tensor& indices, const Tensor& offsets, bool include_last_offset, i64 rows,
               std::optional<i64> padding_idx) {
  Bags bags{embedding_index(indices, "embedding_bag"), {}, kNoPadding};
  const Tensor from = embedding_index(offsets, "embedding_bag");
  const i64 n = bags.index.numel();
  bags.starts.assign(from.data<i64>(), from.data<i64>() + from.numel());
  if (!include_last_offset) bags.starts.push_back(n);
  BACKLIT_CHECK(!bags.starts.empty(), Runtime,
                "include_last_offset: number of offset should be at least 1");
  BACKLIT_CHECK(bags.starts[0] == 0 || bags.count() == 0, Runtime,
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
                "from position 0. However, got ",
                bags.starts[0]);
  const i64 last = from.numel() ? from.data<i64>()[from.numel() - 1] : 0;
  BACKLIT_CHECK(last <= n, Runtime, "offsets[-1] can not be greater than input's length ", n,
                " but got offsets[-1] of ", last);
  bags.index = narrow(bags.index, 0, 0, bags.starts.back());  // the others are in no bag
  BACKLIT_CHECK(std::ranges::is_sorted(bags.starts), Runtime, "offsets must not decrease");
  const i64* at = bags.index.data<i64>();
  for (i64 i = 0; i < bags.index.numel(); ++i)
    BACKLIT_CHECK(at[i] >= 0 && at[i] < rows, Runtime,
                  "embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be ",
                  at[i]);
  if (!padding_idx) return bags;
  BACKLIT_CHECK(*padding_idx >= -rows && *padding_idx < rows, Runtime,
                "padding_idx must be within the number of embeddings, ", -rows, " through ",
                rows - 1, ", but got ", *padding_idx);
  bags.padding = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
  return bags;
}

// The bag of each index.
Tensor bag_of_each(const Bags& bags) {
  const Tensor y = Tensor::empty(Dims{bags.index.numel()}, Dtype::Int64);
  for (i64 b = 0; b < bags.count(); ++b)
    std::fill(y.data<i64>() + bags.starts[static_cast<std::size_t>(b)],
              y.data<i64>() + bags.starts[static_cast<std::size_t>(b) + 1], b);
  return y;
}

// (n, 1): what each index's row is multiplied by; undefined where that is 1.
Tensor factors(const Bags& bags, Mode mode, Dtype dtype) {
  if (mode == Sum && bags.padding == kNoPadding) return {};
  const Tensor y = Tensor::zeros(Dims{bags.index.numel(), 1}, dtype);
  visit_floats(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (i64 b = 0; b < bags.count(); ++b) {
      i64 count = 0;
      bags.visit(b, [&](i64, i64) { ++count; });
      const T factor = mode == Mean ? T(1) / static_cast<T>(count) : T(1);
      bags.visit(b, [&](i64 i, i64) { y.data<T>()[i] = factor; });
    }
  });
  return y;
}

Tensor scaled(const Tensor& lines, const Tensor& factor) {
  return factor.defined() ? mul(lines, factor) : lines;
}

// Sums of rows, each times its factor and its weight in the bag.
template <class T>
void sum_bags(const Bags& bags, const Tensor& weight, const Tensor& factor, const Tensor& samples,
              const Tensor& y) {
  const i64 width = weight.layout().size(1);
  const T *rows = weight.data<T>(), *f = factor.defined() ? factor.data<T>() : nullptr;
  const T* s = samples.defined() ? samples.data<T>() : nullptr;
  const GilRelease release(bags.index.numel() * width >= kGilReleaseElements);
  parallel_for(bags.count(), bags.chunk(width), [&](i64 begin, i64 end) {
    for (i64 b = begin; b < end; ++b) {
      T* to = y.data<T>() + b * width;
      std::fill_n(to, width, T(0));
      bags.visit(b, [&](i64 i, i64 row) {
        const T scale = (f ? f[i] : T(1)) * (s ? s[i] : T(1));
        const T* from = rows + row * width;
        for (i64 c = 0; c < width; ++c) to[c] += scale * from[c];
      });
    }
  });
}

Tensor reduce_sum(const Bags& bags, Mode mode, const Tensor& weight, const Tensor& samples,
                  bool scale_by_frequency) {
  const i64 rows = weight.layout().size(0);
  const Tensor factor = factors(bags, mode, weight.dtype());
  Tensor y = Tensor::empty(Dims{bags.count(), weight.layout().size(1)}, weight.dtype());
  const Tensor plain = contiguous(detach(weight));
  const Tensor plain_samples = samples.defined() ? contiguous(detach(samples)) : Tensor();
  visit_floats(weight.dtype(),
               [&](auto zero) { sum_bags<decltype(zero)>(bags, plain, factor, plain_samples, y); });
  y->inference = modes.inference;
  const Tensor inputs[] = {weight, samples};
  if (!should_record(inputs)) return y;
  const Tensor frequency =
      scale_by_frequency ? inverse_frequency(bags.index, rows, weight.dtype()) : Tensor();
  const Tensor read = samples.defined() && samples.requires_grad() ? weight : Tensor();
  return record(
      "EmbeddingBagBackward0", std::move(y), {weight, samples},
      {samples, read, bags.index, bag_of_each(bags), factor, frequency},
      [rows, padding = bags.padding](Vjp& v) {
        const Tensor samples = v.saved(0), index = v.saved(2);
        const Tensor lines = scaled(pick_rows(v.saved(3), v.g(), kNoPadding, false), v.saved(4));
        if (v.needs(0)) {
          const Tensor own = samples.defined() ? mul(lines, unsqueeze(samples, 1)) : lines;
          v.set(0, add_rows(scaled(own, v.saved(5)), index, rows, padding));
        }
        if (v.needs(1)) {
          const Tensor picked = pick_rows(index, v.saved(1), kNoPadding, false);
          v.set(1, sum(mul(lines, picked), Dims{1}, false));
        }
      });
}

// The first largest element of each bag, column by column; 0 for a bag without one.
Tensor reduce_max(const Bags& bags, const Tensor& weight) {
  const i64 width = weight.layout().size(1);
  const Tensor largest = Tensor::zeros(Dims{bags.count(), width}, Dtype::Int64);
  const Tensor filled = Tensor::zeros(Dims{bags.count(), 1}, Dtype::Bool);
  const Tensor plain = contiguous(detach(weight));
  visit_floats(weight.dtype(), [&](auto zero) {
    const auto* from = plain.template data<decltype(zero)>();
    const GilRelease release(bags.index.numel() * width >= kGilReleaseElements);
    parallel_for(bags.count(), bags.chunk(width), [&](i64 begin, i64 end) {
      for (i64 b = begin; b < end; ++b) {
        i64* at = largest.data<i64>() + b * width;
        bool& found = filled.data<bool>()[b];
        bags.visit(b, [&](i64, i64 row) {
          for (i64 c = 0; c < width; ++c)
            if (!found || from[row * width + c] > from[at[c] * width + c]) at[c] = row;
          found = true;
        });
      }
    });
  });
  const Tensor picked = gather(weight, 0, largest, "EmbeddingBagBackward0");
  return all_nonzero(filled) ? picked : where(filled, picked, Scalar(0.0));
}

Tensor embedding_bag_op(const Tensor& weight, const Tensor& indices, const Tensor& offsets,
                        bool scale_grad_by_freq, i64 mode, const Tensor& per_sample_weights,
                        bool include_last_offset, std::optional<i64> padding_idx) {
  const Tensor& samples = per_sample_weights;
  BACKLIT_CHECK(weight.is_floating() &&
                    (weight.dtype() == Dtype::Float32 || weight.dtype() == Dtype::Float64),
                NotImplemented, "embedding_bag: weights of dtype '",
                info(weight.dtype()).scalar_name, "' are not implemented.");
  BACKLIT_CHECK(!samples.defined() || samples.dtype() == weight.dtype(), Runtime,
                "Expected tensor for argument #1 'weight' to have the same type as tensor for "
                "argument #1 'per_sample_weights'; but type torch.",
                info(weight.dtype()).tensor_type, " does not equal torch.",
                samples.defined() ? info(samples.dtype()).tensor_type : "",
                " (while checking arguments for embedding_bag)");
  const Bags bags =
      make_bags(indices, offsets, include_last_offset, weight.layout().size(0), padding_idx);
  if (mode == Max) return reduce_max(bags, weight);
  const i64 n = bags.index.numel();
  const Tensor in_bags =
      samples.defined() && samples.numel() > n ? narrow(samples, 0, 0, n) : samples;
  return reduce_sum(bags, static_cast<Mode>(mode), weight, in_bags, scale_grad_by_freq);
}
const Register embedding_bag_row(
    "_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int "
    "mode, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> Tensor",
    embedding_bag_op,
    {.meaning = "Rows of weight by index, reduced bag by bag.",
     .formula = "y[b, :] = Σ over i in bag b of sᵢ w[tᵢ, :], or their mean or maximum",
     .gradient = "∂L/∂w[r, :] = Σ over i with tᵢ = r of sᵢ ∂L/∂y[b(i), :]",
     .home = "_C",
     .method = false,
     .node = "EmbeddingBagBackward0"});

}  // namespace
}  // namespace backlit::ops
