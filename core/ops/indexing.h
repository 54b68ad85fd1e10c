// Elements chosen by index tensors: x[i, :, j], x[mask], and their inverses.
#pragma once

#include <memory>
#include <span>

#include "graph/node.h"

namespace backlit::ops {

// One index tensor: int64 or int32 for one dimension of x, bool for as many as it has itself.
struct IndexGroup {
  Tensor index;
  int dim;       // its first dimension in x
  int span = 1;  // how many it replaces
};

// A choice of elements of a tensor with the contiguous layout `full`. The result has the shape
// kept[:lead] + index + kept[lead:]; `offsets`, int64 in the shape `index`, holds for each index
// position the sum over the indexed dimensions, in elements.
struct IndexMap {
  LayoutRef full;
  Dims kept, strides;  // sizes of the dimensions that stay, and their strides in `full`
  int lead = 0;
  Tensor offsets;

  Dims result_sizes() const;
};
using IndexMapRef = std::shared_ptr<const IndexMap>;

// Checks the groups against x (IndexError) and works out the map.
IndexMapRef make_index_map(const Tensor& x, std::span<const IndexGroup> groups);

// x[groups], recorded as `name`.
Tensor index(const Tensor& x, std::span<const IndexGroup> groups,
             const char* name = "IndexBackward0");
// x[groups] = value or += value, in place.
Tensor index_put_(const Tensor& x, std::span<const IndexGroup> groups, const Tensor& value,
                  bool accumulate, const char* name = "IndexPutBackward0");

// value (0-d) where the mask is true, recorded as `name`.
Tensor masked_fill_in_place(const Tensor& x, const Tensor& mask, const Tensor& value,
                            const char* name);

// The three linear maps that gradients are made of; each records its own.
Tensor pick_at(const Tensor& x, const IndexMapRef& map, const char* name = "IndexBackward0");
Tensor put_at(const Tensor& y, const IndexMapRef& map);  // zeros with y added at the chosen places
Tensor clear_at(const Tensor& x, const IndexMapRef& map);  // x with 0 at the chosen places

}  // namespace backlit::ops
