// The linear maps of embeddings, each the other's gradient: recorded, indices checked before.
#pragma once

#include <cstdint>

#include "graph/node.h"

namespace backlit::ops {

inline constexpr std::int64_t kNoPadding = -1;

// Lines of `weight` (rows, width) at the indices, int64 and contiguous: (*, width). The index
// `padding` sends no gradient back; with zero_padding its line is zero.
Tensor pick_rows(const Tensor& index, const Tensor& weight, std::int64_t padding,
                 bool zero_padding);
// (rows, width) zeros with g's lines added at their index, but for `padding`.
Tensor add_rows(const Tensor& g, const Tensor& index, std::int64_t rows, std::int64_t padding);

// Indices as int64 in contiguous memory; throws for other dtypes, naming the operation.
Tensor embedding_index(const Tensor& given, const char* operation);
// For each index 1 / how often it occurs, in the shape (*, 1).
Tensor inverse_frequency(const Tensor& index, std::int64_t rows, Dtype dtype);

}  // namespace backlit::ops
