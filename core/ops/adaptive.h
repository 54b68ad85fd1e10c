// Windows that divide an input into as many parts as there are outputs: output j of m takes the
// inputs from ⌊j n / m⌋ to ⌈(j + 1) n / m⌉ of n.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/max_pool.h"
#include "tensor/tensor.h"

namespace backlit::ops {

inline std::int64_t adaptive_begin(std::int64_t j, std::int64_t in, std::int64_t out) {
  return j / out * in + j % out * in / out;  // j * in could overflow
}
inline std::int64_t adaptive_end(std::int64_t j, std::int64_t in, std::int64_t out) {
  return (j + 1) / out * in + ((j + 1) % out * in + out - 1) / out;
}

// The windows of the last dimensions of a tensor, one size of `output` each.
class AdaptiveGrid {
 public:
  AdaptiveGrid(const Tensor& x, const Dims& output) : dims_(output.size()) {
    for (int d = 0; d < 3; ++d) {
      const int from = d - 3 + dims_;
      in_[d] = from < 0 ? 1 : x.size(d - 3);
      out_[d] = from < 0 ? 1 : output[from];
      for (std::int64_t j = 0; j < out_[d]; ++j) {
        begin_[d].push_back(adaptive_begin(j, in_[d], out_[d]));
        end_[d].push_back(adaptive_end(j, in_[d], out_[d]));
      }
    }
  }
  Dims result_sizes(Span x) const {
    Dims sizes(x);
    for (int d = 1; d <= dims_; ++d) sizes[sizes.size() - d] = out_[3 - d];
    return sizes;
  }
  // Valid as long as this object.
  PoolWindows windows() const {
    PoolWindows w;
    for (int d = 0; d < 3; ++d) {
      w.in[d] = in_[d];
      w.out[d] = out_[d];
      w.begin[d] = begin_[d].data();
      w.end[d] = end_[d].data();
    }
    return w;
  }

 private:
  int dims_;
  std::int64_t in_[3], out_[3];
  std::vector<std::int64_t> begin_[3], end_[3];
};

}  // namespace backlit::ops
