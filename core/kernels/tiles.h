// The interface between operations and the loops over raw memory.
//
// A tile function works on n contiguous elements: in[] and out are such arrays. One signature
// serves forward (in: the inputs) and backward (in: the incoming gradient, the inputs, the result).
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace backlit {

using TileFunction = void (*)(const void* const* in, void* out, std::int64_t n,
                              const double* params);

// Kernels of one formula for one instruction set; null where the dtype is not supported.
struct FormulaKernels {
  const char* name;
  TileFunction forward[kDtypes];
  TileFunction backward[3][kDtypes];  // by input; in[] = g, inputs..., y
};

// Converts n elements; [from][to].
using ConvertFunction = void (*)(const void* in, void* out, std::int64_t n);
struct ConvertTable {
  ConvertFunction convert[kDtypes][kDtypes];
};
const ConvertTable& convert_table();

}  // namespace backlit
