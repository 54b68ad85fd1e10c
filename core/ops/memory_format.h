// The orders of dimensions in memory that have a name: torch.contiguous_format, channels_last, ...
#pragma once

#include "tensor/tensor.h"

namespace backlit::ops {

enum class MemoryFormat : std::uint8_t { Preserve, Contiguous, ChannelsLast, ChannelsLast3d };

// None preserves; throws TypeError for what is no torch.memory_format.
MemoryFormat memory_format(PyObject* o);
bool lies_in(const Layout& layout, MemoryFormat format);
// The tensor in that order: itself where it lies so. (N, C, *) with the channels last in memory is
// (N, *, C), row-major. Throws where the format is for another number of dimensions.
Tensor laid_out(const Tensor& x, MemoryFormat format);

}  // namespace backlit::ops
