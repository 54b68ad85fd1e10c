// Runs a tile function over strided, broadcast, mixed-dtype operands.
#pragma once

#include <span>

#include "kernels/tiles.h"
#include "tensor/tensor.h"

namespace backlit {

// Elements are brought into the tile function's dtype as they are read.
struct TileInput {
  const char* data;
  Dtype dtype;
  const Layout* layout;  // null: one element, repeated
};

struct TileOutput {
  char* data;
  Dtype dtype;           // of memory
  const Layout* layout;  // gives the shape of the loop
};

// compute: the dtype the function reads; produces: the dtype it writes. Releases the GIL when long.
void run_tiles(TileFunction f, std::span<const TileInput> in, const TileOutput& out, Dtype compute,
               Dtype produces, const double* params);

// Copies with conversion and broadcasting: out = in.
void copy_tiles(const TileInput& in, const TileOutput& out);

// A layout for the result of an elementwise operation: sizes, and the order of dimensions of the
// first operand that has one (PyTorch's rule), so that transposed inputs give transposed results.
LayoutRef result_layout(Span sizes, std::span<const Layout* const> inputs);

}  // namespace backlit
