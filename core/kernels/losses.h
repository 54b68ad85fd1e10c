// Reduced losses of pairs of elements over raw memory, without a buffer for the unreduced loss.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace backlit {

enum class PairLoss : std::uint8_t {
  Mse,
  L1,
  SmoothL1,
  Huber,
  BinaryCrossEntropy,
  BinaryCrossEntropyWithLogits
};
inline constexpr int kPairLosses = 6;

struct PairLossKernel {
  using i64 = std::int64_t;
  // The sum of value(a, b); the order of additions depends on n alone.
  double (*sum)(const void* a, const void* b, i64 n, double param);
  // out = factor * local derivative with respect to input 0 or 1
  void (*gradient[2])(const void* a, const void* b, void* out, i64 n, double factor, double param);
};
struct PairLossTable {
  PairLossKernel of[kPairLosses][2];                           // float32, float64
  bool (*in_unit_interval[2])(const void* x, std::int64_t n);  // all elements in [0, 1]
};
const PairLossTable& pair_losses();

}  // namespace backlit
