#include "kernels/optim.h"

#include "kernels/isa.h"

namespace backlit {

const OptimTable& optim_table() {
  static const OptimTable& table = best_table<OptimTable>("OptimTable");
  return table;
}

}  // namespace backlit
