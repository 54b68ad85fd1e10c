// The tile of a product that is kept in registers; included by *.isa.cpp files only.
#pragma once

#include "kernels/lanes.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

// Rows by vectors: as many as leave registers for a line of b and one element of a.
#if defined(__AVX512F__)
constexpr int kTileRows = 6, kTileVectors = 4;
#elif defined(__AVX2__)
constexpr int kTileRows = 6, kTileVectors = 2;
#else
constexpr int kTileRows = 4, kTileVectors = 2;
#endif

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
