// Losses of class scores: what nll_loss and cross_entropy share.
//
// Scores are (C), (N, C) or (N, C, d1, ...), targets (), (N) or (N, d1, ...).
#pragma once

#include <vector>

#include "base/threads.h"
#include "ops/floats.h"
#include "ops/losses.h"

namespace backlit::ops {

inline constexpr std::int64_t kTargetChunk = 1 << 13;  // targets per partial sum

struct ClassLoss {
  LossReduction reduction;
  std::int64_t ignored;
  double total;  // weight of all targets that count
};

inline int class_dim(const Tensor& x) {
  BACKLIT_CHECK(x.dim() > 0, Index, "Dimension specified as 1 but tensor has no dimensions");
  return x.dim() == 1 ? 0 : 1;
}

// Scores, targets and weights that fit each other; targets are contiguous int64, weights
// contiguous.
struct ClassTargets {
  Tensor target, weight;
  ClassLoss loss;
  // Throws with PyTorch's texts.
  ClassTargets(const Tensor& x, const Tensor& target, const Tensor& weight, std::int64_t ignored,
               LossReduction r);
};
void check_class_weight(const Tensor& weight, std::int64_t classes);
void check_class_shapes(const Tensor& x, const Tensor& target);

// The loss of checked targets; recorded.
Tensor nll(const Tensor& x, const ClassTargets& t);

// A target's weight, 0 for an ignored one.
template <class T> struct ClassWeights {
  const T* w;
  std::int64_t ignored;
  T operator()(std::int64_t target) const {
    return target == ignored ? T(0) : w ? w[target] : T(1);
  }
};
template <class T> ClassWeights<T> weights_of(const Tensor& weight, std::int64_t ignored) {
  return {weight.defined() ? weight.data<T>() : nullptr, ignored};
}

// The sum of f(begin, end) over fixed chunks of [0, n), in order.
template <class F> double sum_chunks(std::int64_t n, std::int64_t chunk, bool long_work, F f) {
  if (n <= chunk) return f(std::int64_t{0}, n);
  std::vector<double> partial(static_cast<std::size_t>((n + chunk - 1) / chunk));
  {
    const GilRelease release(long_work);
    parallel_for(n, chunk, [&](std::int64_t a, std::int64_t b) {
      partial[static_cast<std::size_t>(a / chunk)] = f(a, b);
    });
  }
  double s = 0;
  for (double p : partial) s += p;
  return s;
}
// The sum of f(i) for i < n.
template <class F> double chunked_sum(std::int64_t n, F f) {
  return sum_chunks(n, kTargetChunk, n >= kGilReleaseElements, [&](std::int64_t a, std::int64_t b) {
    double s = 0;
    for (std::int64_t i = a; i < b; ++i) s += static_cast<double>(f(i));
    return s;
  });
}

}  // namespace backlit::ops
