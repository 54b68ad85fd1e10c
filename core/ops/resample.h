// Linear maps of the last one to three dimensions that work along each of them on its own, and
// their transposes: what averages, interpolation and most kinds of padding are.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/node.h"

namespace backlit::ops {

// A sparse matrix, row by row: output j is Σ weight[k] x[index[k]], begin[j] <= k < begin[j + 1].
struct AxisMap {
  std::int64_t in = 1, out = 1;
  std::vector<std::int64_t> begin{0}, index;
  std::vector<double> weight;  // empty: all are 1

  bool is_identity() const;
  // The next output, whose taps were put into `index` and `weight`.
  void end_output() { begin.push_back(static_cast<std::int64_t>(index.size())); }
  std::int64_t taps() const { return static_cast<std::int64_t>(index.size()); }
};
AxisMap identity_map(std::int64_t n);
// Output j is input index[j].
AxisMap pick_map(std::int64_t in, std::vector<std::int64_t> index);
AxisMap transposed(const AxisMap& m);

// Of depth, height and width; the identity of size 1 along those that an operation lacks.
struct PlaneMap {
  AxisMap axes[3];
  int dims;  // how many of them there are

  bool is_pick() const;  // each output is one input, unchanged, or 0
  Dims result_sizes(Span x) const;
};
using PlaneMapRef = std::shared_ptr<const PlaneMap>;
PlaneMapRef plane_map(std::vector<AxisMap> axes);
PlaneMapRef transposed(const PlaneMap& m);

// Names of the nodes of a map and of its transpose, which are each other's gradient.
struct ResampleNames {
  const char *forward, *backward;
};

// The map of x, recorded.
Tensor resample(const Tensor& x, const PlaneMapRef& map, const ResampleNames& names);
// The same, not recorded.
Tensor resampled(const Tensor& x, const PlaneMap& map);

}  // namespace backlit::ops
