#include "kernels/reduce.h"

#include "base/error.h"
#include "kernels/isa.h"

namespace backlit {

const ReduceKernel& reduce_kernel(Reduction r, Dtype d) {
  static const ReduceTable& t = best_table<ReduceTable>("ReduceTable");
  const ReduceKernel& k = t.kernel[static_cast<int>(r)][static_cast<int>(d)];
  BACKLIT_CHECK(k.tile, NotImplemented, "reduction not implemented for '", info(d).scalar_name,
                "'");
  return k;
}

}  // namespace backlit
