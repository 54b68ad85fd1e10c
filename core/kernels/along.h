// Loops that gather and scatter along one dimension of a tensor by a tensor of indices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace backlit {

inline constexpr int kAlongDims = 8;

// The positions of an index tensor, and the strides (in elements) with which three tensors follow
// them: `whole` is the one indexed into, `part` the other one, in the shape of the index.
struct Along {
  struct Dim {
    std::int64_t size, whole, index, part;
  };
  Dim own;  // the dimension indexed along; own.whole is the stride that indices count
  Dim others[kAlongDims];  // from the outside in; merged where all three step evenly
  int n = 0;
  std::int64_t numel = 1;  // of the others
  std::int64_t limit = 0;  // indices are in [0, limit)
  bool wraps = false;      // in [-limit, limit), for gathering

  // Adds a dimension; those of size 1 are left out.
  void add(const Dim& d);
};

// What scattering does where an element is met: x = s, x = x + s, ...
enum class Put : std::uint8_t { Store, Add, Multiply, Max, Min };

// part[p] = whole[.., index[p], ..]. False where an index is out of range.
bool gather_along(const Along& a, const void* whole, const std::int64_t* index, void* part,
                  std::size_t element);
// whole[.., index[p], ..] = put(it, part[p]), in the order of the positions along the dimension:
// the same bits with any number of threads. False where an index is out of range.
bool scatter_along(const Along& a, void* whole, const std::int64_t* index, const void* part,
                   Dtype dtype, Put put);

}  // namespace backlit
