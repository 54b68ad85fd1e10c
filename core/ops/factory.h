// The common end of the signatures of functions that make tensors. pin_memory, layout and
// memory_format change nothing here.
#pragma once

#include <optional>

#include "ops/creation.h"

#define BACKLIT_FACTORY                                                         \
  "dtype? dtype=None, any layout=None, any device=None, any pin_memory=False, " \
  "bool requires_grad=False"
#define BACKLIT_FACTORY_FORMAT BACKLIT_FACTORY ", any memory_format=None"
#define BACKLIT_FACTORY_PARAMETERS \
  std::optional<Dtype> dtype, Any, Any device, Any, bool requires_grad
#define BACKLIT_FACTORY_FORMAT_PARAMETERS BACKLIT_FACTORY_PARAMETERS, Any

namespace backlit {

// y, or `out` holding it; checks dtype= against out.
Tensor finish_factory(Tensor y, const Tensor& out, std::optional<Dtype> dtype, bool requires_grad);
// Uninitialised memory with the sizes of x, in an order of dimensions like x's own.
Tensor empty_as(const Tensor& x, std::optional<Dtype> dtype);
void check_sizes(Span sizes, const char* name);

}  // namespace backlit
