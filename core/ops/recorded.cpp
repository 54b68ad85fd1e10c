#include "ops/recorded.h"

#include <cstring>
#include <stdexcept>

#include "ops/arithmetic.h"

namespace backlit {

Dtype recorded_dtype = Dtype::Float32;

const ElementwiseOp& formula_named(const char* name) {
  for (const ElementwiseOp* op : elementwise_ops())
    if (std::strcmp(op->name, name) == 0) return *op;
  throw std::logic_error(concat("a rule uses '", name, "', which no formula is named"));
}

Recorded where(const Recorded& condition, const Recorded& a, const Recorded& b) {
  if (condition.is_number()) return condition.number() != 0 ? a : b;
  const auto typed = [](const Recorded& r) {
    return r.is_number() ? Tensor::scalar(r.number(), recorded_dtype) : r.tensor();
  };
  return Recorded(ops::where(condition.tensor(), typed(a), typed(b)));
}

}  // namespace backlit
